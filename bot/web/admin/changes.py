"""What an owner changes. Each form calls a function of `bot.commands`, then returns to its page with a word
about what was done; what cannot be undone is asked about first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands import members, owners
from bot.messages import UserError, say
from bot.web.admin.sign_in import SignIn
from storage.records.members import Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from bot.imagine.service import Service
    from bot.web.admin.sign_in import Visit

WHY = "admin page"
SURE = "sure"
"""The field of a form that has been asked about."""


class Changes:
    """Each method answers one POST."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    @property
    def all(self) -> Mapping[str, Callable[[Request], Awaitable[Response]]]:
        """The methods by the name of their form."""
        return {
            "cancel": self.cancel,
            "pause": self.pause,
            "resume": self.resume,
            "tier": self.tier,
            "grant": self.grant,
            "ban": self.ban,
            "unban": self.unban,
            "erase": self.erase,
            "remove": self.remove,
            "remove-source": self.remove_source,
            "revoke": self.revoke,
        }

    # the machine

    async def cancel(self, request: Request) -> Response:
        """Somebody's request is drawn no further."""
        visit, fields = await self._sign_in.form(request)
        card = await owners.cancel(self._service, fields.get("request", ""), visit.t)
        return self._sign_in.done(visit, card.title)

    async def pause(self, request: Request) -> Response:
        """Nothing new is begun."""
        visit, _ = await self._sign_in.form(request)
        card = await owners.pause(self._service, visit.asker, visit.t)
        return self._sign_in.done(visit, card.title)

    async def resume(self, request: Request) -> Response:
        """Drawing goes on."""
        visit, _ = await self._sign_in.form(request)
        card = await owners.resume(self._service, visit.asker, visit.t)
        return self._sign_in.done(visit, card.title)

    # a member

    async def tier(self, request: Request) -> Response:
        """Another tier, for good or until a day."""
        visit, fields = await self._sign_in.form(request)
        tier, until = fields.get("tier", ""), fields.get("until", "")
        card = await owners.tier(
            self._service, visit.asker, _who(fields), tier, visit.t, until=until, why=_why(fields)
        )
        return self._member(visit, fields, card.title)

    async def grant(self, request: Request) -> Response:
        """Extra images. The form's own number makes pressing twice credit once."""
        visit, fields = await self._sign_in.form(request)
        card = await owners.grant(
            self._service,
            visit.asker,
            _who(fields),
            fields.get("images", ""),
            visit.t,
            why=_why(fields),
            key=f"page:{fields['once']}" if fields.get("once") else None,
        )
        return self._member(visit, fields, card.title)

    async def ban(self, request: Request) -> Response:
        """Nothing more is drawn for them."""
        visit, fields = await self._sign_in.form(request)
        card = await owners.ban(self._service, visit.asker, _who(fields), visit.t, why=_why(fields))
        return self._member(visit, fields, card.title)

    async def unban(self, request: Request) -> Response:
        """They may draw again."""
        visit, fields = await self._sign_in.form(request)
        card = await owners.unban(self._service, visit.asker, _who(fields), visit.t, why=_why(fields))
        return self._member(visit, fields, card.title)

    async def erase(self, request: Request) -> Response:
        """A member with their prompts and pictures, as their own /forget would."""
        visit, fields = await self._sign_in.form(request)
        who = _who(fields)
        if SURE not in fields:
            question = visit.t("page-erase-question", member=f"{who.platform} {who.user_id}")
            return self._sign_in.question(visit, request, question, fields)
        card = await members.erase(self._service, visit.asker, who, visit.t)
        return self._sign_in.done(visit, card.text, "/members")

    # pictures and keys

    async def remove(self, request: Request) -> Response:
        """One picture, for good."""
        visit, fields = await self._sign_in.form(request)
        if SURE not in fields:
            return self._sign_in.question(visit, request, visit.t("page-remove-question"), fields)
        card = await owners.remove(
            self._service, visit.asker, fields.get("job", ""), visit.t, why=_why(fields)
        )
        return self._sign_in.done(visit, card.title, "/pictures")

    async def remove_source(self, request: Request) -> Response:
        """A picture that was drawn from, for good."""
        visit, fields = await self._sign_in.form(request)
        if SURE not in fields:
            return self._sign_in.question(visit, request, visit.t("page-remove-source-question"), fields)
        card = await owners.remove_source(
            self._service, visit.asker, fields.get("source", ""), visit.t, why=_why(fields)
        )
        return self._sign_in.done(visit, card.title, "/sources")

    async def revoke(self, request: Request) -> Response:
        """A key of the API."""
        visit, fields = await self._sign_in.form(request)
        prefix = fields.get("prefix", "")
        if SURE not in fields:
            question = visit.t("page-revoke-question", prefix=prefix)
            return self._sign_in.question(visit, request, question, fields)
        by = (await self._service.members.of(visit.asker)).key
        if not await self._service.store.keys.revoke(prefix, by=by, why=_why(fields)):
            raise UserError(say("page-key-gone"))
        return self._sign_in.done(visit, visit.t("page-revoked", prefix=prefix), "/keys")

    def _member(self, visit: Visit, fields: Mapping[str, str], told: str) -> Response:
        """Back to the page of whom it was about."""
        number = fields.get("number", "")
        return self._sign_in.done(visit, told, f"/members/{number}" if number.isdecimal() else "/members")


def _who(fields: Mapping[str, str]) -> Identity:
    return Identity(fields.get("platform", ""), fields.get("user", ""))


def _why(fields: Mapping[str, str]) -> str:
    """What the owner wrote, and that it was done here."""
    return " · ".join(text for text in (fields.get("why", "").strip(), WHY) if text)
