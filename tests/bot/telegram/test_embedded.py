"""`easel run` as an owner starts it: its own process, the embedded model, real transport."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.bot.telegram.conftest import ANNA
from tests.bot.telegram.standin import TOKEN
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.telegram.standin import StandIn

pytestmark = [pytest.mark.e2e, pytest.mark.model]

BOT_TOML = """
[storage]
folder = "{folder}/data"
[telegram]
base_url = "{url}/bot"
base_file_url = "{url}/file/bot"
"""


async def test_easel_run_serves_telegram_with_the_embedded_model(tmp_path: Path, telegram: StandIn) -> None:
    config = tmp_path / "bot.toml"
    config.write_text(BOT_TOML.format(folder=tmp_path, url=telegram.url))
    await telegram.say(ANNA, "/imagine 一只可爱的橘色猫咪 --seed 7")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", "--config", str(config),
        env={**os.environ, "TELEGRAM_TOKEN": TOKEN, "DISCORD_TOKEN": ""},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    logs = asyncio.ensure_future(process.communicate())
    try:
        (shown,) = await telegram.until(lambda: telegram.photos(ANNA))
        image = Image.open(io.BytesIO(shown.photo or b""))
        assert image.size == (128, 128)
        assert "一只可爱的橘色猫咪" in shown.plain
    finally:
        process.send_signal(signal.SIGTERM)
        _, written = await asyncio.wait_for(logs, PATIENCE_S)
    assert TOKEN.encode() not in written
    assert b"telegram.stopped" in written
    assert process.returncode == 0, "a server that is told to leave has not failed"
