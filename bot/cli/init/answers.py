"""The answers, and the two texts that hold them. Pure: nothing is asked here, and nothing written."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

import tomlkit

from bot.config.faces import AccessMode
from bot.config.money import Billing, Tier
from bot.config.schema import Config
from bot.config.section import Language
from bot.faces.platforms import CHATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

    from bot.config.engine import Model
    from bot.messages import Translator

    Value = str | bool | list[int]


MOST_CHARS = 32
"""How long a model's name may be."""


class Terms(StrEnum):
    """What members may draw, and whether they pay."""

    UNLIMITED = "unlimited"
    ALLOWANCE = "allowance"
    PAID = "paid"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the owner said. Money in the currency's units."""

    language: Language = Language.EN
    currency: str = "CNY"
    models: tuple[str, ...] = ("embedded",)
    """Paths; the first is the default."""
    memory_mode: str = "auto"
    quantisation: str = "none"
    folder: str = "data"
    time_zone: str = "UTC"
    terms: Terms | None = None
    """None: the tiers stay as they are."""
    images_a_month: int | None = None
    """The allowance of members without a tier of their own, where there is one."""
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """What an image costs, by tier; tiers that are left out keep their price."""
    largest_px: int | None = None
    """What the card holds; no tier may ask for more."""
    rent_an_hour: Decimal | None = None
    """None: as the defaults have it."""
    page: bool = False
    """Whether the owner's page and the HTTP API are served, on this machine alone."""
    owners: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Account ids by platform."""
    access: AccessMode = AccessMode.OPEN
    code: str | None = None
    """The invitation, where `access` is by code."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """New tokens, by platform."""


def bot_toml(answers: Answers, t: Translator, present: str = "") -> str:
    """bot.toml with what differs from the defaults, each with what it means. It fits `Config`.

    What is `present` stays, comments too, but for what was answered anew.
    """
    document = tomlkit.parse(present)
    had = Config.model_validate(document.unwrap()).model
    if not present:
        for line in t("init-toml-head").splitlines():
            document.add(tomlkit.comment(line))
        document.add(tomlkit.nl())
    for section, key, value, comment in _differing(answers, document):
        table = document if not section else document.setdefault(section, tomlkit.table())
        if table.get(key) != value:
            table[key] = tomlkit.item(value).comment(t(comment))
    _set_models(document, answers.models, had, t)
    _set_tiers(document, answers, t)
    if answers.rent_an_hour is not None:
        _set_rent(document, answers.rent_an_hour, t("init-toml-rent"))
    text = tomlkit.dumps(document)
    Config.model_validate(tomlkit.parse(text).unwrap())
    return text


def dotenv(present: str, tokens: Mapping[str, str]) -> str:
    """`present` with these tokens in it; every other line stays as it is."""
    text = present
    for platform, token in tokens.items():
        name = CHATS[platform].token_env
        line = f"{name}={token}"
        # A token has no character that a replacement would read as more than itself.
        text, replaced = re.subn(rf"^\s*(?:export\s+)?{name}\s*=.*$", line, text, flags=re.M)
        if not replaced:
            text = f"{text.rstrip()}\n{line}\n".lstrip()
    return text


def _differing(answers: Answers, present: TOMLDocument) -> Iterator[tuple[str, str, Value, str]]:
    """(section, key, value, id of the comment) of each answer that is no default, or is `present` already."""
    default = Config()
    owners = {platform: list(ids) for platform, ids in answers.owners.items()}
    only = answers.models[0] if len(answers.models) == 1 else default.model.path
    every: tuple[tuple[str, str, Value, Value, str], ...] = (
        ("", "language", answers.language.value, default.language.value, "init-toml-language"),
        ("", "currency", answers.currency, default.currency, "init-toml-currency"),
        ("", "time_zone", answers.time_zone, default.time_zone, "init-toml-time-zone"),
        ("model", "path", only, default.model.path, "init-toml-path"),
        ("model", "memory_mode", answers.memory_mode, default.model.memory_mode, "init-toml-memory"),
        ("model", "quantisation", answers.quantisation, default.model.quantisation, "init-toml-quantisation"),
        ("storage", "folder", answers.folder, str(default.storage.folder), "init-toml-folder"),
        ("owners", "discord", owners.get("discord", []), [], "init-toml-owners"),
        ("owners", "telegram", owners.get("telegram", []), [], "init-toml-owners"),
        ("access", "mode", answers.access.value, default.access.mode.value, "init-toml-access"),
        ("access", "code", answers.code or "", "", "init-toml-code"),
        ("http", "enabled", answers.page, default.http.enabled, "init-toml-page"),
    )
    for section, key, value, usual, comment in every:
        there = present if not section else present.get(section, {})
        if value != usual or key in there:
            yield section, key, value, comment


def _set_models(document: TOMLDocument, paths: Sequence[str], had: Model, t: Translator) -> None:
    """[models] where there are several; those that are there stay as they are written.

    `had` is the only one so far, which keeps its control network.
    """
    if tuple(str(table.get("path")) for table in document.get("models", {}).values()) == tuple(paths):
        return
    document.pop("models", None)
    if len(paths) > 1:
        for key in ("path", "revision", "control"):  # which stand with each model then
            document.get("model", {}).pop(key, None)
        models = _models(paths, t)
        for table in models.values():
            if had.control is not None and table["path"] == had.path:
                table.add("control", str(had.control))
        document.add("models", models)


def _set_tiers(document: TOMLDocument, answers: Answers, t: Translator) -> None:
    """Allowance, prices and largest sizes. Naming one tier names all: the others would be gone."""
    config = Config.model_validate(document.unwrap())
    anew = {
        name: _tier_anew(tier, name, answers, usual=name == config.default_tier)
        for name, tier in config.tiers.items()
    }
    if anew == config.tiers:
        return
    written = "tiers" in document
    table = document.setdefault("tiers", tomlkit.table(is_super_table=True))
    for name, tier in anew.items():
        told = _told(tier)
        if not written:
            table.add(name, tomlkit.item(told))
            if "price" in told:
                table[name]["price"].comment(t("init-toml-price"))
            continue
        had = _told(config.tiers[name])
        entry = table.setdefault(name, tomlkit.table())
        entry.update({key: value for key, value in told.items() if value != had.get(key)})
        for key in had.keys() - told.keys():
            entry.pop(key, None)


def _told(tier: Tier) -> dict[str, object]:
    return tier.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)


def _tier_anew(tier: Tier, name: str, answers: Answers, *, usual: bool) -> Tier:
    """`tier` as it was answered; `usual` is the tier of members who were not given another."""
    if usual and answers.terms is Terms.UNLIMITED and (tier.images_a_month is not None or tier.watermark):
        tier = Tier(name=tier.name, billing=Billing.NONE, weight=tier.weight, max_size=2048)
    elif usual and answers.terms is Terms.ALLOWANCE:
        tier = tier.model_copy(update={"images_a_month": answers.images_a_month})
    most_px = answers.largest_px or tier.max_size
    return tier.model_copy(
        update={
            "price": answers.prices.get(name, tier.price),
            "max_size": min(tier.max_size, most_px),
            "default_size": min(tier.default_size, most_px),
        }
    )


def _models(paths: Sequence[str], t: Translator) -> Table:
    """[models.NAME] for each, called as its path ends."""
    models = tomlkit.table(is_super_table=True)
    for path in paths:
        name = re.sub(r"[^a-z0-9._-]+", "-", PurePath(path).name.lower()).strip("-._")[:MOST_CHARS] or "model"
        while name in models:
            name = f"{name[: MOST_CHARS - 2]}-2"
        table = tomlkit.table()
        table.add("path", tomlkit.item(path).comment(t("init-toml-path")))
        if not len(models):
            table.add("default", tomlkit.item(True).comment(t("init-toml-default")))
        models.add(name, table)
    return models


def _set_rent(document: TOMLDocument, an_hour: Decimal, comment: str) -> None:
    """From the defaults' first day on, so that no hour is without a rate; from today where one is there."""
    rents = Config.model_validate(document.unwrap()).rent
    written = "rent" in document
    if written and rents[-1].gpu_an_hour == an_hour:
        return
    entry = tomlkit.table()
    entry.add("valid_from", dt.datetime.now(dt.UTC).date() if written else rents[0].valid_from)
    entry.add("gpu_an_hour", tomlkit.value(str(an_hour)).comment(comment))
    if written:
        cast("AoT", document["rent"]).append(entry)
        return
    entries = tomlkit.aot()
    entries.append(entry)
    document.add("rent", entries)
