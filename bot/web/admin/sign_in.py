"""Signing in: a link opens a session once, a cookie holds it, and every form carries its token.

A chat's link preview fetches the link with a GET, which changes nothing: it shows a button, and the button's
POST spends the link. The session is whoever asked for the link, and lasts while bot.toml calls them an owner.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from bot.imagine.asker import Asker
from bot.messages import Message, Translator, say, translator
from bot.web.errors import language_of
from bot.web.middleware import SECURITY_HEADERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send
    from starlette.types import Message as Piece

    from bot.imagine.service import Service
    from bot.web.rate_limit import RateLimit

COOKIE = "easel_session"
MOST_FORM_BYTES = 16_384
HEADERS = SECURITY_HEADERS | {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-robots-tag": "noindex",
}
"""Headers of every answer: no inline code, no framing, no referrer."""


class NoSession(Exception):
    """There is no owner's session."""


@dataclass(frozen=True, slots=True)
class Visit:
    """An owner on the page."""

    asker: Asker
    t: Translator
    token: str
    """The session's secret; used only for `form_token`."""

    @property
    def form_token(self) -> str:
        """What each form of this session carries: another site can neither read nor guess it."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()


class SignIn:
    """Sessions, forms and rendering, for all the page's routes."""

    def __init__(self, service: Service, rate_limit: RateLimit) -> None:
        self._service = service
        self._rate_limit = rate_limit
        self._config = service.config
        url = urlsplit(service.config.http.url)
        self._base = f"{url.path.rstrip('/')}/admin"
        self._secure = url.scheme == "https"
        self._told: dict[str, str] = {}
        """By session: a word about what was done, for the next page that is shown."""

    # coming and going

    async def ask(self, request: Request) -> Response:
        """GET: a button, whether the link is good or not."""
        return self._plain(request, "enter.html", link=request.query_params.get("link", ""))

    async def enter(self, request: Request) -> Response:
        """POST: the link is spent, and the cookie set."""
        self._rate_limit.login(request.client.host if request.client else "")
        link = (await self._fields(request)).get("link", "")
        session = await self._service.store.sessions.begin(link)
        if session is None:
            return self.sentence(request, say("page-link-spent"), HTTPStatus.FORBIDDEN)
        answer = self.back()
        answer.set_cookie(
            COOKIE, session, path=self._base, secure=self._secure, httponly=True, samesite="strict"
        )
        return answer

    async def leave(self, request: Request) -> Response:
        """The session is over, here and in the store."""
        visit, _ = await self.form(request)
        await self._service.store.sessions.end(visit.token)
        answer = self.sentence(request, say("page-left"))
        answer.delete_cookie(COOKIE, path=self._base, secure=self._secure, httponly=True, samesite="strict")
        return answer

    async def visit(self, request: Request) -> Visit:
        """The owner who is signed in. Raises NoSession."""
        token = request.cookies.get(COOKIE, "")
        store = self._service.store
        member = await store.sessions.member(token) if token else None
        if member is None:
            raise NoSession
        for identity in await store.members.identities(member.key):
            asker = Asker(identity.platform, identity.user_id)
            if self._config.owners.include(asker.platform, asker.user_id):
                language = member.language or self.language(request)
                return Visit(asker, translator(language), token)
        raise NoSession

    async def form(self, request: Request) -> tuple[Visit, dict[str, str]]:
        """An owner's form. Raises NoSession; HTTPException where it does not come from our page."""
        visit = await self.visit(request)
        fields = await self._fields(request)
        if not hmac.compare_digest(fields.pop("token", "").encode(), visit.form_token.encode()):
            raise HTTPException(HTTPStatus.FORBIDDEN)
        return visit, fields

    # answering

    def page(self, visit: Visit, template: str, **values: Any) -> Response:
        """A page for an owner; whatever it shows is escaped."""
        told = self._told.pop(visit.token, "")
        return HTMLResponse(self._render(visit.t, template, visit=visit, told=told, **values))

    def question(self, visit: Visit, request: Request, question: str, fields: Mapping[str, str]) -> Response:
        """Ask before what cannot be undone: the same form again, with one more button to press."""
        action = request.url.path.rpartition("/")[2]
        return self.page(visit, "question.html", question=question, action=action, fields=fields)

    def sentence(self, request: Request, message: Message, status: int = HTTPStatus.OK) -> Response:
        """A page that says one thing."""
        return self._plain(request, "sentence.html", status, message=message)

    def back(self, path: str = "/") -> RedirectResponse:
        """After a POST: on to a page that may be loaded again."""
        return RedirectResponse(self._base + path, HTTPStatus.SEE_OTHER)

    def done(self, visit: Visit, told: str, path: str = "/") -> RedirectResponse:
        """Go on to a page that begins with what was done."""
        self._told[visit.token] = told
        return self.back(path)

    def moment(self, at: datetime) -> str:
        """A time of this year, in the owner's zone."""
        return at.astimezone(self._config.zone).strftime("%m-%d %H:%M")

    def day(self, at: datetime) -> str:
        return at.astimezone(self._config.zone).strftime("%Y-%m-%d")

    def language(self, request: Request) -> str:
        """The language that the browser prefers."""
        return language_of(request, self._config.language)

    def _plain(self, request: Request, template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:
        t = translator(self.language(request))
        return HTMLResponse(self._render(t, template, visit=None, told="", **values), status)

    def _render(self, t: Translator, template: str, **values: Any) -> str:
        values = {"refresh_s": 0, "here": "", **values}
        return _templates().get_template(template).render(t=t, base=self._base, **values)

    async def _fields(self, request: Request) -> dict[str, str]:
        """A form's fields, however it says it is encoded: ours are all of one kind."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_FORM_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class SecurityHeaders:
    """Middleware that puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(piece: Piece) -> None:
            if piece["type"] == "http.response.start":
                MutableHeaders(scope=piece).update(HEADERS)
            await send(piece)

        await self._app(scope, receive, guarded)


@cache
def _templates() -> Environment:
    """The pages; each is compiled once."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
