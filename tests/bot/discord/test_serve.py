"""Being a bot: through a proxy where one is configured, until cancelled; and a picture from end to end."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
import structlog
import yarl
from discord.http import Route
from PIL import Image

import engine
from bot import discord as face
from bot.app import open_service
from bot.config import Discord
from bot.discord.client import EaselClient
from bot.messages import UserError, say
from tests.bot.discord.conftest import words
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from bot.config import Config
    from tests.bot.discord.conftest import World

EMBEDDED = Path(engine.__file__).parent / "embedded"


async def test_rest_and_gateway_go_where_bot_toml_says(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    gateways: list[yarl.URL] = []

    async def launch(self: Any, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        gateways.append(gateway)

    monkeypatch.setattr(discord.AutoShardedClient, "launch_shard", launch)
    section = Discord(api_url="http://proxy:8080/api/v10/", gateway_url="ws://proxy:8081")
    async with easel(config) as service:
        client = EaselClient(service, section)
        await client.launch_shard(yarl.URL("wss://gateway.discord.gg"), 0)
        assert Route("GET", "/users/@me").url == "http://proxy:8080/api/v10/users/@me"
        assert gateways == [yarl.URL("ws://proxy:8081")]
        assert client.intents.value == discord.Intents(guilds=True).value


async def test_a_cancelled_bot_closes_its_connection(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    started, clients = asyncio.Event(), list[EaselClient]()

    async def start(self: EaselClient, token: str) -> None:
        clients.append(self)
        assert token == "secret"
        started.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(EaselClient, "start", start)
    async with easel(config) as service:
        serving = asyncio.create_task(face.serve(service, "secret", config))
        await started.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert clients[0].is_closed()


async def test_a_discord_that_cannot_be_reached_yet_is_waited_for(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = list[EaselClient]()
    reached = asyncio.Event()

    async def start(self: EaselClient, token: str) -> None:
        clients.append(self)
        if len(clients) < 3:
            raise aiohttp.ClientConnectorError(key, OSError("no route to host"))
        reached.set()
        await asyncio.Event().wait()

    key: Any = SimpleNamespace(host="discord.com", port=443, ssl=True)
    monkeypatch.setattr(EaselClient, "start", start)
    monkeypatch.setattr(face, "MAX_PAUSE_S", 0.0)
    async with easel(config) as service:
        serving = asyncio.create_task(face.serve(service, "secret", config))
        with structlog.testing.capture_logs() as lines:
            await reached.wait()
        assert [line["event"] for line in lines] == ["discord.unreachable"] * 2
        assert [client.is_closed() for client in clients] == [True, True, False]
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


async def test_a_token_that_is_not_valid_is_told_in_a_sentence(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(_self: EaselClient, _token: str) -> None:
        raise discord.LoginFailure("Improper token has been passed.")

    monkeypatch.setattr(EaselClient, "start", start)
    async with easel(config) as service:
        with pytest.raises(UserError) as refusal:
            await face.serve(service, "secret", config)
    assert refusal.value.message == say("discord-bad-token")


async def test_the_invite_link_is_told_at_the_start(world: World) -> None:
    with structlog.testing.capture_logs() as lines:
        await world.stop()
        await world.start()
    (started,) = (line for line in lines if line["event"] == "discord.started")
    link = yarl.URL(started["invite"])
    assert link.query["client_id"] == str(world.bot.application_id)
    assert link.query["scope"].split() == ["bot", "applications.commands"]
    asked = discord.Permissions(int(link.query["permissions"]))
    assert asked.attach_files
    assert asked <= discord.Permissions.text() | discord.Permissions(view_channel=True)


@pytest.mark.e2e
@pytest.mark.model
@pytest.mark.skipif(
    not (EMBEDDED / "model_index.json").exists(), reason="the embedded model is not there yet"
)
async def test_the_embedded_models_picture_arrives(tmp_path: Path, opened: Any) -> None:
    """An orange cat on a green meadow: green around, orange in it, and its parameters inside."""
    config = config_in(tmp_path, default_tier="member")
    async with opened(config, below=lambda: open_service(config)) as world:
        message = await world.imagine("an orange cat on a green meadow", seed="7")
        image = Image.open(io.BytesIO(world.file(message)))
        assert image.info["parameters"].startswith("an orange cat on a green meadow\nSteps: 8")
        assert "Seed: 7" in image.info["parameters"]
        assert "Seed: 7" in words(message)
        pixels = list(image.convert("RGB").get_flattened_data())
        orange = sum(red > 180 and 60 < green < 190 and blue < 110 for red, green, blue in pixels)
        green_ = sum(green > red and green > blue + 20 for red, green, blue in pixels)
        assert orange > len(pixels) * 0.03
        assert green_ > len(pixels) * 0.3
        assert await world.used() == (1, 0)
