"""Checks requests against Telegram's machine-readable Bot API: methods, fields, types, lengths.

The document is not part of this repository; `EASEL_TELEGRAM_SPEC` names it. Without it nothing is checked
and one test says so.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

SPEC = "EASEL_TELEGRAM_SPEC"

_LENGTH = re.compile(r"(\d+)-(\d+) (characters|bytes|items)")


UNUSED_PARSE_MODE = {"editMessageMedia", "editMessageReplyMarkup", "sendInvoice"}
"""Methods with which python-telegram-bot sends the default parse mode too, and that have no use for it."""


class BadRequest(Exception):
    """A request that the Bot API does not describe."""


@cache
def contract() -> Contract | None:
    """The contract, or None where the environment names no document."""
    path = os.environ.get(SPEC)
    return Contract(json.loads(Path(path).read_text("utf-8"))) if path else None


class Contract:
    """The Bot API as a document says."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._methods = document["methods"]
        self._types = document["types"]

    def check(self, method: str, fields: dict[str, Any], files: set[str]) -> None:
        """Raises BadRequest. `fields` as they came over the wire, `files` the names of uploaded parts."""
        if method not in self._methods:
            raise BadRequest(f"no method {method}")
        if method in UNUSED_PARSE_MODE:
            fields = {name: value for name, value in fields.items() if name != "parse_mode"}
        self._object(method, self._methods[method].get("fields", []), fields, files, wire=True)

    def _object(
        self, where: str, known: list[dict[str, Any]], given: dict[str, Any], files: set[str], *, wire: bool
    ) -> None:
        described = {field["name"]: field for field in known}
        for name, value in given.items():
            if name not in described:
                raise BadRequest(f"{where}: no field {name}")
            self._field(f"{where}.{name}", described[name], value, files, wire=wire)
        for name, field in described.items():
            if field["required"] and name not in given and not (wire and name in files):
                raise BadRequest(f"{where}: {name} is missing")

    def _field(self, where: str, field: dict[str, Any], value: Any, files: set[str], *, wire: bool) -> None:
        faults = []
        for kind in field["types"]:
            try:
                plain = self._of_kind(where, kind, value, files, wire=wire)
            except (BadRequest, ValueError) as fault:
                faults.append(str(fault))
                continue
            self._length(where, field["description"], plain)
            return
        raise BadRequest(f"{where}: {value!r} is none of {field['types']}: {'; '.join(faults)}")

    def _of_kind(self, where: str, kind: str, value: Any, files: set[str], *, wire: bool) -> Any:
        """The value as the API means it. Raises BadRequest or ValueError where it is not of this kind."""
        if kind == "String":
            if not isinstance(value, str):
                raise BadRequest(f"{where} is no text")
            if value.startswith("attach://") and value.removeprefix("attach://") not in files:
                raise BadRequest(f"{where} names a file that is not there")
            return value
        if kind == "InputFile":
            raise BadRequest(f"{where} is no uploaded file")
        plain = json.loads(value) if wire and isinstance(value, str) else value
        if kind in ("Integer", "Float", "Boolean"):
            wanted: Any = {"Integer": int, "Float": (int, float), "Boolean": bool}[kind]
            if not isinstance(plain, wanted) or (kind != "Boolean" and isinstance(plain, bool)):
                raise BadRequest(f"{where} is no {kind}")
            return plain
        if kind.startswith("Array of "):
            if not isinstance(plain, list):
                raise BadRequest(f"{where} is no array")
            for number, item in enumerate(plain):
                self._of_kind(f"{where}[{number}]", kind.removeprefix("Array of "), item, files, wire=False)
            return plain
        if not isinstance(plain, dict):
            raise BadRequest(f"{where} is no {kind}")
        self._typed(where, kind, plain, files)
        return plain

    def _typed(self, where: str, kind: str, value: dict[str, Any], files: set[str]) -> None:
        described = self._types[kind]
        if subtypes := described.get("subtypes"):
            faults = []
            for subtype in subtypes:
                try:
                    self._tagged(subtype, value)
                    self._typed(where, subtype, value, files)
                except BadRequest as fault:
                    faults.append(str(fault))
                    continue
                return
            raise BadRequest("; ".join(faults))
        self._tagged(kind, value)
        self._object(where, described.get("fields", []), value, files, wire=False)

    def _tagged(self, kind: str, value: dict[str, Any]) -> None:
        """A type that is recognised by its `type` field has the one its description demands."""
        for field in self._types[kind].get("fields", []):
            must = re.search(r"must be (?:always )?[“\"]?\*?(\w+)", field["description"])
            if field["name"] == "type" and must and value.get("type") != must[1]:
                raise BadRequest(f"{kind} has type {must[1]}, not {value.get('type')}")

    def _length(self, where: str, description: str, value: Any) -> None:
        match = _LENGTH.search(description)
        # text with markup is measured after parsing, by whoever parses it
        if match is None or not isinstance(value, str | list) or "entit" in description:
            return
        low, high, unit = int(match[1]), int(match[2]), match[3]
        length = len(value.encode()) if unit == "bytes" and isinstance(value, str) else len(value)
        if not low <= length <= high:
            raise BadRequest(f"{where}: {length} {unit}, {low} to {high} are allowed")
