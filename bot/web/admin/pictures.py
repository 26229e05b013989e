"""The pictures, by day and member: blurred, and without their prompts, until the owner asks to see one."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.imagine.request import ImageRequest
from bot.web.admin.names import NOBODY, Person, named
from bot.web.admin.sign_in import SignIn
from storage.clock import from_us, to_us
from storage.errors import ImageGone, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from bot.imagine.service import Service
    from storage.records.requests import JobRecord, RequestRecord

MOST = 48
SIDE_PX, BLURRED_PX = 480, 8
"""Blurred on the server: what is left of a picture is so many pixels, whatever a browser does with it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in the list."""

    job_id: str
    at: str
    who: Person
    tier: str
    prompt: str | None
    """None while it is blurred, or where nobody keeps it any more."""
    clear: bool


class Pictures:
    """The list, and each picture."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        """The pictures of a `day` and the one before, or of a member in their last year, newest first.

        `show` names the one to be seen clearly.
        """
        visit, store = await self._sign_in.visit(request), self._service.store
        sought, show = request.query_params.get("who", "").strip(), request.query_params.get("show")
        at_us, day = self._day(request.query_params.get("day", ""))
        period, member = store.calendar.days(at_us, 2), None
        if sought:
            period = store.calendar.days(at_us, 366)
            found = await store.members.list(sought, limit=1)
            member = found[0].member.key if found else sought
        records = await store.requests.pictured(period, member=member, limit=MOST)
        names = await named(store, (job.member for record in records for job in record.jobs))
        shown = [self._shown(record, job, names, show) for record in records for job in record.jobs][:MOST]
        before = self._sign_in.day(from_us(period.start_us) - timedelta(hours=1))
        return self._sign_in.page(
            visit, "pictures.html", pictures=shown, sought=sought, day=day, before="" if sought else before
        )

    async def small(self, request: Request) -> Response:
        """One picture, small; blurred unless it is asked for `clear`."""
        await self._sign_in.visit(request)
        _, png = await self._read(request)
        clear = request.query_params.get("clear") == "1"
        return Response(await asyncio.to_thread(small, png, clear=clear), media_type="image/jpeg")

    async def file(self, request: Request) -> Response:
        """One picture as it was delivered."""
        await self._sign_in.visit(request)
        job, png = await self._read(request)
        return _download(png, "image/png", f"easel-{job.job_id}.png")

    async def facts(self, request: Request) -> Response:
        """What a report to a platform or the police asks for: who had it drawn, when, with which words."""
        await self._sign_in.visit(request)
        job, png = await self._read(request)
        record = await self._service.store.requests.get(job.request_id)
        names = await named(self._service.store, [job.member])
        told = {
            "job": job.job_id,
            "accepted_at": job.accepted_at.isoformat(),
            "member": names.get(job.member, NOBODY).text,
            "platform": record.source.platform,
            "server": record.platform_server,
            "request": json.loads(record.payload),
            "seed": job.seed,
            "sha256": hashlib.sha256(png).hexdigest(),
        }
        text = json.dumps(told, ensure_ascii=False, indent=2)
        return _download(text.encode(), "application/json", f"easel-{job.job_id}.json")

    async def _read(self, request: Request) -> tuple[JobRecord, bytes]:
        try:
            job = await self._service.store.jobs.get(request.path_params["job"])
            return job, await self._service.store.pictures.get(job.image or "")
        except (UnknownJob, ImageGone):
            raise HTTPException(HTTPStatus.NOT_FOUND) from None

    def _day(self, text: str) -> tuple[int, str]:
        """A moment of the day that was asked for, and how it is written; today without one."""
        zone = self._service.config.zone
        try:
            noon = datetime.combine(date.fromisoformat(text), time(12), zone)
        except ValueError:
            noon = datetime.now(zone)
        return to_us(noon), self._sign_in.day(noon)

    def _shown(
        self, record: RequestRecord, job: JobRecord, names: Mapping[str, Person], show: str | None
    ) -> Shown:
        clear = job.job_id == show
        at, who = self._sign_in.moment(record.created_at), names.get(job.member, NOBODY)
        return Shown(job.job_id, at, who, record.tier, _prompt(record) if clear else None, clear)


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


def _prompt(record: RequestRecord) -> str | None:
    try:
        return ImageRequest.from_json(record.payload).prompt
    except ValueError:  # written by another version
        return None


def _download(content: bytes, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
