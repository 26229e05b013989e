"""An acknowledgement whose answer is lost was one all the same; one that never arrived is sent once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
from discord.webhook.async_ import AsyncWebhookAdapter

from bot.discord.commands import SERVERS
from bot.faces.caller import Who
from tests.bot.discord.conftest import labels, words

if TYPE_CHECKING:
    from tests.bot.discord.conftest import World

pytestmark = pytest.mark.e2e


@pytest.fixture(params=[True, False], ids=["its answer is lost", "it never arrives"])
def lossy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The line breaks at the next acknowledgement, after or before Discord has heard of it."""
    calls: list[str] = []
    send = AsyncWebhookAdapter.create_interaction_response

    async def broken(self: AsyncWebhookAdapter, *args: Any, **kwargs: Any) -> Any:
        calls.append("call")
        if len(calls) == 1:
            if request.param:
                await send(self, *args, **kwargs)
            raise aiohttp.ServerDisconnectedError
        return await send(self, *args, **kwargs)

    monkeypatch.setattr(AsyncWebhookAdapter, "create_interaction_response", broken)
    return calls


async def test_a_request_goes_on(world: World, lossy: list[str]) -> None:
    message = await world.imagine()
    assert world.file(message)
    assert len(lossy) == 2
    assert await world.used() == (1, 0)


async def test_a_command_is_answered(world: World, lossy: list[str]) -> None:
    assert "100" in await world.ask("quota")
    assert len(lossy) == 2


async def test_a_form_opens(world: World, lossy: list[str]) -> None:
    lossy.extend(["not", "yet"])
    message = await world.imagine(seed="7")
    lossy.clear()
    shown = await world.anna.click(message, label="Vary")
    assert len(lossy) == 2
    sent = await world.anna.submit_modal(shown, {"prompt": "a blue cat"})
    await world.settled()
    assert "a blue cat" in words(sent.response)


async def test_a_cancel_is_one(world: World, lossy: list[str]) -> None:
    lossy.extend(["not", "yet"])
    world.model.gate.clear()
    result = await world.begin()
    assert labels(result.response) == ["Cancel"]
    lossy.clear()
    await world.anna.click(result.response, label="Cancel")
    world.model.gate.set()
    await world.settled()
    assert "Cancelled" in words(result.response)
    assert await world.used() == (0, 0)


async def test_what_is_for_managers_and_owners_is_not_offered_in_direct_messages(world: World) -> None:
    from bot.commands.table import offered

    reserved = {command.group for command in offered(world.config) if command.who is not Who.MEMBER}
    shown = {command.name: command for command in world.bot.tree.get_commands()}
    for name in reserved:
        assert shown[name].allowed_contexts == SERVERS, name  # type: ignore[union-attr]
        permissions = shown[name].default_permissions  # type: ignore[union-attr]
        assert permissions == discord.Permissions(manage_guild=True), name
    assert shown["quota"].allowed_contexts is None  # type: ignore[union-attr]
