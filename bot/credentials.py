"""Tokens and keys: from the environment or a `.env` beside bot.toml, and never into a log.

`Redactor` is the last thing a log line passes. It knows the secrets' values, and the shape of a Telegram
token, which httpx would print inside every URL.
"""

from __future__ import annotations

import re

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_TELEGRAM_TOKEN = re.compile(r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}")
_MASK = "[redacted]"


class Credentials(BaseSettings):
    """What the environment holds; empty means absent."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    discord_token: SecretStr | None = None
    telegram_token: SecretStr | None = None
    telegram_webhook_secret: SecretStr | None = None
    http_secret: SecretStr | None = None
    """Signs links and sessions; by default derived from the key file beside the database."""
    metrics_token: SecretStr | None = None
    """What Prometheus shows to read /metrics."""

    @field_validator("*")
    @classmethod
    def _empty_is_absent(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and value.get_secret_value().strip() else None

    @property
    def platforms(self) -> frozenset[str]:
        """The chat platforms that there is a token for."""
        tokens = {"discord": self.discord_token, "telegram": self.telegram_token}
        return frozenset(name for name, token in tokens.items() if token)

    def values(self) -> tuple[str, ...]:
        """Every secret in clear, for the redactor alone."""
        return tuple(
            value.get_secret_value() for value in self.__dict__.values() if isinstance(value, SecretStr)
        )


class Redactor:
    """Masks secrets in whatever text is about to leave the process as a log line."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return _TELEGRAM_TOKEN.sub(_MASK, text)
