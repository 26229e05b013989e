"""Middleware: limits on bodies and addresses, a request id, security headers."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from bot.messages import Reason, say
from bot.web.errors import BODY_LARGE, ApiError, failed, language_of, response
from bot.web.rate_limit import PerMinute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from bot.web.rate_limit import RateLimit

log = structlog.get_logger(__name__)

FREE = ("/healthz", "/readyz")
"""Not limited: a supervisor may share its address with everybody behind the same proxy."""

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of an answer whose route sets no others."""


class RequestId:
    """Gives each request an id, for its log lines and its answer, and each answer the security headers.

    A request that is cut off because the process ends in a hurry is told so, instead of uvicorn's bare 500.
    """

    def __init__(self, app: ASGIApp, language: str) -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()  # uvicorn's task is one of its connection's
        structlog.contextvars.bind_contextvars(http=number)

        started = False

        async def framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = number
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except asyncio.CancelledError:
            if started:
                raise
            leaving = failed(say("error-draining").because(Reason.DRAINING))
            await response(leaving, language_of(Request(scope), self._language))(scope, receive, framed)


class AddressLimit:
    """Limits requests per address, on every route except the health checks."""

    def __init__(self, app: ASGIApp, rate_limit: RateLimit, language: str) -> None:
        self._app = app
        self._rate_limit = rate_limit
        self._language = language
        self._told = PerMinute(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        host = request.client.host if request.client else ""
        try:
            self._rate_limit.address(host)
        except ApiError as error:
            if not self._told.hit(host):
                log.info("http.too_fast", address=host)
            await response(error, language_of(request, self._language))(scope, receive, send)
            return
        await self._app(scope, receive, send)


class NoTrailingSlash:
    """Serves /v1/models/ as /v1/models: clients disagree about the slash at the end."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path.startswith(self._prefix) and path.endswith("/") and len(path) > len(self._prefix):
            scope = {**scope, "path": path.rstrip("/"), "raw_path": scope["raw_path"].rstrip(b"/")}
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies over the limit, whatever their Content-Length claims; some routes have their own."""

    def __init__(self, app: ASGIApp, limit_kb: int, routes_mb: Mapping[str, int]) -> None:
        """`routes_mb`: the limits of paths that take more."""
        self._app = app
        self._limit_kb = limit_kb
        self._routes_mb = routes_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        large_mb = self._routes_mb.get(scope["path"])
        limit, had = self._limit_kb << 10 if large_mb is None else large_mb << 20, 0
        shown = f"{self._limit_kb} kB" if large_mb is None else f"{large_mb} MB"
        claimed = Headers(scope=scope).get("content-length", "0")
        too_long = claimed.isdecimal() and int(claimed[:20]) > limit

        async def counted() -> Message:
            nonlocal had
            message = await receive()
            had += len(message.get("body", b""))
            if too_long or had > limit:
                raise failed(say("api-body-large", limit=shown), BODY_LARGE)
            return message

        await self._app(scope, counted, send)
