"""The answers, and the two texts that hold them. Pure: nothing is asked here, and nothing written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

import tomlkit

from bot.config.faces import AccessMode
from bot.config.schema import Config
from bot.config.section import Language
from bot.faces.platforms import CHATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

    from bot.messages import Translator

    Value = str | list[int]


MOST_CHARS = 32
"""Of a model's name."""


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
    rent_an_hour: Decimal | None = None
    """None: as the defaults have it."""
    owners: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Account ids by platform."""
    access: AccessMode = AccessMode.OPEN
    code: str | None = None
    """The invitation, where `access` is by code."""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By platform; only the ones that are new."""


def bot_toml(answers: Answers, t: Translator) -> str:
    """bot.toml with what differs from the defaults, each with what it means. It fits `Config`."""
    document = tomlkit.document()
    for line in t("init-toml-head").splitlines():
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    tables: dict[str, TOMLDocument | Table] = {"": document}
    for section, key, value, comment in _differing(answers):
        if section not in tables:
            tables[section] = table = tomlkit.table()
            document.add(section, table)
        tables[section].add(key, tomlkit.item(value).comment(t(comment)))
    if len(answers.models) > 1:
        document.add("models", _models(answers.models, t))
    if answers.rent_an_hour is not None:
        document.add("rent", _rent(answers.rent_an_hour, t("init-toml-rent")))
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


def _differing(answers: Answers) -> Iterator[tuple[str, str, Value, str]]:
    """(section, key, value, id of the comment) of each answer that is no default."""
    default = Config()
    owners = {platform: list(ids) for platform, ids in answers.owners.items()}
    only = answers.models[0] if len(answers.models) == 1 else default.model.path
    every: tuple[tuple[str, str, Value, Value, str], ...] = (
        ("", "language", answers.language.value, default.language.value, "init-toml-language"),
        ("", "currency", answers.currency, default.currency, "init-toml-currency"),
        ("model", "path", only, default.model.path, "init-toml-path"),
        ("model", "memory_mode", answers.memory_mode, default.model.memory_mode, "init-toml-memory"),
        ("model", "quantisation", answers.quantisation, default.model.quantisation, "init-toml-quantisation"),
        ("storage", "folder", answers.folder, str(default.storage.folder), "init-toml-folder"),
        ("owners", "discord", owners.get("discord", []), [], "init-toml-owners"),
        ("owners", "telegram", owners.get("telegram", []), [], "init-toml-owners"),
        ("access", "mode", answers.access.value, default.access.mode.value, "init-toml-access"),
        ("access", "code", answers.code or "", "", "init-toml-code"),
    )
    for section, key, value, usual, comment in every:
        if value != usual:
            yield section, key, value, comment


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


def _rent(an_hour: Decimal, comment: str) -> AoT:
    """[[rent]] from the defaults' first day on, so that no hour is without a rate."""
    entry = tomlkit.table()
    entry.add("valid_from", Config().rent[0].valid_from)
    entry.add("gpu_an_hour", tomlkit.value(str(an_hour)).comment(comment))
    entries = tomlkit.aot()
    entries.append(entry)
    return entries
