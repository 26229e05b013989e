"""Connections that take and give nothing are let go, and the clock of the machine locks nobody out."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from bot.metrics.health import LOOK_EVERY_S, Health
from bot.web.errors import ApiError
from bot.web.rate_limit import RateLimit
from tests.bot.web.conftest import config_for
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

PATH = "/v1/images/generations"
HEAD = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60\r\n"


def address(site: Site) -> tuple[str, int]:
    host, port = site.url.removeprefix("http://").split(":")
    return host, int(port)


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the server has hung up."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(reader.read(), return_exceptions=True)


async def send_on(wire: socket.socket, data: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(wire, data)


@pytest.mark.parametrize("sent", ["", "POST /v1/im", HEAD, HEAD + "\r\n", HEAD + '\r\n{"prompt":'])
async def test_a_request_that_does_not_arrive_is_waited_for_only_so_long(stage: Stage, sent: str) -> None:
    async with stage.site(config_for(stage.folder, receive_timeout=0.2)) as site:
        reader, writer = await asyncio.open_connection(*address(site))
        writer.write(sent.encode())
        await closed(reader)
        writer.close()
        async with site.http() as http:
            assert (await http.get("/healthz")).status_code == 200


async def test_a_request_that_trickles_in_has_no_longer(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, receive_timeout=0.3)) as site:
        reader, writer = await asyncio.open_connection(*address(site))
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(PATIENCE_S):
            while not reading.done():
                writer.write(b"a")
                await asyncio.wait({reading}, timeout=0.05)
        writer.close()


async def test_a_picture_may_take_longer_than_a_request_may_arrive(stage: Stage) -> None:
    stage.model.gate.clear()
    async with stage.site(config_for(stage.folder, receive_timeout=0.1)) as site:
        text, _ = await site.key()
        async with site.http(text) as http:
            asked = asyncio.create_task(http.post(PATH, json={"prompt": "a cat"}))
            reader, writer = await asyncio.open_connection(*address(site))
            await closed(reader)
            writer.close()
            site.model.gate.set()
            assert (await asked).status_code == 200


async def test_silent_connections_give_way_to_those_that_ask(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, connections_by_address=8)) as site:
        silent = [await asyncio.open_connection(*address(site)) for _ in range(20)]
        async with site.http() as http:
            assert (await http.get("/healthz")).status_code == 200
        for _, writer in silent:
            writer.close()


async def test_an_answer_that_nobody_reads_is_let_go(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, send_timeout=0.2)) as site:
        with socket.socket() as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            wire.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(wire, address(site))
            asked = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 400
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(ConnectionError):
                    await send_on(wire, asked)


def test_a_clock_that_goes_back_locks_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pace = RateLimit(config_for(tmp_path, key_requests_a_minute=2).http)
    for _ in range(2):
        pace.key("k")
    with pytest.raises(ApiError):
        pace.key("k")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with pytest.raises(ApiError) as refused:
        pace.key("k")
    assert 0 < (refused.value.kind.retry_after_s or 0) <= 60


def test_a_window_ends_after_a_minute(tmp_path: Path) -> None:
    now_s = 0.0
    pace = RateLimit(config_for(tmp_path, key_requests_a_minute=1).http, lambda: now_s)
    pace.key("k")
    with pytest.raises(ApiError):
        pace.key("k")
    now_s = 60.0
    pace.key("k")


async def test_readiness_writes_once_in_a_while_however_often_it_is_asked(site: Site) -> None:
    now_s = 0.0
    health = Health(site.service, lambda: now_s)
    with sqlite3.connect(site.service.config.storage.folder / "easel.db") as db:

        def version() -> int:
            """Changes with every write of another connection."""
            return int(db.execute("PRAGMA data_version").fetchone()[0])

        await health.readiness()
        once = version()
        found = await asyncio.gather(*(health.readiness() for _ in range(50)))
        assert version() == once
        assert all(state.ready for state in found)
        now_s = LOOK_EVERY_S
        await health.readiness()
        assert version() != once


@pytest.mark.parametrize("path", ["/openapi.json", "/metrics", "/nothing", "/admin/", "/pictures/x"])
async def test_whatever_is_asked_too_often_is_refused(stage: Stage, path: str) -> None:
    async with stage.site(config_for(stage.folder, address_requests_a_minute=2)) as site, site.http() as http:
        answers = [await http.get(path) for _ in range(3)]
        assert answers[2].status_code == 429
        assert json.loads(answers[2].content)["error"]["code"] == "rate_limit_exceeded"
        assert int(answers[2].headers["retry-after"]) <= 60
        assert (await http.get("/healthz")).status_code == 200


async def test_links_of_the_owners_page_cannot_be_guessed_quickly(site: Site) -> None:
    async with site.http() as http:
        answers = [await http.post("/admin/enter", data={"link": "x"}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [403] * 20 + [429]
