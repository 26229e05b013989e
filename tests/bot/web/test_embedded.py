"""`easel run` with nothing but the API: its own process, the embedded model, a key made beside it."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from openai import APIConnectionError, AsyncOpenAI
from PIL import Image

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.model]

BOT_TOML = """
[storage]
folder = "{folder}/data"
[http]
enabled = true
port = {port}
"""


async def test_easel_run_serves_the_api_with_the_embedded_model(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = tmp_path / "bot.toml"
    config.write_text(BOT_TOML.format(folder=tmp_path, port=port))
    environment = {**os.environ, "TELEGRAM_TOKEN": "", "DISCORD_TOKEN": ""}
    easel = (sys.executable, "-m", "bot")
    process = await asyncio.create_subprocess_exec(
        *easel, "run", "--config", str(config), env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    logs = asyncio.ensure_future(process.communicate())
    try:
        key = await _key(easel, config)
        async with AsyncOpenAI(api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0) as client:
            answer = await _once_it_listens(client)
    finally:
        process.send_signal(signal.SIGTERM)
        _, written = await asyncio.wait_for(logs, PATIENCE_S)
    assert answer.size == (128, 128)
    assert "一只可爱的橘色猫咪" in answer.info["parameters"]
    assert key.encode() not in written
    assert b"http.delivered" in written
    assert b"http.stopped" in written
    assert process.returncode == 0


async def _key(easel: tuple[str, ...], config: Path) -> str:
    """A key, as soon as the bot has made its database."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            making = await asyncio.create_subprocess_exec(
                *easel, "key", "create", "shop", "--config", str(config), stdout=asyncio.subprocess.PIPE
            )
            said = (await making.communicate())[0].decode().split()
            if making.returncode == 0:
                return said[0]


async def _once_it_listens(client: AsyncOpenAI) -> Image.Image:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                drawn = await client.images.generate(
                    prompt="一只可爱的橘色猫咪", extra_body={"seed": 7, "steps": 4}
                )
            except APIConnectionError:
                await asyncio.sleep(0.2)
            else:
                assert drawn.data is not None
                return Image.open(io.BytesIO(base64.b64decode(drawn.data[0].b64_json or "")))
