"""`easel key`: made, listed and taken back beside a running bot."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.config.file import load_config
from tests.database import lay_out
from tests.easel import easel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f"[storage]\nfolder = '{tmp_path / 'data'}'\n", "utf-8")
    lay_out(tmp_path / "data" / "easel.db")
    return file


def run(settings: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["key", *words, "--config", str(settings)], terminal_width=120)
    return result.exit_code, result.output


def test_a_key_is_shown_once_listed_and_revoked(settings: Path) -> None:
    assert "no keys yet" in run(settings, "list")[1]
    made = run(settings, "create", "shop", "--scope", "images", "--expires", "2099-12-31", "--cap", "12.50")[
        1
    ]
    found = re.search(r"easel_([0-9a-f]{10})_([0-9a-f]{32})", made)
    assert found is not None
    listed = run(settings, "list")[1]
    for part in (found[1], "shop", "enterprise", "images", "2099-12-31", "12.50", "valid"):
        assert part in listed
    assert found[2] not in listed
    assert run(settings, "revoke", found[0], "--why", "leaked")[0] == 0
    assert "revoked" in run(settings, "list")[1]
    code, said = run(settings, "revoke", found[1])
    assert (code, found[1] in said) == (1, True)


def test_a_customer_can_be_forgotten_with_the_key(settings: Path) -> None:
    made = run(settings, "create", "shop")[1]
    found = re.search(r"easel_([0-9a-f]{10})_", made)
    assert found is not None
    code, said = run(settings, "revoke", found[1], "--forget")
    assert (code, "Deleted: 0 requests" in said) == (0, True)
    assert found[1] not in run(settings, "list")[1]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--tier", "gold"), "gold"),
        (("--scope", "everything"), "images, usage"),
        (("--expires", "tomorrow"), "2026-12-31"),
        (("--cap", "much"), "much"),
        (("--cap", "nan"), "nan"),
        (("--cap", "-1"), "-1"),
        (("--cap", "0"), "above 0"),
        (("--cap", "1e-9"), "above 0"),
        (("--expires", "2020-01-01"), "“2020-01-01” is over"),
        (("--expires", ""), "“” is not a date"),
    ],
)
def test_what_does_not_fit_is_a_sentence_and_makes_nothing(
    settings: Path, words: tuple[str, ...], part: str
) -> None:
    code, said = run(settings, "create", "shop", *words)
    assert (code, part in said) == (1, True)
    assert "no keys yet" in run(settings, "list")[1]


@pytest.mark.e2e
def test_only_the_key_goes_to_standard_output(settings: Path) -> None:
    made = CliRunner().invoke(app, ["key", "create", "shop", "--config", str(settings)])
    assert re.fullmatch(r"easel_[0-9a-f]{10}_[0-9a-f]{32}\n", made.stdout)
    assert "only time" in made.stderr


@pytest.mark.parametrize("label", ["  ", "\x1b[31mred", "x" * 65])
def test_a_key_needs_a_name_that_can_be_read(settings: Path, label: str) -> None:
    code, said = run(settings, "create", label)
    assert (code, "1 to 64 printable characters" in said) == (1, True)


async def test_beside_a_running_bot(settings: Path) -> None:
    async with easel(load_config(settings)) as service:
        arguments = ("-m", "bot", "key", "create", "shop", "--config", str(settings))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        text = said.decode().split()[0]
        assert await service.store.keys.find(text) is not None
