"""The page as an application of its own, mounted under /admin: routes, errors as pages, headers."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse
from starlette.routing import Route

from bot.imagine import refusals
from bot.messages import Reason, UserError, say
from bot.web.admin.changes import Changes
from bot.web.admin.costs import Costs
from bot.web.admin.exports import Exports
from bot.web.admin.listings import Listings
from bot.web.admin.members import Members
from bot.web.admin.now import Now
from bot.web.admin.pictures import Pictures
from bot.web.admin.sign_in import NoSession, SecurityHeaders, SignIn
from bot.web.admin.sources import Sources
from bot.web.errors import ApiError
from storage.errors import StorageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from bot.alerts import Alerts
    from bot.imagine.service import Service
    from bot.messages import Message
    from bot.web.rate_limit import RateLimit

STYLE, ICON = (Path(__file__).with_name(name) for name in ("style.css", "icon.svg"))
REFUSALS: tuple[type[Exception], ...] = (NoSession, UserError, StorageError, HTTPException, Exception)


def build(service: Service, rate_limit: RateLimit, alerts: Alerts) -> Starlette:
    """The application. All routes but the sign-in's ask for a session, and each POST for its form's token."""
    sign_in = SignIn(service, rate_limit)
    changes, exports = Changes(service, sign_in), Exports(service, sign_in)
    members, pictures = Members(service, sign_in), Pictures(service, sign_in)
    sources, listings = Sources(service, sign_in), Listings(service, sign_in, alerts)

    async def refused(request: Request, error: Exception) -> Response:
        """Any refusal, as a page in the reader's language."""
        return sign_in.sentence(request, *_told(error, sign_in.language(request)))

    return Starlette(
        routes=[
            Route("/style.css", _style),
            Route("/icon.svg", _icon),
            Route("/enter", sign_in.ask),
            Route("/enter", sign_in.enter, methods=["POST"]),
            Route("/leave", sign_in.leave, methods=["POST"]),
            Route("/", Now(service, sign_in).page),
            Route("/costs", Costs(service, sign_in).page),
            Route("/costs.csv", exports.costs),
            Route("/members", members.page),
            Route("/members.csv", exports.members),
            Route("/members/{number:int}", members.one),
            Route("/pictures", pictures.page),
            Route("/pictures/{job}", pictures.small),
            Route("/pictures/{job}/file", pictures.file),
            Route("/pictures/{job}/facts", pictures.facts),
            Route("/sources", sources.page),
            Route("/sources/{digest}", sources.small),
            Route("/sources/{digest}/file", sources.file),
            Route("/sources/{digest}/facts", sources.facts),
            Route("/keys", listings.keys),
            Route("/log", listings.log),
            Route("/alerts", listings.alerts),
            Route("/settings", listings.settings),
            *(Route(f"/{name}", change, methods=["POST"]) for name, change in changes.all.items()),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers=dict.fromkeys(REFUSALS, refused),
    )


async def _icon(_: Request) -> Response:
    return FileResponse(ICON, media_type="image/svg+xml")


async def _style(_: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css")


def _told(error: Exception, language: str) -> tuple[Message, int]:
    """What a refusal says, and its status."""
    match error:
        case ApiError():
            return error.message, error.kind.status
        case NoSession():
            return say("page-no-session"), HTTPStatus.UNAUTHORIZED
        case UserError():
            return error.message, HTTPStatus.BAD_REQUEST
        case StorageError():
            return refusals.explain(error, language).message, HTTPStatus.SERVICE_UNAVAILABLE
        case HTTPException(status_code=status):
            return say("page-form-old" if status == HTTPStatus.FORBIDDEN else "page-nothing"), status
        case _:
            return say("error-internal").because(Reason.FAILED), HTTPStatus.INTERNAL_SERVER_ERROR
