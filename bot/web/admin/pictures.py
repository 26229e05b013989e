"""The pictures of the last day: blurred, and without their prompts, until the owner asks to see one."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING

from PIL import Image
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.imagine.request import ImageRequest
from bot.web.admin.sign_in import SignIn
from storage.clock import utc_us
from storage.errors import ImageGone, UnknownJob

if TYPE_CHECKING:
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
    tier: str
    platform: str
    prompt: str | None
    """None while it is blurred, or where nobody keeps it any more."""
    clear: bool


class Pictures:
    """The list, and each picture."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        """The newest pictures; `show` names the one to be seen clearly."""
        visit, show = await self._sign_in.visit(request), request.query_params.get("show")
        store = self._service.store
        records = await store.requests.pictured(store.calendar.days(utc_us(), 2))
        shown = (self._shown(record, job, show) for record in records for job in record.jobs)
        return self._sign_in.page(visit, "pictures.html", pictures=list(islice(shown, MOST)))

    async def picture(self, request: Request) -> Response:
        """One picture, small; blurred unless it is asked for `clear`."""
        await self._sign_in.visit(request)
        try:
            job = await self._service.store.jobs.get(request.path_params["job"])
            png = await self._service.store.pictures.get(job.image or "")
        except (UnknownJob, ImageGone):
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        clear = request.query_params.get("clear") == "1"
        return Response(await asyncio.to_thread(small, png, clear=clear), media_type="image/jpeg")

    def _shown(self, record: RequestRecord, job: JobRecord, show: str | None) -> Shown:
        clear = job.job_id == show
        at = record.created_at.astimezone(self._service.config.zone).strftime("%H:%M")
        prompt = _prompt(record) if clear else None
        return Shown(job.job_id, at, record.tier, record.source.platform, prompt, clear)


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
