"""What the two lists of pictures share: which are shown, how, and how one is handed out."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from PIL import Image
from starlette.responses import Response

from bot.imagine.request import ImageRequest
from engine.request import Role
from storage.clock import from_us, to_us

if TYPE_CHECKING:
    from starlette.requests import Request

    from bot.imagine.service import Service
    from bot.web.admin.names import Person
    from bot.web.admin.sign_in import SignIn
    from storage.months import Period
    from storage.records.requests import RequestRecord

MOST = 48
SIDE_PX, BLURRED_PX = 480, 8
"""Blurred on the server: what is left of a picture is so many pixels, whatever a browser does with it."""
ROLES = {Role.INIT.value: "page-source", Role.MASK.value: "page-mask", Role.CONTROL.value: "page-map"}
"""What a picture that came with a request is called."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in a list."""

    name: str
    """What its address ends in: the job of one that was drawn, the digest of one that was drawn from."""
    at: str
    who: Person
    about: str
    prompt: str | None
    """None while it is blurred, or where nobody keeps it any more."""
    clear: bool
    sources: tuple[tuple[str, str], ...] = ()
    """What it was drawn from, where that is still kept: digests, and what each was for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pictures are listed: of a day and the one before, or of a member in the year up to it."""

    period: Period
    member: str | None
    sought: str
    day: str
    before: str
    """The day that the earlier ones are listed under; empty where there is no such page."""
    show: str | None
    """The name of the one to be seen clearly."""

    @staticmethod
    async def of(request: Request, service: Service, sign_in: SignIn) -> Selection:
        """What the address asks for: `day`, today without one; `who`; `show`."""
        query, store, zone = request.query_params, service.store, service.config.zone
        sought = query.get("who", "").strip()
        try:
            noon = datetime.combine(date.fromisoformat(query.get("day", "")), time(12), zone)
        except ValueError:
            noon = datetime.now(zone)
        period, member = store.calendar.days(to_us(noon), 366 if sought else 2), None
        if sought:
            found = await store.members.list(sought, limit=1)
            member = found[0].member.key if found else sought
        before = "" if sought else sign_in.day(from_us(period.start_us) - timedelta(hours=1))
        return Selection(period, member, sought, sign_in.day(noon), before, query.get("show"))


def small(png: bytes, *, clear: bool) -> bytes:
    """A JPEG no larger than a phone shows it. Blocking."""
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    image.thumbnail((SIDE_PX, SIDE_PX))
    if not clear:
        size = image.size
        image.thumbnail((BLURRED_PX, BLURRED_PX))
        image = image.resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def prompt_of(record: RequestRecord) -> str | None:
    """None where another version wrote the request."""
    try:
        return ImageRequest.from_json(record.payload).prompt
    except ValueError:
        return None


def download(content: bytes, kind: str, name: str) -> Response:
    """A file to be saved."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def report(told: object, name: str) -> Response:
    """Facts as a file, which people and programs read."""
    text = json.dumps(told, ensure_ascii=False, indent=2)
    return download(text.encode(), "application/json", name)
