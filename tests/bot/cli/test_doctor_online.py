"""`easel doctor --online`: the real client libraries, asking stand-ins on loopback."""

from __future__ import annotations

import contextlib
import io
import json
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from discord.http import Route
from rich.console import Console

from bot.cli.doctor.platforms import Answer, reply
from bot.cli.doctor.report import run_doctor
from bot.config.credentials import Credentials
from bot.config.schema import Config
from bot.discord.probe import probe as probe_discord
from bot.messages import translator
from bot.telegram.probe import probe as probe_telegram
from tests.bot.cli.test_init import DISCORD
from tests.bot.telegram.conftest import config_for, telegram  # noqa: F401 - a fixture
from tests.bot.telegram.standin import BOT_NAME, TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.bot.telegram.standin import StandIn

NOWHERE = "http://127.0.0.1:9"
"""The port named discard: nobody listens."""
USER = {"id": "77", "username": "easel", "discriminator": "0", "avatar": None, "bot": True}
APPLICATION = {
    "id": "77",
    "name": "Easel",
    "description": "",
    "icon": None,
    "summary": "",
    "verify_key": "",
    "flags": 0,
    "bot_public": True,
    "bot_require_code_grant": False,
    "team": None,
    "owner": USER,
}


@pytest.fixture(autouse=True)
def _own_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)


@contextlib.asynccontextmanager
async def server(
    answers: dict[str, Any], status: int = 200, date_s: float | None = None
) -> AsyncIterator[str]:
    """The REST side of Discord, as far as a login goes."""

    async def answer(request: web.Request) -> web.Response:
        headers = {"Date": formatdate(date_s, usegmt=True)} if date_s is not None else {}
        body = json.dumps(answers.get(request.path, {"message": "no"})).encode()
        return web.Response(body=body, content_type="application/json", status=status, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


LOGIN = {"/users/@me": USER, "/oauth2/applications/@me": APPLICATION}


async def test_discord_tells_who_it_is_and_the_invite_link() -> None:
    async with server(LOGIN, date_s=0.0) as url:
        told = await probe_discord(DISCORD, Config.model_validate({"discord": {"api_url": url}}))
    assert told.answer is Answer.WELCOME
    assert "client_id=77&" in told.link
    assert told.ours_less_theirs_s is not None
    assert told.ours_less_theirs_s > 10**9
    assert "easel" in translator("en")(reply("discord", told).what)


async def test_discord_refuses_a_token_that_was_reset() -> None:
    async with server({}, status=401) as url:
        told = await probe_discord(DISCORD, Config.model_validate({"discord": {"api_url": url}}))
    assert told.answer is Answer.REFUSED


async def test_a_discord_that_is_away_is_no_traceback() -> None:
    told = await probe_discord(DISCORD, Config.model_validate({"discord": {"api_url": NOWHERE}}))
    assert told.answer is Answer.UNREACHABLE
    assert DISCORD not in told.reason
    async with server({}) as url:  # something answers there that is no Discord
        told = await probe_discord(DISCORD, Config.model_validate({"discord": {"api_url": url}}))
    assert told.answer is Answer.UNREACHABLE


async def test_telegram_tells_who_it_is_and_what_time(telegram: StandIn) -> None:  # noqa: F811
    told = await probe_telegram(
        TOKEN, Config.model_validate({"telegram": {"base_url": f"{telegram.url}/bot"}})
    )
    assert (told.answer, told.name) == (Answer.WELCOME, f"@{BOT_NAME}")
    assert told.link == f"https://t.me/{BOT_NAME}"
    assert told.ours_less_theirs_s is not None
    assert abs(told.ours_less_theirs_s) < 60


async def test_telegram_refuses_or_is_away() -> None:
    async with server({}, status=401) as url:
        assert (
            await probe_telegram(TOKEN, Config.model_validate({"telegram": {"base_url": f"{url}/bot"}}))
        ).answer is Answer.REFUSED
    told = await probe_telegram(TOKEN, Config.model_validate({"telegram": {"base_url": f"{NOWHERE}/bot"}}))
    assert told.answer is Answer.UNREACHABLE
    assert TOKEN not in told.reason


@pytest.mark.e2e
async def test_the_whole_doctor_goes_online(
    tmp_path: Path,
    telegram: StandIn,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    out = io.StringIO()
    config = config_for(tmp_path, telegram.url)
    assert await run_doctor(Console(file=out, width=200), config, Credentials(), online=True)
    assert f"Telegram accepts the token of @{BOT_NAME}: https://t.me/{BOT_NAME}" in out.getvalue()
    assert "The clock agrees with Telegram." in out.getvalue()
