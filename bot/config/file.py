"""bot.toml, read and checked.

A file that does not fit is refused with one line for each fault that names the file, the key, what was found
and what is allowed.
"""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from bot.config.credentials import Credentials
from bot.config.engine import Model, NamedModel, Server
from bot.config.faces import HOST
from bot.config.loras import Lora
from bot.config.money import Offer, Rent, Tier, VolumePrice
from bot.config.schema import Config, Style
from bot.messages import UserError, say

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.control import Control

MAX_PORT = 65535
M = TypeVar("M", Model, NamedModel)


class ConfigError(Exception):
    """bot.toml does not fit; `lines` say where and how, one for each fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def load_config(path: Path | None) -> Config:
    """Read and check `path`; None gives the defaults. Raises `ConfigError`."""
    if path is None:
        return Config()
    try:
        # utf-8-sig: some editors begin a file with a byte order mark
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text: save it as UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error
    try:
        return _anchored(Config.model_validate(table), path.parent)
    except ValidationError as error:
        raise ConfigError([_fault(path, fault) for fault in error.errors()]) from error


def _anchored(config: Config, base: Path) -> Config:
    """Relative folders count from the folder of bot.toml, wherever a command is run."""
    storage = config.storage.model_copy(update={"folder": base / config.storage.folder})
    models = {name: _anchored_model(model, base) for name, model in config.models.items()}
    loras = {name: lora.model_copy(update={"file": base / lora.file}) for name, lora in config.loras.items()}
    model = _anchored_model(config.model, base)
    if model.upscaler is not None:
        model = model.model_copy(update={"upscaler": base / model.upscaler})
    changes = {
        "storage": storage,
        "model": model,
        "models": models,
        "loras": loras,
        "control": _anchored_control(config.control, base),
    }
    return config.model_copy(update=changes)


def _anchored_model(model: M, base: Path) -> M:
    """A hub's name, or a folder that is not there, stays as it is."""
    path = str(base / model.path) if os.path.isdir(base / model.path) else model.path
    control = base / model.control if model.control is not None else None
    return model.model_copy(update={"path": path, "control": control})


def _anchored_control(control: Control, base: Path) -> Control:
    source = control.depth_model
    if source is None or not os.path.isdir(base / source):
        return control
    return control.model_copy(update={"depth_model": str(base / source)})


def serving_http(config: Config, address: str) -> Config:
    """`config` with the HTTP API turned on at `address`, HOST:PORT. Raises UserError: it is no address."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not re.match(HOST, host) or not port.isdecimal() or int(port) > MAX_PORT:
        raise UserError(say("error-address", found=address))
    http = config.http.model_copy(update={"enabled": True, "listen": host, "port": int(port)})
    return config.model_copy(update={"http": http})


_IN_WORDS = {
    "missing": "must be given",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "path_type": "must be a path",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "decimal_parsing": "must be a number",
    "tuple_type": "must be a list in brackets",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
}
"""What pydantic would say in Python's terms."""
FORMS = {
    "currency": "must be three capital letters such as CNY",
    "url": "must begin with http:// or https://",
    "public_url": "must begin with http:// or https://",
    "listen": "must be an address without a port, which has a setting of its own, port",
    "webhook_listen": "must be an address without a port, which has a setting of its own, webhook_port",
    "proxy": "must be http://HOST:PORT or https://HOST:PORT",
    "name": "must be letters, digits, dots, colons and hyphens, at most 64",
    "address": "must be local, auto or HOST:PORT",
    "code": "must be 8 to 32 letters and digits, with hyphens between them where you like",
    "members": "must be accounts such as discord:1234 or telegram:1234",
    "terms": "must begin with http:// or https://",
    "loras": "must be small letters, digits, hyphens and underscores, at most 32",
    "offers": "must be small letters, digits, hyphens and underscores, at most 32",
    "models": "must be small letters, digits, dots, hyphens and underscores, at most 32",
    "servers": "must be servers or groups such as discord:1234 or telegram:-100123",
}
"""What a pattern stands for, by key."""


def _fault(path: Path, fault: Any) -> str:
    """One line: file, key, what was found, what is allowed."""
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _keys_beside(fault["loc"])
        hint = _hint(fault["loc"], known)
        return f"{path}: {key}: found a key that is not known{hint}; allowed: {', '.join(known)}"
    if fault["type"] == "value_error":
        allowed = str(fault["ctx"]["error"])
    elif fault["type"] == "string_pattern_mismatch":
        name = next(part for part in reversed(fault["loc"]) if isinstance(part, str))
        allowed = FORMS.get(name, fault["msg"])
    else:
        allowed = _IN_WORDS.get(fault["type"]) or fault["msg"].replace("Input should be", "must be")
    found = "" if isinstance(fault["input"], dict) else f"found {fault['input']!r}; "
    return f"{path}: {key}: {found}{allowed}" if key else f"{path}: {allowed}"


def _hint(loc: tuple[int | str, ...], known: list[str]) -> str:
    """Where a key that is not known here belongs, if that can be told."""
    *sections, name = map(str, loc)
    secret = "_".join([*sections, name])
    if secret in Credentials.model_fields:
        return f" (a secret belongs in .env: {secret.upper()}=...)"
    if sections and name in Config.model_fields:
        return f" ({name} belongs above the first [section])"
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    return f" (did you mean {near[0]}?)" if near else ""


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the section that `loc` points into."""
    if len(loc) == 1:
        return list(Config.model_fields)
    tables: dict[str, Any] = {
        "tiers": Tier,
        "rent": Rent,
        "styles": Style,
        "loras": Lora,
        "offers": Offer,
        "models": NamedModel,
    }
    section: Any = tables.get(str(loc[0])) or Config.model_fields[str(loc[0])].annotation
    if "servers" in loc:
        section = Server
    if "volume_prices" in loc:
        section = VolumePrice
    return [name for name in section.model_fields if name != "name" or section not in (Tier, Offer)]
