"""The settings of the platforms and the HTTP API, and of who may ask there."""

from __future__ import annotations

import datetime as dt
import ipaddress
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bot.config.section import Duration, PositiveDuration, Section

TELEGRAM_API = "https://api.telegram.org/bot"
WEBHOOK_PORTS = (443, 80, 88, 8443)
"""The ports that Telegram calls."""
HOST = r"^([\w.-]+|[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,}(%[\w.-]+)?)$"
"""A name or an address, IPv6 without brackets; without a port."""
Host = Annotated[str, Field(pattern=HOST)]


class Discord(Section):
    """Discord. Served when DISCORD_TOKEN is set."""

    api_url: str | None = None
    gateway_url: str | None = None
    proxy: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    admin_channel: int | None = None
    ping_after: Duration = dt.timedelta(seconds=20)


class Telegram(Section):
    """Telegram, by polling or, with `webhook_url`, by webhook. Served when TELEGRAM_TOKEN is set."""

    base_url: str = TELEGRAM_API
    base_file_url: str = "https://api.telegram.org/file/bot"
    proxy: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    plain_text: bool = True
    unknown_channels: Literal["refuse", "allow"] = "refuse"
    webhook_url: str | None = None
    webhook_listen: Host = "127.0.0.1"
    webhook_port: Annotated[int, Field(ge=1, le=65535)] = 8443
    admin_chat: int | None = None

    @field_validator("webhook_url")
    @classmethod
    def _callable(cls, url: str | None, info: ValidationInfo) -> str | None:
        """Telegram's own servers call HTTPS and a few ports; a Bot API server of one's own calls any."""
        if url is None or info.data.get("base_url") != TELEGRAM_API:
            return url
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must begin with https://, since Telegram calls nothing else")
        if parts.netloc.rpartition(":")[2].isdecimal() and parts.port not in WEBHOOK_PORTS:
            allowed = ", ".join(map(str, WEBHOOK_PORTS))
            raise ValueError(f"must have one of the ports that Telegram calls: {allowed}")
        return url

    ping_after: Duration = dt.timedelta(seconds=20)


class Http(Section):
    """The HTTP server: API, owner's page, health checks and metrics. For TLS, put a proxy in front of it."""

    enabled: bool = False
    listen: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    trusted_proxies: tuple[str, ...] = ()
    model_aliases: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_kb: Annotated[int, Field(ge=1, le=4096)] = 64
    max_upload_mb: Annotated[int, Field(ge=1, le=256)] = 32
    key_requests_a_minute: Annotated[int, Field(ge=1)] = 120
    address_requests_a_minute: Annotated[int, Field(ge=1)] = 600
    requests_at_once: Annotated[int, Field(ge=1)] = 32
    link_lifetime: PositiveDuration = dt.timedelta(hours=1)
    send_timeout: PositiveDuration = dt.timedelta(minutes=1)
    receive_timeout: PositiveDuration = dt.timedelta(seconds=20)
    connections_by_address: Annotated[int, Field(ge=1)] = 256
    unfetched_by_key: Annotated[int, Field(ge=0)] = 100

    @property
    def links_lead_inside(self) -> bool:
        """Others reach us at an address that we do not know, so links to pictures would not work for them."""
        return self.public_url is None and self.listen not in ("127.0.0.1", "::1", "localhost")

    @property
    def url(self) -> str:
        """Where links point that we hand out, without a slash at the end."""
        host = f"[{self.listen}]" if ":" in self.listen else self.listen
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                raise ValueError(f"must be addresses or networks; this is none: {proxy!r}") from None
        return proxies


TERMINAL = "console"
"""The platform of whoever uses the bot's own terminal."""


class Owners(Section):
    """Who owns the bot, by account id: they see costs, change tiers and open the owner's page."""

    discord: tuple[int, ...] = ()
    telegram: tuple[int, ...] = ()

    def include(self, platform: str, user_id: str) -> bool:
        """Whether this account is an owner's; whoever sits at the terminal owns the machine anyway."""
        ids = {"discord": self.discord, "telegram": self.telegram}.get(platform, ())
        return platform == TERMINAL or user_id in {str(id_) for id_ in ids}


Account = Annotated[str, Field(pattern=r"^(discord|telegram):-?\d{1,20}$")]


class AccessMode(StrEnum):
    """Who is let in: everybody, whom the lists name, or also whoever knows the invitation code."""

    OPEN = "open"
    LISTED = "listed"
    CODE = "code"


class Access(Section):
    """Who may draw in the chats. Owners always may, and an API key is a permission by itself."""

    mode: AccessMode = AccessMode.OPEN
    members: tuple[Account, ...] = ()
    servers: tuple[Account, ...] = ()
    code: Annotated[str, Field(pattern=r"^([A-Za-z0-9][_-]?){8,32}$")] | None = None

    @model_validator(mode="after")
    def _a_code_to_know(self) -> Access:
        if self.mode is AccessMode.CODE and self.code is None:
            raise ValueError('mode is "code", so there must be a code of at least 8 letters and digits')
        return self
