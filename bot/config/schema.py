"""bot.toml as a whole: every setting has its type, its range and its default. Larger subjects have files of
their own: `engine`, `money`, `faces`.

Secrets are not here; they come from the environment (`bot.config.credentials`).
`bot.config.file` reads bot.toml.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import re2
from pydantic import Field, field_validator, model_validator

from bot.config.control import Control
from bot.config.engine import Engine, Model, ModelName, NamedModel, OpenAI, Ray
from bot.config.faces import Access, Discord, Http, Owners, Telegram
from bot.config.loras import Lora, LoraName  # noqa: TC001 - pydantic reads them
from bot.config.money import SEED_TIERS, Cost, Offer, OfferName, Rent, Sales, Tier
from bot.config.section import Language, Section


class Style(Section):
    """A look that members choose by name: a template around their prompt."""

    prompt: str
    names: dict[Language, str] = {}

    @field_validator("prompt")
    @classmethod
    def _has_gap(cls, prompt: str) -> str:
        if "{prompt}" not in prompt:
            raise ValueError("must contain {prompt}")
        return prompt


class Storage(Section):
    """Where database and pictures are, and how long they are kept."""

    folder: Path = Path("data")
    keep_images_days: Annotated[int, Field(ge=1)] = 90
    keep_images_mb: Annotated[int, Field(ge=16)] = 20_000
    keep_requests_days: Annotated[int, Field(ge=1)] = 400


class Limits(Section):
    """Limits for each member and day."""

    refunded_cancels_a_day: Annotated[int, Field(ge=0)] = 3


class Moderation(Section):
    """What is refused in every prompt, and what is allowed only in adult places. Patterns are RE2. Upper or
    lower case and full-width letters make no difference (Unicode NFKC).
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
    models: dict[ModelName, NamedModel] = {}
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
    loras: dict[LoraName, Lora] = {}
    control: Control = Control()

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
    def _models_for_every_tier(self) -> Config:
        if not self.models:
            return self
        if twice := {"path", "revision", "control"} & self.model.model_fields_set:
            raise ValueError(f"model.{min(twice)}: there are [models.NAME], so it must stand in one of them")
        if sum(model.default for model in self.models.values()) > 1:
            raise ValueError("models: only one of them may have default = true")
        for name, model in self.models.items():
            for tier in model.tiers:
                if tier not in self.tiers:
                    allowed = ", ".join(self.tiers)
                    raise ValueError(f"models.{name}.tiers: found {tier!r}; allowed: {allowed}")
        for tier in self.tiers:
            if not any(not model.tiers or tier in model.tiers for model in self.models.values()):
                raise ValueError(f"models: none of them is for the tier {tier!r}")
        return self

    @model_validator(mode="after")
    def _somebody_draws(self) -> Config:
        if self.engine.backend == "openai" and not self.openai.servers:
            raise ValueError('engine.backend is "openai", so name a server under [[openai.servers]]')
        if self.engine.backend == "openai" and len(self.models) > 1:
            raise ValueError('engine.backend is "openai", whose servers draw with one model, not several')
        return self

    @property
    def named_models(self) -> dict[str, NamedModel]:
        """The models by name, the default first; the only one of [model] has none of its own."""
        if not self.models:
            only = self.model
            return {"": NamedModel(path=only.path, revision=only.revision, control=only.control)}
        return dict(sorted(self.models.items(), key=lambda item: not item[1].default))

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)


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
