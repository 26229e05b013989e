"""One report on every platform: the same figures, within what each platform takes."""

from __future__ import annotations

import html
import re

import pytest

from bot.cost.report_text import facts, title
from bot.discord.pages import card_embed
from bot.messages import LANGUAGES, translator
from bot.render import Card
from bot.telegram import html as telegram_html
from tests.bot.cost.figures import report

TELEGRAM_CHARS = 4096
DISCORD_CHARS = 6000


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d.,:]*\d|\d", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_platform_shows_the_same_numbers(language: str) -> None:
    t = translator(language)
    told = facts(report(), t)
    card = Card(title(report(), t), tuple(told))
    wanted = [number for label, value in told for number in figures(f"{label}\n{value}")]
    embed = card_embed(card)
    on_discord = "\n".join(f"{field.name}\n{field.value}" for field in embed.fields).replace("\\", "")
    on_telegram = html.unescape(re.sub(r"<[^>]+>", "", telegram_html.card(card)))
    assert figures(on_discord) == wanted
    assert figures(on_telegram.removeprefix(card.title)) == wanted
    assert len(embed) <= DISCORD_CHARS
    assert len(on_telegram) <= TELEGRAM_CHARS
