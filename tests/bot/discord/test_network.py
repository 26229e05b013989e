"""Which way the bot reaches Discord: the gateway it was told, and through a proxy where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from discord.http import Route

from bot import discord as face
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

USER = {"id": "7", "username": "easel", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION = {
    "id": "7",
    "name": "easel",
    "description": "",
    "icon": None,
    "owner": USER,
    "verify_key": "",
    "bot_public": True,
    "bot_require_code_grant": False,
    "flags": 0,
}
HELLO = {"op": 10, "d": {"heartbeat_interval": 45_000}}
INVALID_SESSION = {"op": 9, "d": False}


def _json(body: object) -> web.Response:
    """As Discord answers: the library takes no other content type for JSON."""
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


class Discord:
    """Discord's REST and gateway on a socket. Every session it gives is invalid."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.connected: asyncio.Queue[str] = asyncio.Queue()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.hosts.append(request.url.host or "")
        path = request.path.removeprefix("/api/v10")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._gateway(request)
        if path == "/users/@me":
            return _json(USER)
        if path == "/oauth2/applications/@me":
            return _json(APPLICATION)
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
            return _json({"url": "ws://elsewhere.invalid", "shards": 1, "session_start_limit": limit})
        return _json([])

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connected.put_nowait(request.url.host or "")
        await socket.send_json(HELLO)
        await socket.receive()
        await socket.send_json(INVALID_SESSION)
        await socket.receive()
        return socket


@contextlib.asynccontextmanager
async def serving(
    tmp_path: Path, patch: pytest.MonkeyPatch, **section: Any
) -> AsyncIterator[tuple[Discord, str]]:
    """A bot that logs in to a stand-in of Discord; `{here}` in a setting is the stand-in's address."""
    patch.setattr(Route, "BASE", Route.BASE)
    discord = Discord()
    server = web.Server(discord.answer)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here = f"127.0.0.1:{runner.addresses[0][1]}"
    patch.setenv("no_proxy", "")
    for name, value in section.pop("environment", {}).items():
        patch.setenv(name, value.replace("{here}", here))
    config = config_in(
        tmp_path, discord={key: value.replace("{here}", here) for key, value in section.items()}
    )
    async with easel(config) as service:
        bot = asyncio.create_task(face.serve(service, "secret", config))
        try:
            yield discord, here
        finally:
            bot.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await bot
            await runner.cleanup()


async def test_after_an_invalid_session_the_bot_returns_to_the_gateway_it_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = {"api_url": "http://{here}/api/v10", "gateway_url": "ws://{here}"}
    async with serving(tmp_path, monkeypatch, **urls) as (discord, _), asyncio.timeout(10):
        assert await discord.connected.get() == "127.0.0.1"
        assert await discord.connected.get() == "127.0.0.1"


@pytest.mark.parametrize(
    "way",
    [{"proxy": "http://{here}"}, {"environment": {"http_proxy": "http://{here}"}}],
    ids=["proxy in bot.toml", "proxy in the environment"],
)
async def test_rest_and_gateway_go_through_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: dict[str, Any]
) -> None:
    urls = {"api_url": "http://rest.invalid/api/v10", "gateway_url": "ws://gateway.invalid"}
    async with serving(tmp_path, monkeypatch, **urls, **way) as (discord, _), asyncio.timeout(10):
        assert await discord.connected.get() == "gateway.invalid"
        assert "rest.invalid" in discord.hosts
