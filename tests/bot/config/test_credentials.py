"""No token reaches a log, at any level, by any road."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog

from bot.alerts import Alerts
from bot.config.credentials import Credentials, Redactor
from bot.config.schema import Config
from bot.faces.serving import configured_faces
from bot.logs import set_up_logs
from bot.messages import LANGUAGES, UserError, translator
from bot.metrics.counting import Counting
from tests.logs import restored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TELEGRAM = "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345"
DISCORD = "MTIzNDU2.Gabcde.secret-discord-token"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Credentials:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", TELEGRAM)
    monkeypatch.setenv("DISCORD_TOKEN", DISCORD)
    return Credentials()


@pytest.fixture
def logs(credentials: Credentials, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    with restored():
        set_up_logs("debug", Redactor(credentials.values()), json=True)
        yield


def test_tokens_come_from_the_environment_and_from_dotenv(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TELEGRAM_TOKEN", raising=False)
    (tmp_path / ".env").write_text(f"TELEGRAM_TOKEN={TELEGRAM}\nDISCORD_TOKEN=\n")
    found = Credentials()
    assert found.telegram_token is not None
    assert found.telegram_token.get_secret_value() == TELEGRAM
    assert found.discord_token is None


def test_blanks_around_a_token_are_a_slip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN", f" {TELEGRAM}\n")
    monkeypatch.setenv("DISCORD_TOKEN", "  ")
    monkeypatch.setenv("OPENAI_API_KEYS", '{"a": "key "}')
    credentials = Credentials()
    assert credentials.tokens == {"telegram": TELEGRAM}
    assert credentials.openai_key("a") == "key"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfeD\x00I\x00", "Save it as UTF-8"),
        (b"D\x00I\x00S\x00=\x00x\x00", "Save it as UTF-8"),
        (b"A=1\n\n'B=2\n", "Line 3 of .env"),
        (None, ".env is a folder"),
    ],
)
def test_a_dotenv_that_cannot_be_read_is_told(
    content: bytes | None, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("METRICS_TOKEN", "from-outside")
    file = tmp_path / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(UserError) as refused:
        Credentials()
    sentences = [translator(language)(refused.value.message) for language in LANGUAGES]
    assert told in sentences[0]
    assert all(".env" in sentence and "error-env" not in sentence for sentence in sentences)
    assert Credentials.readable().values() == ("from-outside",)


@pytest.mark.parametrize("platform", ["discord", "telegram"])
def test_what_cannot_be_a_token_is_refused_before_anything_is_served(platform: str) -> None:
    given = Credentials(file=None, **{f"{platform}_token": "hello"})
    with pytest.raises(UserError) as refused:
        configured_faces(Config(), given, Alerts(), Counting())
    for language in LANGUAGES:
        assert f"{platform.upper()}_TOKEN" in translator(language)(refused.value.message)


def test_a_token_is_not_printed_with_its_owner(credentials: Credentials) -> None:
    assert TELEGRAM not in repr(credentials)
    assert TELEGRAM not in str(credentials)


@pytest.mark.usefixtures("logs")
def test_httpx_logs_its_urls_without_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    async def ask() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(200))
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(f"https://api.telegram.org/bot{TELEGRAM}/getMe")

    asyncio.run(ask())
    written = capsys.readouterr().err
    assert "/getMe" in written
    assert TELEGRAM not in written


@pytest.mark.usefixtures("logs")
def test_neither_fields_nor_tracebacks_tell(capsys: pytest.CaptureFixture[str]) -> None:
    structlog.get_logger("easel").info("started", nested={"token": DISCORD}, items=[TELEGRAM])
    logging.getLogger("discord").debug("identify %s", DISCORD)
    try:
        raise ValueError(f"bad token {DISCORD}")
    except ValueError:
        logging.getLogger("easel").exception("failed with %s", TELEGRAM)
        structlog.get_logger("easel").exception("failed")
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert TELEGRAM not in written
    assert DISCORD not in written
    assert "secret-discord-token" not in written


def test_each_server_is_shown_its_own_key_or_the_common_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEYS", '{"10.0.0.5:8080": "easel-five"}')
    assert Credentials().openai_key("10.0.0.6:8000") is None
    monkeypatch.setenv("OPENAI_API_KEY", "common-key")
    keys = Credentials()
    assert (keys.openai_key("10.0.0.5:8080"), keys.openai_key("10.0.0.6:8000")) == (
        "easel-five",
        "common-key",
    )
    assert {"easel-five", "common-key"} <= set(keys.values())


@pytest.mark.usefixtures("logs")
def test_an_exception_that_nobody_caught_does_not_tell_either(capsys: pytest.CaptureFixture[str]) -> None:
    quoted = TELEGRAM.replace(":", "%3A")
    error = ValueError(f"no answer from /bot{quoted}/getMe, nor with {DISCORD}")
    sys.excepthook(ValueError, error, None)
    written = capsys.readouterr().err
    assert "ValueError: no answer from" in written
    assert quoted not in written
    assert DISCORD not in written
