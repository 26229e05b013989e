"""Builds the FastAPI application from independent routers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse

from bot.config.credentials import Credentials
from bot.messages import UserError, say
from bot.metrics.page import MetricsPage
from bot.web import admin, errors, images, links, models, operations, usage
from bot.web.caller import Authenticator
from bot.web.middleware import AddressLimit, BodyLimit, NoTrailingSlash, RequestId
from bot.web.rate_limit import RateLimit

SECRET_CHARS = 16
"""Fewer could be tried out, and whoever finds them signs links to anybody's pictures."""

if TYPE_CHECKING:
    from starlette.requests import Request

    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.metrics.counting import Counting
    from bot.metrics.health import Health
    from bot.web.delivery import Delivery


def build_app(
    service: Service,
    config: Config,
    delivery: Delivery,
    *,
    health: Health,
    alerts: Alerts,
    counting: Counting,
    metrics_token: str | None = None,
) -> FastAPI:
    """The application over a started service. It owns nothing: who builds it starts and stops the parts."""
    section = config.http
    rate_limit = RateLimit(section)
    authenticator = Authenticator(service.store, rate_limit)
    signed = links.Links(secret(service), section.link_lifetime.total_seconds(), section.public_url)
    app = FastAPI(
        title="Easel",
        summary="Pictures from words, and from pictures.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # the redirect would name the Host header, which anybody may write
        responses=errors.DOCUMENTED,
    )
    errors.install(app, config.language)
    app.include_router(images.router(images.Images(service, delivery, signed), authenticator, rate_limit))
    app.include_router(links.router(service, signed))
    app.include_router(models.router(service, authenticator))
    app.include_router(usage.router(service, authenticator))
    app.include_router(
        operations.router(service, delivery, MetricsPage(service, counting, health), health, metrics_token)
    )
    app.mount("/admin", admin.build(service, rate_limit, alerts))
    app.add_route("/admin", _to_the_page, include_in_schema=False)
    app.add_middleware(
        BodyLimit, limit_kb=section.max_body_kb, routes_mb={"/v1/images/edits": section.max_upload_mb}
    )
    app.add_middleware(NoTrailingSlash, prefix="/v1/")
    app.add_middleware(AddressLimit, rate_limit=rate_limit, language=config.language)
    if section.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=section.allowed_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            expose_headers=("x-request-id", "retry-after", "x-should-retry"),
        )
    app.add_middleware(RequestId, language=config.language)
    app.add_middleware(operations.CountRequests, counting=counting)
    return app


async def _to_the_page(_: Request) -> RedirectResponse:
    return RedirectResponse("/admin/")


def secret(service: Service) -> bytes:
    """What links and sessions are signed with: HTTP_SECRET, or derived from the key file of the store.

    Raises UserError for one that could be guessed.
    """
    given = Credentials().http_secret
    if given is None:
        return service.store.derived_key("http")
    if len(given) < SECRET_CHARS:
        raise UserError(say("error-http-secret", characters=SECRET_CHARS))
    return given.get_secret_value().encode()
