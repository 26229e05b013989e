"""Being a bot: through a proxy where one is configured, until cancelled; and a picture from end to end."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord
import pytest
import structlog
import yarl
from discord.http import Route
from PIL import Image

import engine
from bot import discord as face
from bot.alerts import Alerts
from bot.app import open_service
from bot.config.faces import Discord
from bot.discord.client import EaselClient
from bot.messages import UserError, say
from tests.bot.discord.conftest import words
from tests.easel import config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from bot.config.schema import Config
    from tests.bot.discord.conftest import World

EMBEDDED = Path(engine.__file__).parent / "embedded"


def at(server: asyncio.Server, folder: Path) -> Config:
    """A bot whose Discord is that server."""
    port = server.sockets[0].getsockname()[1]
    return config_in(folder, discord={"api_url": f"http://127.0.0.1:{port}/api/v10"})


async def test_rest_goes_where_bot_toml_says(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    section = Discord(api_url="http://proxy:8080/api/v10/")
    async with easel(config) as service:
        client = EaselClient(service, section, Alerts())
        assert Route("GET", "/users/@me").url == "http://proxy:8080/api/v10/users/@me"
        assert client.intents.value == discord.Intents(guilds=True).value


@pytest.mark.e2e
def test_the_library_does_not_miss_a_voice() -> None:
    script = (
        "import bot.discord, discord, logging\n"
        "logging.basicConfig()\n"
        "discord.Client(intents=discord.Intents(guilds=True))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""


async def test_a_cancelled_bot_closes_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, closed = asyncio.Event(), asyncio.Event()

    async def discord_is_slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Bot secret" in await reader.readuntil(b"\r\n\r\n")
        asked.set()
        assert await reader.read() == b""
        closed.set()
        writer.close()

    monkeypatch.setattr(Route, "BASE", Route.BASE)
    async with (
        asyncio.timeout(PATIENCE_S),
        await asyncio.start_server(discord_is_slow, "127.0.0.1", 0) as server,
        easel(at(server, tmp_path)) as service,
    ):
        serving = asyncio.create_task(face.serve(service, "secret", service.config, Alerts()))
        await asked.wait()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await closed.wait()


async def test_a_discord_that_cannot_be_reached_is_waited_for_and_a_bad_token_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """discord.py itself logs in: twice the line breaks, then Discord does not know the token."""
    calls = list[bytes]()

    async def discord_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readuntil(b"\r\n\r\n"))
        if len(calls) <= 2:
            writer.transport.abort()
            return
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    monkeypatch.setattr(Route, "BASE", Route.BASE)
    async with (
        asyncio.timeout(PATIENCE_S),
        await asyncio.start_server(discord_answers, "127.0.0.1", 0) as server,
        easel(at(server, tmp_path)) as service,
    ):
        with structlog.testing.capture_logs() as lines, pytest.raises(UserError) as refusal:
            await face.serve(service, "secret", service.config, Alerts(), max_pause_s=0.0)
    assert refusal.value.message == say("discord-bad-token")
    assert "discord.unreachable" in [line["event"] for line in lines]  # once may be tried again by aiohttp
    assert len(calls) == 3
    assert "secret" not in str(lines)


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
        assert "Seed 7" in words(message)
        pixels = list(image.convert("RGB").get_flattened_data())
        orange = sum(red > 180 and 60 < green < 190 and blue < 110 for red, green, blue in pixels)
        green_ = sum(green > red and green > blue + 20 for red, green, blue in pixels)
        assert orange > len(pixels) * 0.03
        assert green_ > len(pixels) * 0.3
        assert await world.used() == (1, 0)
