"""Which way the bot reaches Discord: the gateway it was told, and through a proxy where there is one."""

from __future__ import annotations

from typing import Any

import aiohttp
import discord
import pytest
import yarl

from bot.config.faces import Discord
from bot.discord.library import proxy_options, stay_at
from tests.proxy import proxy


async def test_every_connection_goes_to_the_gateway_it_was_told() -> None:
    """The library passes Discord's own address after an invalid session and a failed reconnect."""
    urls = list[str]()

    async def connect(url: str, *, compress: int = 0) -> Any:
        urls.append(url)

    async with discord.Client(intents=discord.Intents.none()) as client:
        setattr(client.http, "ws_connect", connect)  # noqa: B010 - the library's outermost call
        stay_at(client, yarl.URL("ws://proxy:8081"))
        await client.http.ws_connect("wss://gateway.discord.gg/?v=10&encoding=json")
    assert urls == ["ws://proxy:8081/?v=10&encoding=json"]


def test_a_proxy_comes_from_bot_toml_or_else_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_options(Discord()) == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://anna:secret@outside:3128")
    assert proxy_options(Discord()) == {"proxy": "http://anna:secret@outside:3128"}
    assert proxy_options(Discord(proxy="http://mine:8080")) == {"proxy": "http://mine:8080"}
    monkeypatch.setenv("NO_PROXY", "discord.com")
    assert proxy_options(Discord()) == {}


@pytest.mark.parametrize("way", ["environment", "bot.toml"])
async def test_both_the_api_and_the_gateway_are_reached_through_the_proxy(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with proxy() as made:
        section = Discord(proxy=made.url) if way == "bot.toml" else Discord()
        if way == "environment":
            monkeypatch.setenv("HTTPS_PROXY", made.url)
        async with discord.Client(intents=discord.Intents.none(), **proxy_options(section)) as client:
            with pytest.raises(aiohttp.ClientHttpProxyError):
                await client.login("MTIz.token.token")
            with pytest.raises(aiohttp.ClientHttpProxyError):
                await client.http.ws_connect("wss://gateway.discord.gg/")
    assert made.asked == ["discord.com:443", "gateway.discord.gg:443"]
