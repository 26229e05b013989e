"""The server as a face: it starts with the others, speaks like OpenAI, and stops when it is told to."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from openai import NotFoundError

from bot.alerts import Alerts
from bot.config.credentials import Credentials
from bot.config.schema import Config
from bot.faces.serving import configured_faces
from bot.messages import Names, UserError, say, translator
from bot.metrics.counting import Counting
from bot.web import listen, serve
from bot.web.errors import failed
from tests.bot.web.conftest import config_for
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.web.conftest import Site

pytestmark = pytest.mark.e2e


async def test_models_are_listed_and_looked_up(site: Site) -> None:
    text, _ = await site.key(scopes=frozenset())
    async with site.client(text) as client:
        assert [model.id for model in (await client.models.list()).data] == ["embedded"]
        assert (await client.models.retrieve("embedded")).object == "model"
        with pytest.raises(NotFoundError) as refused:
            await client.models.retrieve("gpt-image-9")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_fields_and_values_keep_the_names_that_are_sent() -> None:
    told = say("error-choice", option=Names("opt", "images"), found="best", allowed=Names("quality", "draft"))
    assert translator("zh-CN")(told) == "没有“best”这种张数；可选：草图。"
    assert translator("zh-CN")(failed(told).message) == "没有“best”这种n；可选：draft。"


async def test_what_is_not_there_is_told_in_the_readers_language(site: Site) -> None:
    async with site.http(**{"accept-language": "fr;q=0.9, zh-TW, en;q=0.5"}) as http:
        answer = await http.get("/nothing")
        assert answer.status_code == 404
        assert answer.json()["error"]["message"] == "此地址没有内容。"
        answer = await http.delete("/v1/usage")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


async def test_a_taken_address_is_told_in_a_sentence(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    with listen(config.http) as listener:
        taken = config_for(tmp_path, port=listener.getsockname()[1])
        with pytest.raises(UserError, match="http-cannot-listen"):
            listen(taken.http)


def test_its_connections_hold_nothing_back(tmp_path: Path) -> None:
    with listen(config_for(tmp_path).http) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_cancelled_it_ends_and_frees_the_port(site: Site) -> None:
    listener = listen(site.service.config.http)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(serve(site.service, site.service.config, listener))
    async with asyncio.timeout(PATIENCE_S):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


def test_the_api_is_a_face_where_bot_toml_turns_it_on() -> None:
    nothing = Credentials(file=None, discord_token=None, telegram_token=None)
    assert list(configured_faces(Config(), nothing, Alerts(), Counting())) == []
    on = Config.model_validate({"http": {"enabled": True}})
    assert list(configured_faces(on, nothing, Alerts(), Counting())) == ["http"]
