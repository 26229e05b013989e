"""The check that every test here ends with: it needs Discord's document, and notices what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bot.discord.contract import DOCUMENT, fault

CREATE = "/channels/1/messages"


@pytest.fixture
def document() -> Path:
    if DOCUMENT not in os.environ:
        pytest.skip(f"{DOCUMENT} is not set: bodies are not held against Discord's OpenAPI document")
    return Path(os.environ[DOCUMENT])


def test_a_body_that_discord_takes_has_no_fault(document: Path) -> None:
    assert fault(document, "POST", CREATE, '{"content": "hello", "allowed_mentions": {"parse": []}}') is None


@pytest.mark.parametrize("body", ['{"content": 7}', '{"contents": "hello"}', '{"embeds": [{"title": 1}]}'])
def test_a_wrong_type_or_an_unknown_key_is_found(document: Path, body: str) -> None:
    assert fault(document, "POST", CREATE, body) is not None
