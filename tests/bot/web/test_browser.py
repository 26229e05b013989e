"""The owner's page in a real browser, as wide as a phone. Its own policy keeps every script from running.

Needs Chromium and its driver (Debian: `apt install chromium chromium-driver`); is skipped where they are not.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from axe_core_python.selenium import Axe
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from bot.imagine.options import Options
from bot.messages import translator
from tests.bot.web.test_admin import ANNA, OWNER, drawn, link, owned
from tests.bot.web.test_admin_sources import varied

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

    from tests.bot.web.conftest import Stage

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
PHONE = {"width": 390, "height": 844, "pixelRatio": 2.0}
LOAD_S = 60
SETTLE_S = 15
SIDEWAYS = """
return [...document.querySelectorAll("main *")].filter(one => one.scrollWidth > one.clientWidth + 1)
    .filter(one => ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map(one => one.outerHTML)
"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed"),
]


class Phone:
    """A browser on a small screen. Every method blocks."""

    def __init__(self, driver: Chrome, pictures: Path) -> None:
        self.driver = driver
        self._pictures = pictures

    def press(self, words: str) -> None:
        """Click the first button or link with these words."""
        found = f"//button[normalize-space()='{words}'] | //a[normalize-space()='{words}']"
        self.click(self.driver.find_element(By.XPATH, found))

    def click(self, element: WebElement) -> None:
        """Click what leads to another page, and wait for that."""
        page = self.driver.find_element(By.TAG_NAME, "html")
        element.click()

        def left(_: Chrome) -> bool:
            try:
                page.is_enabled()
            except WebDriverException:  # stale; or, in the middle of it, a node of no document
                return True
            return False

        WebDriverWait(self.driver, LOAD_S).until(left)

    def load_until(self, words: str) -> None:
        """Load the page again, as it does itself after a while, until these words are there."""

        def there(driver: Chrome) -> bool:
            driver.refresh()
            return words in self.words()

        WebDriverWait(self.driver, LOAD_S).until(there)

    def words(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def photograph(self, name: str) -> None:
        """Keep the whole page, light and dark, and see that nothing stands out to the right.

        A page's first layout can be a desktop's 980 pixels, until the browser has taken in its viewport.
        """
        run = self.driver.execute_cdp_cmd

        def fits(_: Chrome) -> bool:
            size = run("Page.getLayoutMetrics", {})["cssContentSize"]
            return bool(size["width"] <= PHONE["width"])

        WebDriverWait(self.driver, SETTLE_S).until(fits, f"{name} is wider than a phone: {self.words()}")
        assert self.driver.execute_script(SIDEWAYS) == [], f"{name}: this scrolls sideways"
        for scheme in ("light", "dark"):
            run(
                "Emulation.setEmulatedMedia",
                {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
            )
            self.driver.save_screenshot(str(self._pictures / f"{name}-{scheme}.png"))
            self.look_for_faults(f"{name} {scheme}")

    def look_for_faults(self, name: str) -> None:
        """What axe-core finds serious: too little contrast, fields without a name, and their like."""
        found = Axe().run(self.driver)["violations"]
        serious = [fault for fault in found if fault["impact"] in ("serious", "critical")]
        assert serious == [], f"{name}: {[(fault['id'], fault['nodes'][0]['html']) for fault in serious]}"

    def complaints(self) -> list[str]:
        """What the browser's console says: a policy that was broken, a file that is not there."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Phone]:
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_experimental_option("mobileEmulation", {"deviceMetrics": PHONE})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Driver(str(DRIVER)))
    driver.set_page_load_timeout(LOAD_S)
    try:
        yield Phone(driver, tmp_path)
    finally:
        driver.quit()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_an_owner_finds_their_way_on_a_phone(
    stage: Stage, tmp_path: Path, phone: Phone, language: str
) -> None:
    t = translator(language)
    async with stage.site(owned(tmp_path)) as site:
        service = site.service
        await service.store.members.set_language((await service.members.of(OWNER)).key, language)
        await varied(site, "0")
        await drawn(site, "1", "an orange cat on a green meadow")
        site.model.fail = [RuntimeError("boom")]
        await (await service.imagine(ANNA, Options("a dog"), key="2", address={})).outcome()
        await service.pausing.pause("1")
        waiting = await service.imagine(ANNA, Options("a boat"), key="3", address={})
        url = await link(site)

        def walk() -> None:
            phone.driver.get(url)
            phone.photograph("enter")
            phone.press(translator("en")("page-enter"))
            assert "DrawFailed" in phone.words()
            phone.photograph("now")
            phone.press(t("page-cancel"))
            phone.load_until(t("page-queue-empty"))
            phone.press(t("page-resume"))
            phone.press(t("page-costs"))
            phone.photograph("costs")
            phone.press(t("page-members"))
            phone.photograph("members")
            phone.click(phone.driver.find_element(By.XPATH, "//td[contains(., 'discord 1')]/a"))
            Select(phone.driver.find_element(By.NAME, "tier")).select_by_visible_text("premium")
            phone.press(t("page-set"))
            assert t("admin-tier", member="discord 1", tier="premium") in phone.words()
            phone.photograph("member")
            for tab in ("page-keys", "page-alerts", "page-log", "page-settings"):
                phone.press(t(tab))
                phone.photograph(tab)
            phone.press(t("page-pictures"))
            phone.press(t("page-sources"))
            phone.photograph("sources")
            phone.click(phone.driver.find_element(By.CSS_SELECTOR, "figure a"))
            assert "a private cat" in phone.words()
            phone.photograph("source")
            phone.press(t("page-drawn"))
            assert "orange cat" not in phone.words()
            phone.photograph("pictures")
            phone.click(phone.driver.find_element(By.CSS_SELECTOR, "figure a"))
            assert "an orange cat on a green meadow" in phone.words()
            phone.photograph("picture")
            phone.press(t("page-remove"))
            phone.photograph("question")
            phone.press(t("page-sure"))
            assert t("page-removed") in phone.words()
            assert phone.complaints() == []
            phone.press(t("page-leave"))
            phone.driver.get(f"{site.url}/admin/")
            assert "easel admin-link" in phone.words()

        await asyncio.to_thread(walk)
        await waiting.outcome()
        assert not service.pausing.paused
        assert (await service.members.of(ANNA)).tier == "premium"


async def test_another_page_cannot_hold_it_in_a_frame(stage: Stage, tmp_path: Path, phone: Phone) -> None:
    async with stage.site(owned(tmp_path)) as site:
        outside = tmp_path / "outside.html"
        outside.write_text(f'<iframe src="{site.url}/admin/enter"></iframe>')

        def look() -> list[str]:
            phone.driver.get(outside.as_uri())
            return phone.complaints()

        assert any("frame-ancestors" in complaint for complaint in await asyncio.to_thread(look))
