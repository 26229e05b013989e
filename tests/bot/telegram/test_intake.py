"""How updates come in: webhook with its secret, a server that is away at first, a token that is in no log."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import ValidationError

from bot.alerts import Alerts
from bot.cli.doctor.platforms import Answer
from bot.config.credentials import Redactor
from bot.config.schema import Config
from bot.logs import set_up_logs
from bot.messages import UserError
from bot.telegram import Client, serve
from bot.telegram.intake import SECRET_HEADER
from bot.telegram.probe import probe
from tests.bot.telegram.conftest import ANNA, FAST, OWNER, Stage
from tests.bot.telegram.standin import BAD_GATEWAY, TOKEN, Fault
from tests.easel import easel
from tests.logs import restored
from tests.patience import PATIENCE_S
from tests.proxy import proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bot.telegram.standin import StandIn

pytestmark = pytest.mark.e2e


@pytest.fixture
def hooked(config: Config, telegram: StandIn) -> Stage:
    """A stage whose bot listens instead of polling."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    section = config.telegram.model_copy(
        update={"webhook_url": f"http://127.0.0.1:{port}/telegram", "webhook_port": port}
    )
    return Stage(telegram, config.model_copy(update={"telegram": section}))


async def test_a_webhook_brings_updates_and_confirms_them_once_dealt_with(hooked: Stage) -> None:
    async with hooked.bot() as bot:
        await bot.telegram.until(lambda: bot.telegram.count("setWebhook"))
        update = await bot.telegram.say(ANNA, "/imagine a cat")
        await bot.settled()
        assert len(bot.telegram.photos(ANNA)) == 1
        bot.telegram.redeliver(update)
        await bot.telegram.deliver_updates(token=TOKEN)
        await bot.settled()
        assert await bot.used() == (1, 0)
        assert bot.telegram.count("getUpdates") == 0


async def test_a_webhook_turns_strangers_away(hooked: Stage) -> None:
    async with hooked.bot() as bot:
        await bot.telegram.until(lambda: bot.telegram.count("setWebhook"))
        url = hooked.config.telegram.webhook_url or ""
        async with httpx.AsyncClient() as stranger:
            update = {"update_id": 1}
            assert (await stranger.post(url, json=update)).status_code == 403
            wrong = {SECRET_HEADER: "guess"}
            assert (await stranger.post(url, json=update, headers=wrong)).status_code == 403
            right = {SECRET_HEADER: "a-webhook-secret"}
            assert (await stranger.post(url, content=b"{", headers=right)).status_code == 400
            assert (await stranger.post(url, json=update, headers=right)).status_code == 200
            odd = {"update_id": 2, "message": {"date": "tomorrow"}}  # which Telegram would bring again
            assert (await stranger.post(url, json=odd, headers=right)).status_code == 200


async def test_the_bot_starts_once_telegram_can_be_reached(stage: Stage) -> None:
    stage.telegram.fail("getMe", BAD_GATEWAY)
    async with stage.bot() as bot:
        assert bot.telegram.count("getMe") == 2
        await bot.telegram.say(ANNA, "/quota")
        await bot.settled()
        assert bot.telegram.messages(ANNA)


async def test_a_wrong_token_is_one_sentence(stage: Stage) -> None:
    stage.telegram.fail("getMe", Fault(401, "Unauthorized"))
    async with easel(stage.config) as service:
        with pytest.raises(UserError, match="telegram-bad-token"):
            await asyncio.wait_for(serve(service, TOKEN, stage.config, Alerts()), PATIENCE_S)


async def test_a_stray_call_of_somebody_elses_stops_nothing(stage: Stage) -> None:
    async with stage.bot() as bot:
        told = []
        bot.alerts.subscribe(told.append)
        other = Fault(409, "Conflict: terminated by other getUpdates request")
        hook = Fault(409, "Conflict: can't use getUpdates method while webhook is active")
        bot.telegram.fail("getUpdates", other, hook)
        await bot.telegram.say(ANNA, "/quota")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
        assert bot.telegram.count("deleteWebhook") == 3
        assert told == []


async def test_a_token_that_is_refused_once_and_an_update_nobody_can_read_stop_nothing(stage: Stage) -> None:
    async with stage.bot() as bot:
        bot.telegram.fail("getUpdates", Fault(401, "Unauthorized"), Fault(404, "Not Found"))
        await bot.telegram.deliver({"message": {"message_id": 1, "date": "tomorrow"}})
        await bot.telegram.say(ANNA, "/quota")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA))
        assert not bot.running.done()


async def test_who_fights_for_the_token_is_told_to_the_owners_once(stage: Stage) -> None:
    async with stage.bot() as bot:
        told = []
        bot.alerts.subscribe(told.append)
        bot.telegram.fail("getUpdates", *[Fault(409, "Conflict: terminated by other getUpdates request")] * 4)
        await bot.telegram.say(ANNA, "/quota")
        await bot.telegram.until(lambda: bot.telegram.messages(ANNA), 60)
        assert [message.id for message in told] == ["telegram-two-instances"]


async def test_a_webhook_that_is_not_taken_is_one_sentence(hooked: Stage) -> None:
    hooked.telegram.fail("setWebhook", Fault(400, "Bad Request: bad webhook: Failed to resolve host"))
    async with easel(hooked.config) as service:
        with pytest.raises(UserError, match="telegram-webhook-refused"):
            await asyncio.wait_for(serve(service, TOKEN, hooked.config, Alerts()), PATIENCE_S)


async def test_a_proxy_that_cannot_be_used_is_one_sentence(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    async with easel(stage.config) as service:
        with pytest.raises(UserError, match="telegram-proxy"):
            await serve(service, TOKEN, stage.config, Alerts())


@pytest.mark.parametrize("way", ["environment", "bot.toml"])
async def test_telegram_is_reached_through_the_proxy(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with proxy() as made:
        if way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", made.url)
        section = {"proxy": made.url} if way == "bot.toml" else {}
        reply = await probe(TOKEN, Config.model_validate({"telegram": section}))
    assert reply.answer is Answer.UNREACHABLE
    assert made.asked == ["api.telegram.org:443"]


@pytest.mark.parametrize(
    "url", ["http://bot.example/hook", "https://bot.example:8080/hook", "bot.example", "https://"]
)
def test_a_webhook_that_telegram_would_not_call_is_refused_in_the_settings(url: str) -> None:
    with pytest.raises(ValidationError, match="must"):
        Config.model_validate({"telegram": {"webhook_url": url}})
    assert Config.model_validate({"telegram": {"webhook_url": "https://bot.example/hook"}})


async def test_an_owner_who_writes_for_the_first_time_is_offered_their_commands(stage: Stage) -> None:
    refused = Fault(400, "Bad Request: chat not found", only=str(OWNER))
    stage.telegram.fail("setMyCommands", refused, refused)
    async with stage.bot() as bot:
        await bot.settled()
        before = bot.telegram.count("setMyCommands")
        for words in ("a cat", "/start"):
            await bot.telegram.say(OWNER, words)
            await bot.settled()
            assert bot.telegram.count("setMyCommands") == before + 2


async def test_the_end_leaves_no_task_behind(stage: Stage) -> None:
    async with easel(stage.config) as service:
        before = asyncio.all_tasks()
        client = Client(service, TOKEN, stage.config, Alerts(), FAST)
        running = asyncio.create_task(client.run())
        await client.started.wait()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        left = asyncio.all_tasks() - before - {running}
        assert [task for task in left if "RequestHandler.start" not in repr(task.get_coro())] == []


@pytest.fixture
def logs() -> Iterator[None]:
    with restored():
        set_up_logs("debug", Redactor(), json=True)
        yield


@pytest.mark.usefixtures("logs")
async def test_no_log_line_holds_the_token_or_a_prompt_even_at_debug(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.telegram.fail("sendMessage", BAD_GATEWAY)
    async with stage.bot() as bot:
        await bot.telegram.say(ANNA, "/imagine a very private cat")
        await bot.settled()
    written = capsys.readouterr().err
    assert "/bot[redacted]/getMe" in written
    assert TOKEN not in written
    assert TOKEN.split(":")[1] not in written
    assert "very private" not in written  # log_prompts is off


async def test_alerts_reach_the_admins_chat(stage: Stage) -> None:
    from bot.messages import say

    section = stage.config.telegram.model_copy(update={"admin_chat": -77})
    alarmed = Stage(stage.telegram, stage.config.model_copy(update={"telegram": section}))
    async with alarmed.bot() as bot:
        bot.alerts.tell("test", say("error-storage"))
        await bot.client.face.settled()
        (alarm,) = bot.telegram.messages(-77)
        assert "could not be saved" in alarm.text
