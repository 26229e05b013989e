"""GET /healthz, /readyz and /metrics: what a supervisor, a load balancer and Prometheus ask."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from bot.messages import say
from bot.metrics.page import CONTENT_TYPE
from bot.web.errors import NO_KEY, failed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from bot.config.faces import Http
    from bot.imagine.service import Service
    from bot.metrics.counting import Counting
    from bot.metrics.health import Health
    from bot.metrics.page import MetricsPage
    from bot.web.delivery import Delivery

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NO_ROUTE = "other"


def router(
    service: Service, delivery: Delivery, page: MetricsPage, health: Health, metrics_token: str | None
) -> APIRouter:
    """The routes. `metrics_token` is what Prometheus must show; without one see `_may_read`."""
    routes = APIRouter(include_in_schema=False)
    began_s = time.monotonic()

    @routes.get("/healthz")
    async def healthz() -> JSONResponse:
        """The process is alive and its event loop runs."""
        return JSONResponse({"status": "ok", "up_s": round(time.monotonic() - began_s)})

    @routes.get("/readyz")
    async def readyz() -> JSONResponse:
        """Whether a request sent now would be drawn; each check is `ok` or says why not."""
        found = await health.readiness(leaving=delivery.draining)
        checks = {check.value: reason or "ok" for check, reason in found.checks.items()}
        return JSONResponse({"ready": found.ready, "checks": checks}, 200 if found.ready else 503)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        """Prometheus' page."""
        if not _may_read(request, metrics_token, service.config.http):
            raise failed(say("api-metrics"), NO_KEY)
        return Response(await page.render(), media_type=CONTENT_TYPE)

    return routes


def _may_read(request: Request, token: str | None, section: Http) -> bool:
    """With a token, who shows it. Without one, only this machine, and only where no proxy stands in front:
    what a proxy sends on comes from this machine too.
    """
    if token is not None:
        shown = request.headers.get("authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())
    proxied = section.public_url is not None or section.trusted_proxies
    return section.listen in LOOPBACK and not proxied


class CountRequests:
    """Middleware that counts each request by its route's pattern, however it ends."""

    def __init__(self, app: ASGIApp, counting: Counting) -> None:
        self._app = app
        self._counting = counting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, status = time.monotonic(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            took_s = time.monotonic() - began_s
            self._counting.on_request(_method(scope), _route(scope), status, took_s)


def _route(scope: Scope) -> str:
    """The pattern of the route that answered, never the path: an address may hold a secret."""
    route = getattr(scope.get("route"), "path", None)
    return f"{scope.get('root_path', '')}{route}" if route else NO_ROUTE


def _method(scope: Scope) -> str:
    """One of a few: the client may send any word."""
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else NO_ROUTE
