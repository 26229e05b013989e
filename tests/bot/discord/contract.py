"""Every JSON body the bot sends, held against Discord's own OpenAPI document."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Iterable

IDS = ("id", "recipient_id", "message_id", "channel_id", "guild_id")
DOCUMENT = "EASEL_DISCORD_OPENAPI"


def check_bodies(entries: Iterable[Any]) -> None:
    """Fails with the first body that Discord's document does not allow."""
    document = os.environ.get(DOCUMENT)
    if not document:
        return
    for entry in entries:
        if entry.json is not None:
            error = fault(Path(document), entry.method, entry.path, json.dumps(entry.json))
            assert error is None, f"{entry.method} {entry.path}: {error} in {entry.json}"


@cache  # every test sends the same commands
def fault(document: Path, method: str, path: str, body: str) -> str | None:
    """What Discord's document says against a body; None where it allows it."""
    validator = _validator(document, method.lower(), _template(document, path))
    error = best_match(validator.iter_errors(_told(json.loads(body))))
    return f"{error.message} at {'/'.join(map(str, error.path))}" if error else None


@cache
def _document(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _template(document: Path, path: str) -> str:
    """The document's path for a request's; the one with the most words of its own."""
    fitting = [
        template
        for template in _document(document)["paths"]
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path)
    ]
    assert fitting, f"Discord has no {path}"
    return min(fitting, key=lambda template: template.count("{"))


@cache
def _validator(document: Path, method: str, template: str) -> Draft202012Validator:
    """Refuses what the schema refuses, and keys it does not know, which Discord would drop without a word."""
    whole = _document(document)
    content = whole["paths"][template][method]["requestBody"]["content"]
    schema = {"allOf": [_anchored(content["application/json"]["schema"])], "unevaluatedProperties": False}
    registry = Registry().with_resource("discord", Resource.from_contents(whole, DRAFT202012))
    return Draft202012Validator(schema, registry=registry)


def _anchored(schema: Any) -> Any:
    """The schema with its references pointing into the document."""
    if isinstance(schema, dict):
        return {
            key: f"discord{value}" if key == "$ref" else _anchored(value) for key, value in schema.items()
        }
    return [_anchored(part) for part in schema] if isinstance(schema, list) else schema


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) else _told(value)


def _told(body: Any) -> Any:
    """The body without two habits of discord.py that Discord takes: ids as numbers, tts on edits."""
    if isinstance(body, dict):
        return {
            key: [str(id_) for id_ in value] if key == "users" else _id(value) if key in IDS else _told(value)
            for key, value in body.items()
            if (key, value) != ("tts", False)
        }
    return [_told(part) for part in body] if isinstance(body, list) else body
