"""The pictures, by day and member: blurred, and without their prompts, until the owner asks to see one."""

from __future__ import annotations

import asyncio
import hashlib
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.web.admin.gallery import MOST, ROLES, Selection, Shown, download, prompt_of, report, small
from bot.web.admin.names import NOBODY, named
from bot.web.admin.sign_in import SignIn
from storage.errors import ImageGone, UnknownJob

if TYPE_CHECKING:
    from starlette.requests import Request

    from bot.imagine.service import Service
    from storage.records.requests import JobRecord


class Pictures:
    """The list, and each picture."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        """The pictures that were drawn, newest first, each with what it was drawn from."""
        visit, store = await self._sign_in.visit(request), self._service.store
        chosen = await Selection.of(request, self._service, self._sign_in)
        records = await store.requests.pictured(chosen.period, member=chosen.member, limit=MOST)
        names = await named(store, (record.member for record in records))
        sources = await store.pictures.inputs([record.request_id for record in records])
        shown = [
            Shown(
                job.job_id,
                self._sign_in.moment(record.created_at),
                names.get(record.member, NOBODY),
                record.tier,
                prompt_of(record) if job.job_id == chosen.show else None,
                clear=job.job_id == chosen.show,
                sources=tuple(
                    (source.digest, visit.t(ROLES[source.role]))
                    for source in sources.get(record.request_id, ())
                ),
            )
            for record in records
            for job in record.jobs
        ]
        return self._sign_in.page(
            visit, "pictures.html", where="pictures", pictures=shown[:MOST], chosen=chosen
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
        return download(png, "image/png", f"easel-{job.job_id}.png")

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
        return report(told, f"easel-{job.job_id}.json")

    async def _read(self, request: Request) -> tuple[JobRecord, bytes]:
        try:
            job = await self._service.store.jobs.get(request.path_params["job"])
            return job, await self._service.store.pictures.get(job.image or "")
        except (UnknownJob, ImageGone):
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
