"""What an owner changes: each form calls a function of `bot.commands.owners`, then returns to its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands import owners
from bot.web.admin.sign_in import SignIn
from storage.records.members import Identity

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from bot.imagine.service import Service

WHY = "admin page"


class Changes:
    """Each method answers one POST."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def cancel(self, request: Request) -> Response:
        """Somebody's request is drawn no further."""
        visit, fields = await self._sign_in.form(request)
        await owners.cancel(self._service, visit.asker, fields.get("request", ""), visit.t)
        return self._sign_in.back()

    async def tier(self, request: Request) -> Response:
        """A member gets another tier, for good or until a day."""
        visit, fields = await self._sign_in.form(request)
        who = Identity(fields.get("platform", ""), fields.get("user", ""))
        await owners.tier(
            self._service,
            visit.asker,
            who,
            fields.get("tier", ""),
            visit.t,
            until=fields.get("until", ""),
            why=WHY,
        )
        return self._sign_in.back("/members")

    async def pause(self, request: Request) -> Response:
        """Nothing new is begun."""
        visit, _ = await self._sign_in.form(request)
        await owners.pause(self._service, visit.asker, visit.t)
        return self._sign_in.back()

    async def resume(self, request: Request) -> Response:
        """Drawing goes on."""
        visit, _ = await self._sign_in.form(request)
        await owners.resume(self._service, visit.asker, visit.t)
        return self._sign_in.back()
