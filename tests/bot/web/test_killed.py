"""The bot in a process of its own, killed while clients wait: the same keys again, one charge."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import sqlite3
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from bot.folders import open_store
from tests.bot.web.conftest import ALL, config_for
from tests.bot.web.test_edits import PATH as EDITS
from tests.bot.web.test_edits import picture
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from storage.records.members import Quota
    from storage.store import Store

pytestmark = pytest.mark.e2e

CLIENTS = 12


@dataclass
class Processes:
    """Starts bots, one after the other, on one database and one port."""

    folder: Path
    port: int

    @contextlib.asynccontextmanager
    async def bot(self, gate: str = "open") -> AsyncIterator[asyncio.subprocess.Process]:
        """A running bot, killed at the end."""
        module = ("-m", "tests.bot.web.child", str(self.folder), str(self.port), gate)
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(sys.executable, *module, stderr=quiet, stdout=quiet)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @contextlib.asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        config = config_for(self.folder)
        if not (self.folder / "data" / "easel.db").exists():
            async with open_store(config):
                pass  # only a bot that serves makes a database
        async with open_store(config, serving=False) as store:
            yield store


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Processes(tmp_path, free.getsockname()[1])


async def insist(http: httpx.AsyncClient, number: int) -> list[str]:
    """Ask for a picture with one key until it comes, whatever happens to the server."""
    body, headers = {"prompt": f"cat {number}", "seed": number}, {"idempotency-key": f"order {number}"}
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await http.post("/v1/images/generations", json=body, headers=headers)
                if answer.status_code == 200:
                    return [image["b64_json"] for image in answer.json()["data"]]
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def test_killed_in_the_middle_of_requests_each_is_charged_once(processes: Processes) -> None:
    async with processes.store() as store:
        text, key = await store.keys.create("test", scopes=ALL, tier="enterprise", by="test")
    chance = random.Random(7)
    url, headers = f"http://127.0.0.1:{processes.port}", {"authorization": f"Bearer {text}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
        asking = [asyncio.create_task(insist(http, number)) for number in range(CLIENTS)]
        async with processes.bot("closed"):  # accepted, and never drawn
            await until(processes, key.member, lambda quota: quota.reserved == CLIENTS)
            lost = asyncio.create_task(http.post("/v1/images/generations", json={"prompt": "no key"}))
            await until(processes, key.member, lambda quota: quota.reserved == CLIENTS + 1)
        assert isinstance((await asyncio.gather(lost, return_exceptions=True))[0], httpx.TransportError)
        async with processes.bot():  # killed at some moment between drawn and delivered
            await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
            await asyncio.sleep(chance.random() / 20)
        async with processes.bot():
            first = await asyncio.gather(*asking)
            again = await asyncio.gather(*(insist(http, number) for number in range(CLIENTS)))
            await until(processes, key.member, lambda quota: quota.reserved == 0)
    assert first == again
    assert len({picture for [picture] in first}) == CLIENTS
    async with processes.store() as store:
        assert (await store.members.quota(key.member)).used == CLIENTS
        assert [row.charged for row in await store.ledger.rows()].count(
            False
        ) == 1  # nobody could fetch that one
        assert [finding for finding in await store.check() if finding.severity == "error"] == []


async def test_killed_between_upload_and_acceptance_nothing_is_left_and_asked_again_it_is_drawn(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(processes.folder / "tmp"))
    (processes.folder / "tmp").mkdir()
    async with processes.store() as store:
        text, key = await store.keys.create("test", scopes=ALL, tier="enterprise", by="test")
    pictures = processes.folder / "data" / "images"
    url, headers = f"http://127.0.0.1:{processes.port}", {"authorization": f"Bearer {text}"}
    headers["idempotency-key"] = "order"

    async def edit(http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(EDITS, data={"prompt": "a dog"}, files={"image": picture()})

    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
        async with processes.bot() as bot:
            await up(http)
            with contextlib.closing(sqlite3.connect(processes.folder / "data" / "easel.db")) as lock:
                lock.execute("BEGIN IMMEDIATE")  # so that nothing can be accepted
                lost = asyncio.create_task(edit(http))
                async with asyncio.timeout(PATIENCE_S):
                    while not list(pictures.rglob("*.png")):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                bot.kill()
                await bot.wait()
            assert isinstance((await asyncio.gather(lost, return_exceptions=True))[0], httpx.TransportError)
        async with processes.bot():
            await up(http)
            assert list(pictures.rglob("*.png")) == []
            first, again = await edit(http), await edit(http)
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert first.json()["data"][0]["b64_json"] == again.json()["data"][0]["b64_json"]
    assert list((processes.folder / "tmp").iterdir()) == []
    async with processes.store() as store:
        assert (await store.members.quota(key.member)).used == 1
        assert [finding for finding in await store.check() if finding.severity == "error"] == []


async def up(http: httpx.AsyncClient) -> None:
    """Wait until a started bot answers."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get("/healthz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)


async def until(processes: Processes, member: str, ready: Callable[[Quota], bool]) -> None:
    """Wait until the other process has written so much down."""
    async with asyncio.timeout(PATIENCE_S), processes.store() as store:
        while not ready(await store.members.quota(member)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
