"""docs/configuration.md: every key of bot.toml and every secret, from what the program itself reads; and the
table of options in docs/commands.md.

    make reference

Types, ranges and defaults come from the models of `bot.config`, the words from bot.toml's own comments.
"""

from __future__ import annotations

import datetime as dt
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from bot.config.credentials import Credentials
from bot.config.schema import Config
from bot.config.section import Section
from bot.imagine.capabilities import load_capabilities
from bot.imagine.options import OPTIONS, about, spellings
from bot.messages import LANGUAGES, translator

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "configuration.md"
COMMANDS = ROOT / "docs" / "commands.md"
OPTIONS_HEAD = "| option | what it is for | also |\n|---|---|---|"
TOP = ""
HEAD = """\
# Configuration

Your `bot.toml` needs only what differs from the defaults; [bot.toml](../bot.toml) in the repository holds
every key with its default. `easel init` writes one for you, and `easel doctor` checks it. After a change,
restart the bot.

A bot for friends on a card of 12 GB, which nobody else can use:

```toml
language = "en"
time_zone = "Europe/Berlin"
currency = "EUR"

[model]
path = "Tongyi-MAI/Z-Image-Turbo"
quantisation = "int8"          # see docs/gpu.md for your card

[owners]
discord = [123456789012345678] # your own user id

[access]
mode = "listed"
servers = ["discord:234567890123456789"]

[[rent]]
valid_from = 2026-01-01
gpu_an_hour = 0.11             # a card of your own: its electricity and wear

[tiers.free]
images_a_month = 300
max_size = 1024
watermark = false
```

Times are seconds, or text such as `"30s"`, `"5m"` or `"1h"`. Prices are in `currency`, with up to six
decimals. A key that does not exist or a value out of range stops the start, with a line that names the file,
the key, what was found and what is allowed.

*`make reference` writes this page from the program and from the comments in bot.toml.*
"""
SECRETS = """
## Secrets

Read from the environment, or from a file `.env` in the folder where the bot starts. They never appear in
a log.

| variable | what it is for |
|---|---|
"""

Words = Mapping[tuple[str, str], str]
"""(table, key) to the comment behind it; (table, "") to the one behind its heading."""


def comments(toml: str) -> dict[tuple[str, str], str]:
    """What bot.toml says of its keys. Commented-out ones count; of equal tables the first to speak."""
    found: dict[tuple[str, str], str] = {}
    table = TOP
    for line in toml.splitlines():
        if heading := re.fullmatch(r"(?:# )?\[+([\w.]+)\]+(?:\s+# (.*))?", line):
            table, key, words = _general(heading[1]), "", heading[2]
        elif entry := re.fullmatch(r"(?:# )?(\w+) = .+?(?:\s+# (.*))?", line):
            key, words = entry[1], entry[2]
        else:
            continue
        if not found.get((table, key)):
            found[table, key] = words or ""
    return found


def _general(table: str) -> str:
    """`tiers.free` and its like by one name."""
    return re.sub(r"^(tiers|styles|loras|offers|models)\.\w+", r"\1.NAME", table)


def tables(section: type[Section] = Config, name: str = TOP) -> Iterator[tuple[str, type[Section]]]:
    """Every table of bot.toml, as its heading is written, and its model."""
    yield name, section
    for key, field in section.model_fields.items():
        for model in _models(field.annotation):
            inner = f"{name}.{key}".lstrip(".")
            yield from tables(
                model, f"{inner}.NAME" if inner in ("tiers", "styles", "loras", "offers", "models") else inner
            )


def keys(section: type[Section]) -> list[str]:
    """What may stand in a table, tables aside. The name of a tier or an offer is its heading."""
    return [
        key
        for key, field in section.model_fields.items()
        if not list(_models(field.annotation))
        and not (key == "name" and section.__name__ in ("Tier", "Offer"))
    ]


def _models(annotation: Any) -> Iterator[type[Section]]:
    """The models inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        assert issubclass(annotation, Section)
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def page(toml: str) -> str:
    """The whole of docs/configuration.md."""
    words = comments(toml)
    parts = [HEAD, *(_table(name, section, words) for name, section in tables()), _secrets()]
    return "".join(parts)


def _table(name: str, section: type[Section], words: Words) -> str:
    repeated = name in ("rent", "openai.servers", "tiers.NAME.volume_prices")
    heading = f"[[{name}]]" if repeated else f"[{name}]"
    title = f"`{heading}`" if name else "At the top"
    lines = [
        f"\n## {title}\n",
        _prose(section),
        "\n| key | value | default | what it is for |",
        "|---|---|---|---|",
    ]
    schema = section.model_json_schema()
    for key in keys(section):
        kind = _kind(schema["properties"][key], schema.get("$defs", {}))
        default = section.model_fields[key].get_default(call_default_factory=True)
        shown = "required" if section.model_fields[key].is_required() else _toml(default)
        lines.append(f"| `{key}` | {kind} | {shown} | {_cell(words.get((name, key), ''))} |")
    return "\n".join(lines) + "\n"


def _prose(section: type[Section]) -> str:
    text = " ".join((section.__doc__ or "").split())
    return "\n".join(textwrap.wrap(text, 110))


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _secrets() -> str:
    rows = [
        f"| `{name.upper()}` | {' '.join((field.description or '').split())} |"
        for name, field in Credentials.model_fields.items()
    ]
    return SECRETS + "\n".join(rows) + "\n"


def _toml(value: object) -> str:
    """A default as bot.toml would have it."""
    match value:
        case None:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case dt.timedelta():
            seconds = round(value.total_seconds())
            return f'`"{seconds // 60}m"`' if seconds and seconds % 60 == 0 else f'`"{seconds}s"`'
        case tuple() | list():
            return f"`[{', '.join(_toml(item).strip('`') for item in value)}]`"
        case dict():
            return "none"
        case str() | Path():
            return f'`"{value}"`'
        case _:
            return f"`{value}`"


def _kind(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Type and range in words."""
    if "$ref" in schema:
        return _kind(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return _kind(schema["anyOf"][0], defs)
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema["enum"])
    match schema.get("type"):
        case "boolean":
            return "true or false"
        case "array":
            return f"list of: {_kind(schema['items'], defs)}"
        case "object":
            return "table"
        case "integer" | "number" as kind:
            return _range(schema, "whole number" if kind == "integer" else "number")
        case _:
            formats = {"duration": "time", "date": "date", "path": "path"}
            return formats.get(schema.get("format", ""), "text")


def _range(schema: Mapping[str, Any], kind: str) -> str:
    def shown(limit: float) -> str:
        return f"{limit:,.10g}".replace(",", " ")

    bounds = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
        "multipleOf": "in steps of {}",
    }
    told = [words.format(shown(schema[bound])) for bound, words in bounds.items() if bound in schema]
    return " ".join([kind, *told]) if told else kind


def options() -> str:
    """The table of docs/commands.md, from the table of options."""
    model, t = load_capabilities("z-image-turbo"), translator(LANGUAGES[0])
    rows = [OPTIONS_HEAD]
    for option in OPTIONS:
        called = sorted(
            word for word, meant in spellings().items() if meant is option and word != option.shown
        )
        also = ", ".join(f"`--{word}`" for word in called)
        rows.append(f"| `--{option.shown}` | {_cell(about(option, model, {}, t))} | {also} |")
    return "\n".join(rows) + "\n"


def with_options(commands: str) -> str:
    """docs/commands.md with the table as it should be."""
    before, _, rest = commands.partition(OPTIONS_HEAD)
    _, gap, after = rest.partition("\n\n")
    return before + options() + gap[1:] + after


def main() -> None:
    PAGE.write_text(page((ROOT / "bot.toml").read_text("utf-8")), "utf-8")
    COMMANDS.write_text(with_options(COMMANDS.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
