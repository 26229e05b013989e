"""Who is asking: whoever holds an API key. Each key is a member, with a tier, a quota and a ledger."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.imagine.asker import Asker
from bot.messages import say
from bot.web.errors import FORBIDDEN, NO_KEY, failed, language_of
from bot.web.rate_limit import RateLimit
from storage.keys import PLATFORM
from storage.records.members import ApiKey, KeyScope
from storage.store import Store

BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="A key made by `easel key create`.")


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A live key, and who asks with it."""

    key: ApiKey
    asker: Asker

    @property
    def prefix(self) -> str:
        """The part of the key that may appear in logs."""
        return self.key.prefix

    def source_key(self, event: str) -> str:
        """An event id that is unique among all keys."""
        return f"{self.prefix}:{hashlib.sha256(event.encode()).hexdigest()[:32]}"


class Authenticator:
    """Lets in whoever has a live key, within its rate limit."""

    def __init__(self, store: Store, rate_limit: RateLimit) -> None:
        self._store = store
        self._rate_limit = rate_limit

    def needs(self, scope: KeyScope | None) -> Callable[..., Awaitable[KeyHolder]]:
        """The FastAPI dependency that gives the caller; `scope` None takes any key. Raises ApiError."""

        async def caller(
            request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
        ) -> KeyHolder:
            if bearer is None:
                raise failed(say("api-key-missing"), NO_KEY)
            key = await self._store.keys.find(bearer.credentials)
            if key is None:
                raise failed(say("api-key-wrong"), NO_KEY)
            structlog.contextvars.bind_contextvars(key=key.prefix)
            self._rate_limit.key(key.prefix)
            if scope is not None and scope not in key.scopes:
                raise failed(say("api-scope", scope=scope.value), FORBIDDEN)
            return KeyHolder(
                key, Asker(PLATFORM, key.prefix, locale=language_of(request, "") or None, admitted=True)
            )

        return caller
