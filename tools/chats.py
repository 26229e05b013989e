"""docs/chats.png: Easel in use, in both chats.

    make chats

One bot with the embedded model is asked in stand-ins for Discord's and Telegram's servers; what it answered
is laid out by chats.html, in the manner of each app, and drawn by Chromium. Nothing is typeset by hand but
the frames.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from PIL import Image, ImageChops

from bot.alerts import Alerts
from bot.app import open_service
from bot.config.credentials import Redactor
from bot.discord.pages import unescaped
from bot.logs import set_up_logs
from bot.telegram import Client
from tests.bot.discord.conftest import opener, rows, texts
from tests.bot.telegram.conftest import ANNA, FAST, config_for, stand_in
from tests.bot.telegram.markup import parse
from tests.bot.telegram.standin import TOKEN
from tests.easel import FieldModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.imagine.service import Service
    from tests.bot.discord.conftest import World
    from tests.bot.telegram.standin import StandIn

HERE = Path(__file__).parent
OUT = HERE.parent / "docs" / "chats.png"
WIDTH_PX, HEIGHT_PX, SCALE = 1180, 1800, 1.5


@dataclass
class Message:
    """One message as its reader sees it."""

    asked: str
    """What the member typed before it."""
    who: str = ""
    text: str = ""
    small: str = ""
    """The lines in small print."""
    picture: str = ""
    """A data URL."""
    buttons: list[list[str]] = field(default_factory=list)


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


async def in_discord(world: World) -> AsyncIterator[Message]:
    """Two members ask; the second wants four at once."""
    asked: list[tuple[Any, str, dict[str, Any]]] = [
        (world.anna, "anna", {"prompt": "a panda on the beach", "seed": "0"}),
        (world.bob, "bob", {"prompt": "a rocket in the night sky", "images": 4, "seed": "0"}),
    ]
    for member, who, options in asked:
        answer: Any = await world.imagine(who=member, **options)
        prompt, lines = texts(answer)
        yield Message(
            asked="/imagine",
            who=who,
            text=unescaped(prompt),
            small=unescaped(lines).replace("-# ", "").replace(f"<@{member.id}>", f"@{who}"),
            picture=data_url(world.file(answer)),
            buttons=rows(answer),
        )


def _more_than(telegram: StandIn, before: int) -> bool:
    return len(telegram.messages(ANNA)) > before


async def in_telegram(telegram: StandIn, client: Client) -> AsyncIterator[Message]:
    """A member asks in Chinese, for pictures and for what is left of the month."""
    for line in ("一只可爱的橘色猫咪 --种子 0", "/quota", "夜空中的一颗黄色星星 --尺寸 横图 --种子 0"):
        before = len(telegram.messages(ANNA))
        await telegram.say(ANNA, line, language="zh-hans")
        await telegram.until(partial(_more_than, telegram, before))
        await client.face.settled()
        shown = telegram.messages(ANNA)[-1]
        yield Message(
            asked=line,
            text=parse(shown.text).text,
            picture=data_url(shown.photo) if shown.photo else "",
            buttons=[[button["text"] for button in row] for row in shown.keyboard],
        )


async def chats(folder: Path) -> dict[str, list[Message]]:
    """What was said in both, by one bot."""
    async with contextlib.AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(stand_in())
        config = config_for(folder, telegram.url)
        service = await stack.enter_async_context(open_service(config))

        @contextlib.asynccontextmanager
        async def below() -> AsyncIterator[Service]:
            yield service

        world = await stack.enter_async_context(opener(config, FieldModel())(below=below))
        discord_said = [message async for message in in_discord(world)]
        client = Client(service, TOKEN, config, Alerts(), FAST)
        running = asyncio.create_task(client.run("a-webhook-secret"))
        telegram_said = [message async for message in in_telegram(telegram, client)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return {"discord": discord_said, "telegram": telegram_said}


def drawn(said: dict[str, list[Message]], folder: Path) -> Image.Image:
    """The page as Chromium draws it, without the empty part below."""
    template = jinja2.Template((HERE / "chats.html").read_text("utf-8"), autoescape=True)
    page, shot = folder / "chats.html", folder / "chats.png"
    page.write_text(template.render(said), "utf-8")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "needs Chromium, Noto Sans CJK and Noto Color Emoji"
    subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--force-device-scale-factor={SCALE}", f"--window-size={WIDTH_PX},{HEIGHT_PX}",
            f"--screenshot={shot}", page.as_uri(),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    image = Image.open(io.BytesIO(shot.read_bytes())).convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((0, image.height - 1)))
    used = ImageChops.difference(image, ground).getbbox()
    assert used, "the page is empty"
    return image.crop((0, 0, image.width, min(image.height, used[3] + used[1])))


def main() -> None:
    set_up_logs("warning", Redactor())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = drawn(asyncio.run(chats(folder)), folder)
    image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(OUT, optimize=True)
    print(f"{OUT}: {image.width}x{image.height}")


if __name__ == "__main__":
    main()
