"""Tokens and keys: from the environment or a `.env` beside bot.toml, and never into a log.

`Redactor` is the last thing a log line passes. It knows the secrets' values, and the shape of a Telegram
token, which httpx would print inside every URL, of an API key (its prefix stays), and of a link to the
owner's page or a session there.
"""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any, Self

from dotenv import dotenv_values
from dotenv.parser import Original, parse_stream
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.messages import Message, UserError, say

ENV_FILE = Path(".env")
ENV_ENCODING = "utf-8-sig"
"""UTF-8, with the mark at its beginning that some editors write, or without."""

_TELEGRAM_TOKEN = re.compile(r"(?<!\d)\d{6,12}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_API_KEY = re.compile(r"(easel_[0-9a-f]{10}_)[0-9a-f]{32}")
_RANDOM = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{64}(?![0-9a-zA-Z])")
_MASK = "[redacted]"


class Credentials(BaseModel):
    """What the environment holds; empty means absent. Raises UserError where `.env` cannot be read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    discord_token: SecretStr | None = Field(
        None, description="The Discord bot's token; with it, `easel run` serves Discord."
    )
    telegram_token: SecretStr | None = Field(
        None, description="The Telegram bot's token, from @BotFather; with it, `easel run` serves Telegram."
    )
    telegram_webhook_secret: SecretStr | None = Field(
        None,
        description="Proves that a webhook call comes from Telegram; default: random at each start.",
    )
    http_secret: SecretStr | None = Field(
        None,
        description="Signs links and sessions; default: derived from easel.db.key beside the database.",
    )
    metrics_token: SecretStr | None = Field(
        None, description="The bearer token that Prometheus sends to read /metrics."
    )
    openai_api_key: SecretStr | None = Field(None, description="The API key sent to the servers of [openai].")
    openai_api_keys: dict[str, SecretStr] = Field(
        {}, description="The same for single servers: a JSON object of server names and keys."
    )

    def __init__(self, *, file: Path | None = ENV_FILE, **given: Any) -> None:
        """`file` is read below the environment; None for none."""
        if file is not None and (trouble := env_trouble(file)) is not None:
            raise UserError(trouble)
        written = dotenv_values(file, encoding=ENV_ENCODING) if file is not None and file.is_file() else {}
        found = {name.lower(): value for name, value in {**written, **os.environ}.items() if value}
        super().__init__(**{**found, **given})

    @classmethod
    def readable(cls) -> Self:
        """Without the `.env` where it cannot be read: for the logs, and for whoever tells what is wrong."""
        return cls(file=ENV_FILE if env_trouble(ENV_FILE) is None else None)

    @field_validator("openai_api_keys", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("*")
    @classmethod
    def _stripped(cls, value: SecretStr | dict[str, SecretStr] | None) -> object:
        """Blanks around a secret are a slip of copying; one that is nothing else is absent."""
        if isinstance(value, dict):
            return {name: SecretStr(key.get_secret_value().strip()) for name, key in value.items()}
        if isinstance(value, SecretStr):
            text = value.get_secret_value().strip()
            return SecretStr(text) if text else None
        return value

    def openai_key(self, server: str) -> str | None:
        """The key for this server."""
        key = self.openai_api_keys.get(server, self.openai_api_key)
        return key.get_secret_value() if key else None

    @property
    def tokens(self) -> dict[str, str]:
        """The chat platforms that there is a token for, and the token in clear."""
        held = {"discord": self.discord_token, "telegram": self.telegram_token}
        return {name: token.get_secret_value() for name, token in held.items() if token}

    @property
    def platforms(self) -> frozenset[str]:
        """The chat platforms that there is a token for."""
        return frozenset(self.tokens)

    def values(self) -> tuple[str, ...]:
        """Every secret in clear, for the redactor alone."""
        held = (*self.__dict__.values(), *self.openai_api_keys.values())
        return tuple(value.get_secret_value() for value in held if isinstance(value, SecretStr))


def env_trouble(file: Path) -> Message | None:
    """Why nobody can read this `.env`, and what to do; None where one can, or there is none."""
    told = str(file)
    if file.is_dir():
        return say("error-env-folder", file=told)
    if not file.is_file():
        return None
    try:
        text = file.read_text(ENV_ENCODING)
    except UnicodeDecodeError:
        return say("error-env-encoding", file=told)
    except OSError as error:
        return say("error-env-closed", file=told, reason=error.strerror or str(error))
    if "\0" in text:  # UTF-16 without a mark
        return say("error-env-encoding", file=told)
    wrong = next((entry.original for entry in parse_stream(io.StringIO(text)) if entry.error), None)
    return None if wrong is None else say("error-env-line", file=told, line=_first_line(wrong))


def _first_line(entry: Original) -> int:
    """Where an entry of `.env` begins, which has the empty lines before it to it."""
    written = entry.string
    return entry.line + written[: len(written) - len(written.lstrip())].count("\n")


class Redactor:
    """Masks secrets in whatever text is about to leave the process as a log line."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        text = _API_KEY.sub(rf"\1{_MASK}", text)
        return _RANDOM.sub(_MASK, _TELEGRAM_TOKEN.sub(_MASK, text))
