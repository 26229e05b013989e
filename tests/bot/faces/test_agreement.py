"""What a platform has no notion of is said in docs/commands.md, with the reason; all else every face does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bot.cli import test_terminal as terminal
from tests.bot.discord import test_conformance as discord
from tests.bot.faces.driver import Can
from tests.bot.telegram import test_conformance as telegram
from tests.bot.web import test_conformance as web

if TYPE_CHECKING:
    from tests.bot.faces.conformance import FaceConformance

COMMANDS = Path(__file__).parents[3] / "docs" / "commands.md"
FACES: dict[str, type[FaceConformance]] = {
    "Discord": discord.TestDiscord,
    "Telegram": telegram.TestTelegram,
    "terminal": terminal.TestTerminal,
    "HTTP API": web.TestApi,
}


def rows() -> dict[str, list[str]]:
    """The table that names all faces: its cells by what stands in the first column."""
    lines = COMMANDS.read_text("utf-8").splitlines()
    begin = lines.index(f"| | {' | '.join(FACES)} |") + 2
    end = lines.index("", begin)
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[begin:end])
    return {first: others for first, *others in cells}


def test_the_table_has_a_row_for_each_thing_that_may_differ() -> None:
    assert list(rows()) == list(Can)


@pytest.mark.parametrize("can", Can, ids=lambda can: can.name.lower())
@pytest.mark.parametrize("name", FACES)
def test_a_face_does_it_or_the_table_says_why_not(name: str, can: Can) -> None:
    cell = rows()[can][list(FACES).index(name)]
    why_not = FACES[name].CANNOT.get(can)
    assert cell == why_not if why_not else cell.startswith("yes")
