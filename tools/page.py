"""docs/page.png: the owner's page after a simulated month, as a desktop shows it.

    make page

Requests, quotas and ledger are those of `benchmarks.month`, with fewer members; Chromium takes the picture.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as Driver

from benchmarks.month import START, simulate
from bot.commands import owners
from bot.imagine.asker import Asker
from bot.messages import translator
from bot.web import listen, serve
from tests.easel import config_in, easel

OUT = Path("docs/page.png")
WIDTH, HEIGHT = 900, 1070
COLOURS = 96
DAYS, MEMBERS, IMAGES = 31, 60, 6_000


async def draw() -> None:
    """Simulate, serve the page on a free port, and photograph the costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = config_in(folder, http={"enabled": True, "port": 0})
        config.storage.folder.mkdir(parents=True)
        await simulate(config.storage.folder, days=DAYS, members=MEMBERS, images=IMAGES)
        async with easel(config) as service:
            with listen(config.http) as door:
                serving = asyncio.create_task(serve(service, config, door))
                owner = Asker("console", "owner")
                card = await owners.page_link(service.store, config, owner, translator("en"))
                url = f"http://127.0.0.1:{door.getsockname()[1]}"
                await asyncio.to_thread(
                    photograph, url, card.link.partition("/admin")[2], folder / "page.png"
                )
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
        with Image.open(folder / "page.png") as picture:
            picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=COLOURS).save(OUT, optimize=True)


def photograph(url: str, link: str, out: Path) -> None:
    """Sign in, open the month, and keep what the window shows. Blocking."""
    options = ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={WIDTH},{HEIGHT}",
    ):
        options.add_argument(argument)
    driver = Chrome(options=options, service=Driver(shutil.which("chromedriver")))
    try:
        driver.get(f"{url}/admin{link}")
        driver.find_element("css selector", "button.main").click()
        driver.get(f"{url}/admin/costs?period={START:%Y-%m}")
        driver.save_screenshot(str(out))
    finally:
        driver.quit()


if __name__ == "__main__":
    asyncio.run(draw())
