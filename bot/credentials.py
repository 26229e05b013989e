"""Tokens and keys: from the environment or a `.env` beside bot.toml, and never into a log.

`Redactor` is the last thing a log line passes. It knows the secrets' values, and the shape of a Telegram
token, which httpx would print inside every URL, of an API key (its prefix stays), and of a link to the
owner's page or a session there.
"""

from __future__ import annotations

import re

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_TELEGRAM_TOKEN = re.compile(r"(?<!\d)\d{6,12}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")
_API_KEY = re.compile(r"(easel_[0-9a-f]{10}_)[0-9a-f]{32}")
_RANDOM = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{64}(?![0-9a-zA-Z])")
_MASK = "[redacted]"


class Credentials(BaseSettings):
    """What the environment holds; empty means absent."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    discord_token: SecretStr | None = None
    """Of the bot's account on Discord; with it `easel run` serves Discord."""
    telegram_token: SecretStr | None = None
    """From @BotFather; with it `easel run` serves Telegram."""
    telegram_webhook_secret: SecretStr | None = None
    """What Telegram shows with each call of the webhook; by default drawn anew at each start."""
    http_secret: SecretStr | None = None
    """Signs links and sessions; by default derived from the key file beside the database."""
    metrics_token: SecretStr | None = None
    """What Prometheus shows to read /metrics."""
    openai_api_key: SecretStr | None = None
    """What [openai]'s servers are shown."""
    openai_api_keys: dict[str, SecretStr] = {}
    """The same by server, as a JSON object, for those that want another."""

    @field_validator("*")
    @classmethod
    def _empty_is_absent(cls, value: SecretStr | dict[str, SecretStr] | None) -> object:
        if isinstance(value, SecretStr) and not value.get_secret_value().strip():
            return None
        return value

    def openai_key(self, server: str) -> str | None:
        """What this server is shown."""
        key = self.openai_api_keys.get(server, self.openai_api_key)
        return key.get_secret_value() if key else None

    @property
    def platforms(self) -> frozenset[str]:
        """The chat platforms that there is a token for."""
        tokens = {"discord": self.discord_token, "telegram": self.telegram_token}
        return frozenset(name for name, token in tokens.items() if token)

    def values(self) -> tuple[str, ...]:
        """Every secret in clear, for the redactor alone."""
        held = (*self.__dict__.values(), *self.openai_api_keys.values())
        return tuple(value.get_secret_value() for value in held if isinstance(value, SecretStr))


class Redactor:
    """Masks secrets in whatever text is about to leave the process as a log line."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        text = _API_KEY.sub(rf"\1{_MASK}", text)
        return _RANDOM.sub(_MASK, _TELEGRAM_TOKEN.sub(_MASK, text))
