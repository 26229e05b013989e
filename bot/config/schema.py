"""Every setting: its type, its range and its default.

Secrets are not here; they come from the environment (`bot.credentials`). `bot.config_file` reads bot.toml.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import zoneinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

MICRO = 1_000_000
"""Micro-units in one unit of the currency: all money inside the program is an integer of these."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Language(StrEnum):
    EN = "en"
    ZH_CN = "zh-CN"


class Billing(StrEnum):
    """How a tier pays: nothing, a monthly subscription, or for each image."""

    NONE = "none"
    SUBSCRIPTION = "subscription"
    PER_IMAGE = "per_image"


def _duration(found: Any) -> Any:
    if isinstance(found, dt.timedelta):
        return found
    written = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smh]?)", str(found))
    if written is None:
        raise ValueError('must be seconds, or a time such as "30s", "5m" or "1h"')
    return float(written[1]) * dt.timedelta(seconds={"m": 60, "h": 3600}.get(written[2], 1))


def _some_time(duration: dt.timedelta) -> dt.timedelta:
    if not duration:
        raise ValueError("must be longer than 0")
    return duration


TELEGRAM_API = "https://api.telegram.org/bot"
WEBHOOK_PORTS = (443, 80, 88, 8443)
"""The ports that Telegram calls."""


Duration = Annotated[dt.timedelta, BeforeValidator(_duration)]
Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
Edge = Annotated[int, Field(ge=64, le=4096, multiple_of=16)]


class VolumePrice(Section):
    """A lower price for a member's images of a month beyond the first so many."""

    beyond: Annotated[int, Field(ge=1)]
    price: Price


class Tier(Section):
    """What a class of members may do and pays. Sizes are the edge of a square in pixels."""

    name: str = ""
    images_a_month: Annotated[int, Field(ge=0)] | None = None
    slow_images_a_month: Annotated[int, Field(ge=0)] = 0
    price: Price = Decimal(0)
    volume_prices: tuple[VolumePrice, ...] = ()
    billing: Billing = Billing.SUBSCRIPTION
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    default_size: Edge = 1024
    max_size: Edge = 1024
    max_steps: Annotated[int, Field(ge=1, le=100)] = 50
    max_images: Annotated[int, Field(ge=1, le=4)] = 4
    max_waiting: Annotated[int, Field(ge=1)] = 10
    watermark: bool = False
    show_cost: bool = False
    min_account_age_days: Annotated[int, Field(ge=0)] = 0
    daily_cap_server: Annotated[int, Field(ge=1)] | None = None
    daily_cap_total: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _slow_after_an_allowance(self) -> Tier:
        if self.slow_images_a_month and (self.images_a_month is None or self.volume_prices):
            raise ValueError("has slow_images_a_month, so it must have images_a_month and no volume_prices")
        return self

    @property
    def max_pixels(self) -> int:
        return self.max_size**2

    @property
    def default_pixels(self) -> int:
        return min(self.default_size, self.max_size) ** 2

    @property
    def price_micro(self) -> int:
        return int(self.price * MICRO)

    @property
    def volume_micro(self) -> tuple[tuple[int, int], ...]:
        """(images of the month before, price of each one after), from the first step to the last."""
        return tuple(sorted((step.beyond, int(step.price * MICRO)) for step in self.volume_prices))


class Rent(Section):
    """What a machine costs an hour from a date on, in the currency; an old month keeps its old rate.

    `gpu` names a cluster's cards it holds for; without, it holds for any that has no entry of its own.
    """

    gpu: str = ""
    valid_from: dt.date
    gpu_an_hour: Price
    operations_an_hour: Price = Decimal(0)


class Cost(Section):
    """Cost limits. Owners are told when the last seven days exceed one; checked hourly."""

    max_cost_an_image: Price | None = None
    max_idle_share: Annotated[float, Field(gt=0, le=1)] | None = None
    monthly_report: bool = True


class Style(Section):
    """A prompt template; `{prompt}` is what the user typed."""

    prompt: str
    names: dict[Language, str] = {}

    @field_validator("prompt")
    @classmethod
    def _has_gap(cls, prompt: str) -> str:
        if "{prompt}" not in prompt:
            raise ValueError("must contain {prompt}")
        return prompt


class Model(Section):
    """Which model draws: `embedded`, a folder in diffusers' layout, or a hub name."""

    path: str = "embedded"
    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    memory_mode: Literal["auto", "high", "medium", "low"] = "auto"
    attention: str = "auto"
    compile: bool = False
    quantisation: Literal["none", "int8", "float8"] = "none"
    vae_tiling_above_px: Annotated[int, Field(ge=256, le=8192)] = 1024


class Server(Section):
    """A server that speaks OpenAI's image API; `url` with /v1 at its end, `gpu` as its price is listed."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
    name: Annotated[str, Field(pattern=r"^[\w.:-]{1,64}$")] | None = None
    gpu: str = ""
    at_once: Annotated[int, Field(ge=1, le=16)] = 2

    @property
    def known_as(self) -> str:
        """Its name; host and port where it was given none."""
        return self.name or urlsplit(self.url).netloc.rpartition("@")[2]


class OpenAI(Section):
    """Servers that draw for us, with `[engine] backend = "openai"`. Keys come from the environment."""

    servers: tuple[Server, ...] = ()
    model: str | None = None
    timeout: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(minutes=5)
    golden_tolerance: Annotated[float, Field(gt=0, le=255)] = 6.0

    @field_validator("servers")
    @classmethod
    def _told_apart(cls, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        names = [server.known_as for server in servers]
        if len(set(names)) < len(names):
            raise ValueError(f"must have a name each; these are: {', '.join(names)}")
        return servers


class Ray(Section):
    """A Ray cluster that draws for us, with `[engine] backend = "ray"`; what a worker gets of it."""

    address: Annotated[str, Field(pattern=r"^(local|auto|[\w.-]+:\d{1,5})$")] = "local"
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    min_workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    max_workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    gpus: Annotated[float, Field(ge=0, le=8)] = 1
    cpus: Annotated[float, Field(ge=0, le=256)] = 1
    resources: dict[str, float] = {}
    work: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(minutes=1)
    cool_down: Duration = dt.timedelta(minutes=5)
    hung_after: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(seconds=10)

    @property
    def range(self) -> tuple[int, int]:
        """The fewest and the most workers."""
        if self.workers is not None:
            return self.workers, self.workers
        high = self.max_workers or max(1, self.min_workers or 1)
        return min(1, high) if self.min_workers is None else self.min_workers, high

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Ray:
        low, high = self.range
        if self.workers is not None and (self.min_workers, self.max_workers) != (None, None):
            raise ValueError("must have workers, or min_workers and max_workers, not both")
        if low > high:
            raise ValueError(f"min_workers is {low}, more than max_workers, {high}")
        return self


class Engine(Section):
    """How the device is shared. `backend`: this machine, a cluster ([ray]), or servers ([openai])."""

    backend: Literal["local", "ray", "openai"] = "local"
    worker: Literal["auto", "here", "child"] = "auto"
    max_active: Annotated[int, Field(ge=1, le=64)] = 3
    max_waiting: Annotated[int, Field(ge=1)] = 1000
    free_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    memory_budget_mb: Annotated[int, Field(ge=64)] | None = None
    preview_every: Annotated[int, Field(ge=0, le=50)] = 2
    step_timeout: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(minutes=1)
    drain_timeout: Duration = dt.timedelta(seconds=30)
    keep_warm_every: Duration = dt.timedelta(minutes=5)
    embedding_cache_mb: Annotated[int, Field(ge=0)] = 64
    result_cache_mb: Annotated[int, Field(ge=0)] = 128


class Storage(Section):
    """Where the database and the pictures are, and how long pictures and requests are kept."""

    folder: Path = Path("data")
    keep_images_days: Annotated[int, Field(ge=1)] = 90
    keep_images_mb: Annotated[int, Field(ge=16)] = 20_000
    keep_requests_days: Annotated[int, Field(ge=1)] = 400


class Limits(Section):
    """How many cancels after the first step are refunded, per member and day."""

    refunded_cancels_a_day: Annotated[int, Field(ge=0)] = 3


class Moderation(Section):
    """What nobody may ask for, and what only in adult places: words, and RE2 patterns, matched over NFKC text
    without regard to case.
    """

    blocked_words: tuple[str, ...] = ()
    blocked_patterns: tuple[str, ...] = ()
    adult_words: tuple[str, ...] = ()
    adult_patterns: tuple[str, ...] = ()
    classifier: str | None = None
    classifier_labels: tuple[str, ...] = ("nsfw",)
    classifier_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    classifier_action: Literal["spoiler", "refuse"] = "spoiler"

    @property
    def may_hide(self) -> bool:
        """Whether a picture may turn out to be a spoiler; nobody has looked at its previews yet."""
        return self.classifier is not None and self.classifier_action == "spoiler"

    @field_validator("blocked_patterns", "adult_patterns")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        options = re2.Options()
        options.log_errors = False
        for pattern in patterns:
            try:
                re2.compile(pattern, options)
            except re2.error:
                raise ValueError(f"must be RE2 patterns; this is none: {pattern!r}") from None
        return patterns


class Discord(Section):
    """The Discord face. `api_url` and `gateway_url` are for bots behind a REST proxy.

    `proxy` is an HTTP proxy for both; without it, HTTPS_PROXY counts.
    """

    api_url: str | None = None
    gateway_url: str | None = None
    proxy: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    admin_channel: int | None = None
    ping_after: Duration = dt.timedelta(seconds=20)


class Telegram(Section):
    """The Telegram face: polling, or a webhook where `webhook_url` is given.

    `proxy` is an HTTP proxy; without it, HTTPS_PROXY counts.
    """

    base_url: str = TELEGRAM_API
    base_file_url: str = "https://api.telegram.org/file/bot"
    proxy: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    plain_text: bool = True
    unknown_channels: Literal["refuse", "allow"] = "refuse"
    webhook_url: str | None = None
    webhook_listen: str = "127.0.0.1"
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
    """The HTTP API. TLS is a proxy's business; `public_url` is how the world reaches us through it."""

    enabled: bool = False
    listen: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    trusted_proxies: tuple[str, ...] = ()
    model_aliases: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_kb: Annotated[int, Field(ge=1, le=4096)] = 64
    key_requests_a_minute: Annotated[int, Field(ge=1)] = 120
    address_requests_a_minute: Annotated[int, Field(ge=1)] = 600
    requests_at_once: Annotated[int, Field(ge=1)] = 32
    link_lifetime: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(hours=1)
    send_timeout: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(minutes=1)
    receive_timeout: Annotated[Duration, AfterValidator(_some_time)] = dt.timedelta(seconds=20)
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


class Owners(Section):
    """Who may ask for costs and change tiers, by platform account id."""

    discord: tuple[int, ...] = ()
    telegram: tuple[int, ...] = ()

    def include(self, platform: str, user_id: str) -> bool:
        """Whether this account is an owner's."""
        ids = {"discord": self.discord, "telegram": self.telegram}.get(platform, ())
        return user_id in {str(id_) for id_ in ids}


Account = Annotated[str, Field(pattern=r"^(discord|telegram):-?\d{1,20}$")]


class AccessMode(StrEnum):
    """Who is let in: everybody, whom the lists name, or also whoever knows the invitation code."""

    OPEN = "open"
    LISTED = "listed"
    CODE = "code"


class Access(Section):
    """Who may have pictures drawn in the chats. Owners always may; an API key is a permission by itself."""

    mode: AccessMode = AccessMode.OPEN
    members: tuple[Account, ...] = ()
    servers: tuple[Account, ...] = ()
    code: Annotated[str, Field(pattern=r"^([A-Za-z0-9][_-]?){8,32}$")] | None = None

    @model_validator(mode="after")
    def _a_code_to_know(self) -> Access:
        if self.mode is AccessMode.CODE and self.code is None:
            raise ValueError('mode is "code", so there must be a code of at least 8 letters and digits')
        return self


class Sales(Section):
    """Whether members can buy, and what that is worth to you; what there is to buy is under [offers]."""

    enabled: bool = False
    support: Annotated[str, Field(max_length=200)] = ""
    terms: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""
    star: Price = Decimal(0)
    star_fee: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)
    dollar: Price = Decimal(0)
    discord_fee: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)


class Offer(Section):
    """Something members can buy: images that last until they are used, or a tier for some days."""

    name: str = ""
    images: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    tier: str | None = None
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    stars: Annotated[int, Field(ge=1, le=100_000)] | None = None
    renews: bool = False
    discord_sku: Annotated[int, Field(ge=1)] | None = None
    discord_cents: Annotated[int, Field(ge=1)] | None = None
    label: dict[Language, Annotated[str, Field(min_length=1, max_length=32)]] = {}

    @model_validator(mode="after")
    def _one_thing(self) -> Offer:
        if (self.images is None) == (self.tier is None):
            raise ValueError("must have either images or a tier")
        if (self.tier is None) != (self.days is None):
            raise ValueError("must have days with a tier, and only then")
        if (self.discord_sku is None) != (self.discord_cents is None):
            raise ValueError("must have discord_sku and discord_cents, or neither")
        if self.renews and (self.days != SUBSCRIPTION_DAYS or (self.stars or 0) > SUBSCRIPTION_STARS):
            raise ValueError(
                f"renews, so it must be a tier for {SUBSCRIPTION_DAYS} days, for at most"
                f" {SUBSCRIPTION_STARS} Stars"
            )
        return self


SUBSCRIPTION_DAYS, SUBSCRIPTION_STARS = 30, 10_000
"""The only term of a subscription that Telegram knows, and the most it may cost."""
OfferName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,32}$")]


class Config(Section):
    """The whole of bot.toml."""

    language: Language = Language.EN
    time_zone: str = "UTC"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    default_tier: str = "free"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    log_prompts: bool = False
    model: Model = Model()
    engine: Engine = Engine()
    openai: OpenAI = OpenAI()
    ray: Ray = Ray()
    storage: Storage = Storage()
    limits: Limits = Limits()
    moderation: Moderation = Moderation()
    owners: Owners = Owners()
    access: Access = Access()
    discord: Discord = Discord()
    telegram: Telegram = Telegram()
    http: Http = Http()
    tiers: dict[str, Tier] = Field(default_factory=lambda: dict(SEED_TIERS))
    rent: tuple[Rent, ...] = (
        Rent(valid_from=dt.date(2025, 1, 1), gpu_an_hour=Decimal("4.20"), operations_an_hour=Decimal("0.80")),
    )
    cost: Cost = Cost()
    sales: Sales = Sales()
    offers: dict[OfferName, Offer] = {}
    styles: dict[str, Style] = Field(default_factory=lambda: dict(SEED_STYLES))

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in zoneinfo.available_timezones():
            raise ValueError("must be an IANA time zone such as UTC or Asia/Shanghai")
        return name

    @field_validator("rent")
    @classmethod
    def _some_rent(cls, rent: tuple[Rent, ...]) -> tuple[Rent, ...]:
        if all(entry.gpu for entry in rent):
            raise ValueError("must have at least one entry without a gpu, for any other")
        return tuple(sorted(rent, key=lambda entry: entry.valid_from))

    @model_validator(mode="after")
    def _tiers_named(self) -> Config:
        if self.default_tier not in self.tiers:
            raise ValueError(f"default_tier is {self.default_tier!r}; allowed: {', '.join(self.tiers)}")
        named = {name: tier.model_copy(update={"name": name}) for name, tier in self.tiers.items()}
        object.__setattr__(self, "tiers", named)
        return self

    @model_validator(mode="after")
    def _offers_named(self) -> Config:
        for name, offer in self.offers.items():
            if offer.tier is not None and offer.tier not in self.tiers:
                raise ValueError(f"offers.{name}.tier is {offer.tier!r}; allowed: {', '.join(self.tiers)}")
        named = {name: offer.model_copy(update={"name": name}) for name, offer in self.offers.items()}
        object.__setattr__(self, "offers", named)
        return self

    @model_validator(mode="after")
    def _somebody_draws(self) -> Config:
        if self.engine.backend == "openai" and not self.openai.servers:
            raise ValueError('engine.backend is "openai", and openai.servers is empty')
        return self

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


SEED_TIERS: dict[str, Tier] = {
    "free": Tier(
        images_a_month=100,
        billing=Billing.NONE,
        weight=1.0,
        default_size=768,
        max_size=768,
        max_steps=20,
        max_waiting=4,
        watermark=True,
    ),
    "member": Tier(images_a_month=500, price=Decimal("0.05"), weight=3.0, max_waiting=8),
    "premium": Tier(images_a_month=2000, price=Decimal("0.03"), weight=6.0, max_size=1536, max_waiting=16),
    "enterprise": Tier(
        price=Decimal("0.02"), billing=Billing.PER_IMAGE, weight=6.0, max_size=2048, max_waiting=64
    ),
}
"""The four tiers and prices of the article Easel comes from (yuan an image)."""

SEED_STYLES: dict[str, Style] = {
    "ink": Style(
        prompt="{prompt}, ink wash painting, black ink on rice paper",
        names={Language.EN: "Ink wash", Language.ZH_CN: "水墨"},
    ),
    "watercolor": Style(
        prompt="{prompt}, soft watercolor painting", names={Language.EN: "Watercolor", Language.ZH_CN: "水彩"}
    ),
    "photo": Style(
        prompt="a photograph of {prompt}, natural light, 35 mm",
        names={Language.EN: "Photograph", Language.ZH_CN: "照片"},
    ),
}
"""What members may choose where bot.toml names no styles of its own."""
