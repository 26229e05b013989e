"""A whole request's lines at DEBUG: one an event, its id in each, and nothing that is nobody's business."""

from __future__ import annotations

import ast
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from bot.config.credentials import Redactor
from bot.imagine.options import Options
from bot.log_advice import ADVICE
from bot.logs import OnceAMinute, set_up_logs
from engine.events import TROUBLE
from tests.bot.web.conftest import Stage
from tests.bot.web.test_admin import ANNA, link, owned, spend
from tests.logs import restored

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMPT = "a very private cat"


@pytest.fixture
def logs() -> Iterator[None]:
    """Whatever a test does to logging is undone."""
    with restored():
        yield


def lines(written: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.splitlines()]


@pytest.mark.usefixtures("logs")
async def test_a_request_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("debug", Redactor(), json=True)
    async with Stage(tmp_path).site(owned(tmp_path)) as site:
        live = await site.service.imagine(ANNA, Options(PROMPT), key="1", address={})
        await live.outcome()
        await site.service.delivered(live, "a message")
        site.model.fail = [RuntimeError("boom")]
        failed = await site.service.imagine(ANNA, Options(PROMPT), key="2", address={})
        await failed.outcome()
        url = await link(site)
        async with site.http() as http:
            await http.get(url)
            await spend(http, url)
            session = http.cookies["easel_session"]
            await http.get("/admin/pictures")
    written = capsys.readouterr().err
    told = lines(written)
    assert all({"event", "level", "timestamp"} <= line.keys() for line in told)
    job = f"{live.request_id}-0"
    events = [line["event"] for line in told if line.get("job_id") == job]
    assert events == ["job_submitted", "job_admitted", "job_done", "job.drawn"]
    events = [line["event"] for line in told if line.get("job_id") == f"{failed.request_id}-0"]
    assert events == ["job_submitted", "job_admitted", "job_failed", "job.failed"]
    for secret in (PROMPT, "private cat", session, url.partition("link=")[2]):
        assert secret not in written


@pytest.mark.usefixtures("logs")
def test_what_libraries_log_word_for_word_is_written_only_where_it_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for wanted in (False, True):
        set_up_logs("debug", Redactor(), json=True, prompts=wanted)
        logging.getLogger("discord.gateway").debug("WebSocket Event: %s", PROMPT)
        logging.getLogger("telegram.ext.Application").debug("Processing update %s", PROMPT)
        assert (PROMPT in capsys.readouterr().err) is wanted


@pytest.mark.usefixtures("logs")
def test_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("easel")
    for as_json in (True, False):
        set_up_logs("info", Redactor(), json=as_json)
        with bound_contextvars(job_id="r1-0"):
            log.info("drawn", words="猫\nforged line")
        written = capsys.readouterr().err
        assert written.count("\n") == 1, "one line an event"
        assert "r1-0" in written
        assert written.startswith("{") is as_json


@pytest.mark.parametrize(
    "secret",
    [
        "easel_0123456789_" + "ab" * 16,
        "0123456789abcdef" * 4,
        "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345",
    ],
)
def test_what_looks_like_a_key_is_masked(secret: str) -> None:
    line = Redactor()(f'{{"url": "/admin/enter?link={secret}"}}')
    assert secret not in line
    assert "[redacted]" in line
    assert Redactor()("easel_0123456789_" + "ab" * 16).startswith("easel_0123456789_[")


def test_a_line_that_repeats_is_logged_once_a_minute() -> None:
    now_s = 0.0
    once = OnceAMinute(lambda: now_s)

    def said(text: str) -> str | None:
        record = logging.LogRecord("asyncio", logging.ERROR, "", 0, text, None, None)
        return record.getMessage() if once.filter(record) else None

    assert [said("no files left") for _ in range(5)] == ["no files left", None, None, None, None]
    assert said("something else") == "something else"
    now_s = 60.0
    assert said("no files left") == "no files left (4 more like this were not logged)"


ROOT = Path(__file__).parents[2]
LOUD = {"warning", "error", "exception", "critical"}


def loud() -> set[str]:
    """What our code logs at warning or above: an event's name, or the `action` of one that is a sentence."""
    found = {action.value for action in TROUBLE}
    for package in ("bot", "engine", "storage"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LOUD
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "log"
                ):
                    found.add(_named(node))
    return found


def _named(call: ast.Call) -> str:
    for word in call.keywords:
        if word.arg == "extra" and isinstance(word.value, ast.Dict):
            return str(ast.literal_eval(word.value.values[0]))  # `action` is its first
    return str(ast.literal_eval(call.args[0]))


def test_each_line_that_an_owner_should_read_says_what_to_do() -> None:
    assert loud() == set(ADVICE)


@pytest.mark.usefixtures("logs")
def test_the_advice_stands_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("info", Redactor(), json=True)
    structlog.get_logger("bot").warning("service.paused")
    structlog.get_logger("bot").info("service.started")
    logging.getLogger("engine.x").warning("The card is gone.", extra={"action": "telemetry_lost"})
    paused, started, lost = lines(capsys.readouterr().err)
    assert paused["do"] == ADVICE["service.paused"]
    assert "do" not in started
    assert lost["do"] == ADVICE["telemetry_lost"]
