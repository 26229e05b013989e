"""`backend = "openai"` with other Easels as its servers: real processes, the embedded model, one killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import httpx
import pytest
from PIL import Image, ImageChops

from bot.app import open_service
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.options import Options
from tests.easel import config_in
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.imagine.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.model]

BOT_TOML = """
[storage]
folder = "{folder}/data"
[http]
enabled = true
port = {port}
"""
PICTURES = 6
ASKER = Asker("test", "ann", tier="enterprise")


@dataclass(frozen=True)
class Other:
    """An Easel in a process of its own."""

    process: asyncio.subprocess.Process
    port: int
    key: str

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)


@contextlib.asynccontextmanager
async def other_easel(folder: Path) -> AsyncIterator[Other]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder.with_suffix(".toml")
    config.write_text(BOT_TOML.format(folder=folder, port=port))
    environment = {**os.environ, "TELEGRAM_TOKEN": "", "DISCORD_TOKEN": ""}
    easel, quiet = (sys.executable, "-m", "bot"), asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *easel, "run", "--config", str(config), env=environment, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await http.get(f"http://127.0.0.1:{port}/healthz")
                    break
                await asyncio.sleep(0.2)
        making = await asyncio.create_subprocess_exec(
            *easel, "key", "create", "front", "--config", str(config), stdout=asyncio.subprocess.PIPE
        )
        key = (await making.communicate())[0].decode().split()[0]
        yield Other(process, port, key)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def seats(service: Service, *names: str) -> None:
    """Wait until exactly these are there."""
    async with asyncio.timeout(PATIENCE_S):
        while {worker.name for worker in service.models.default.backend.snapshot().workers} != set(names):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def drawn(service: Service, seed: int, key: str) -> Image.Image:
    options = Options("an orange cat on a green meadow", size="128x128", steps="8", seed=str(seed))
    live = await service.imagine(ASKER, options, key=key, address={})
    outcome = await live.outcome()
    assert isinstance(outcome, Done), outcome
    outcome = await service.read(outcome)
    assert isinstance(outcome, Done), outcome
    await service.delivered(live, key)
    [picture] = outcome.pictures
    assert picture.cached or picture.gpu_us > 0, "the servers tell what it took"
    return Image.open(BytesIO(picture.png)).convert("RGB")


async def test_other_easels_draw_and_one_of_them_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with other_easel(tmp_path / "one") as one, other_easel(tmp_path / "two") as two:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("OPENAI_API_KEYS", json.dumps({one.name: one.key, two.name: two.key}))
        servers = [{"url": f"http://{easel.name}/v1", "gpu": "NVIDIA L4"} for easel in (one, two)]
        config = config_in(
            tmp_path,
            engine={"backend": "openai", "result_cache_mb": 0},
            openai={"servers": servers},
        )
        async with open_service(config) as service:
            await seats(service, one.name, two.name)
            asking = [asyncio.create_task(drawn(service, n, f"first {n}")) for n in range(PICTURES)]
            async with asyncio.timeout(PATIENCE_S):
                while not all(worker.held for worker in service.models.default.backend.snapshot().workers):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            two.kill()
            first = await asyncio.gather(*asking)
            await seats(service, one.name)
            again = [await drawn(service, n, f"again {n}") for n in range(PICTURES)]
            for before, after in zip(first, again, strict=True):
                assert ImageChops.difference(before, after).getbbox() is None, "whoever drew it"
            ledger = await service.store.ledger.rows()
            assert len(ledger) == 2 * PICTURES
            assert {entry.device for entry in ledger} <= {
                f"NVIDIA L4 ({one.name})",
                f"NVIDIA L4 ({two.name})",
            }
            assert (await service.members.quota(ASKER)).used == 2 * PICTURES
            assert [finding for finding in await service.store.check() if finding.severity == "error"] == []
