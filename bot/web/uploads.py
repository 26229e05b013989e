"""The body of an edit, as multipart/form-data or as JSON: its fields, the picture and the mask.

Files of a form are written to disk while they arrive, under no name, so nothing is left of an upload that
breaks off. Nothing is ever fetched from an address that a client names.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bot.imagine.inputs import Brought
from bot.imagine.options import OPTIONS, Kind
from bot.messages import say
from bot.web.errors import BAD, MISSING, NO_BODY, ApiError, failed, unfit
from bot.web.schemas import EditRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request

    from bot.web.schemas import OpenAIRequest

MOST_FILES = 17
"""OpenAI's clients send up to 16 pictures and a mask. More than one picture is refused, but in words."""
MOST_FIELDS = 64
FIELD_BYTES = 64 * 1024
IMAGE, MASK = "image", "mask"
NAMES = {"image": IMAGE, "image[]": IMAGE, "images": IMAGE, "images[]": IMAGE, "mask": MASK}
"""What clients call the two pictures."""
LISTS = {f"{option.field}[]": option.field for option in OPTIONS if option.kind is Kind.LIST}
"""What OpenAI's clients call each value of a list in a form."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A checked request, and its files as they came: nobody has looked into them yet."""

    body: OpenAIRequest
    brought: Brought


@dataclass(frozen=True, slots=True)
class Parts:
    """A body taken apart. A picture is a file of a form, or what JSON has in its place."""

    fields: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, list[object]] = field(default_factory=dict)


async def read(request: Request) -> Upload:
    """Read the body to its end. Raises ApiError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            return await _read_form(request)
        if kind == "application/json":
            return await asyncio.to_thread(_read_json, await request.body())
    except ApiError:
        raise
    except (ClientDisconnect, HTTPException, ValueError, RecursionError) as error:
        raise failed(say("api-body"), NO_BODY) from error
    raise failed(say("api-body"), NO_BODY)


async def _read_form(request: Request) -> Upload:
    form = request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=FIELD_BYTES)
    async with form as given:
        parts = _sorted((name, value) for name, value in given.multi_items() if value != "")
        if wrong := next((name for name, value in parts.fields.items() if not isinstance(value, str)), None):
            raise failed(say("api-file", param=wrong[:60]), BAD)
        body = _checked(parts, EditRequest.model_validate_strings)
        files = {
            name: await one.read() if isinstance(one, UploadFile) else one
            for name, (one, *_) in parts.pictures.items()
        }
    return await asyncio.to_thread(_upload, body, files)


def _read_json(content: bytes) -> Upload:
    """Raises ApiError; ValueError or RecursionError for what is no JSON."""
    given = json.loads(content)
    if not isinstance(given, dict):
        raise failed(say("api-body"), NO_BODY)
    parts = _sorted(given.items())
    return _upload(
        _checked(parts, EditRequest.model_validate), {name: one for name, (one, *_) in parts.pictures.items()}
    )


def _sorted(items: Iterable[tuple[str, object]]) -> Parts:
    """Pictures apart from the other fields."""
    parts = Parts()
    for name, value in items:
        if name in LISTS and isinstance(value, str):
            before = parts.fields.get(LISTS[name])
            parts.fields[LISTS[name]] = f"{before}, {value}" if before else value
            continue
        if name not in NAMES:
            parts.fields[name] = value
            continue
        for one in value if isinstance(value, list) else [value]:
            if one and not (isinstance(one, UploadFile) and not one.size):
                parts.pictures.setdefault(NAMES[name], []).append(one)
    return parts


def _checked(parts: Parts, validate: Callable[[dict[str, Any]], OpenAIRequest]) -> OpenAIRequest:
    """The fields, where there is one picture and at most one mask. Raises ApiError."""
    try:
        body = validate(parts.fields)
    except ValidationError as error:
        raise unfit(error, (*EditRequest.model_fields, *NAMES)) from None
    if IMAGE not in parts.pictures:
        raise failed(say("api-missing", param=IMAGE), MISSING)
    for name, found in parts.pictures.items():
        if len(found) > 1:
            raise failed(say("api-pictures-many", param=name), BAD)
    return body


def _upload(body: OpenAIRequest, files: dict[str, object]) -> Upload:
    read = {name: one if isinstance(one, bytes) else _decoded(name, one) for name, one in files.items()}
    return Upload(body, Brought(read[IMAGE], read.get(MASK)))


def _decoded(param: str, given: object) -> bytes:
    """The bytes of a data: URL, as text or as OpenAI's {"image_url": ...}. Raises ApiError."""
    if isinstance(given, dict):
        given = given.get("image_url")
    if not isinstance(given, str):
        raise failed(say("api-picture-data", param=param), BAD)
    if given[:8].lower().startswith(("http://", "https://")):
        raise failed(say("api-picture-url", param=param), BAD)
    head, comma, encoded = given.partition(",")
    if not comma:  # some clients send the base64 alone
        head, encoded = "data:;base64", given
    try:
        if not (head.lower().startswith("data:") and head.lower().endswith(";base64")):
            raise ValueError(head[:60])
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise failed(say("api-picture-data", param=param), BAD) from error
