"""`easel voucher create`: codes that members redeem once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bot.cli.main import app
from bot.config.file import load_config
from bot.folders import open_store
from tests.database import lay_out

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(
        f"[storage]\nfolder = '{tmp_path / 'data'}'\n[offers.boost]\nimages = 100\nstars = 150\n", "utf-8"
    )
    lay_out(tmp_path / "data" / "easel.db")
    return file


def create(settings: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["voucher", "create", *words, "--config", str(settings)])
    return result.exit_code, result.output


def test_codes_are_printed_and_bring_the_offer(settings: Path) -> None:
    status, printed = create(settings, "--offer", "boost", "--count", "3")
    codes = printed.split()
    assert (status, len(set(codes))) == (0, 3)
    assert asyncio.run(redeemed(settings, codes)) == 300


async def redeemed(settings: Path, codes: list[str]) -> int:
    """The top-up of a member who redeems all these codes."""
    async with open_store(load_config(settings), serving=False) as store:
        member = (await store.members.of("telegram", "7")).key
        for code in codes:
            await store.vouchers.redeem(member, code)
        return (await store.members.quota(member)).topup


def test_what_is_not_offered_has_no_voucher(settings: Path) -> None:
    assert create(settings, "--offer", "gold")[0] == 1
    assert "boost" in create(settings, "--offer", "gold")[1]
    assert create(settings, "--offer", "boost", "--count", "0")[0] == 1
