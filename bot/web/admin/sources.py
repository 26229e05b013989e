"""What members brought to draw from: sources, masks and maps, blurred until the owner asks to see one.

They are listed whatever became of the request: one that failed leaves its source, too. A result that was used
again is seen here from the picture that was drawn from it, and not listed.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.web.admin.gallery import MOST, ROLES, Selection, Shown, download, prompt_of, report, small
from bot.web.admin.names import NOBODY, named
from bot.web.admin.sign_in import SignIn
from storage.errors import ImageGone

if TYPE_CHECKING:
    from starlette.requests import Request

    from bot.imagine.service import Service
    from storage.records.requests import RequestRecord


class Sources:
    """The list, and each picture by its SHA-256."""

    def __init__(self, service: Service, sign_in: SignIn) -> None:
        self._service = service
        self._sign_in = sign_in

    async def page(self, request: Request) -> Response:
        """Each once, under the newest request it came with; `show` is listed whenever it came."""
        visit, store = await self._sign_in.visit(request), self._service.store
        chosen = await Selection.of(request, self._service, self._sign_in)
        records = await store.requests.sourced(chosen.period, member=chosen.member, limit=MOST)
        records += await store.requests.drawn_from(chosen.show or "")
        names = await named(store, (record.member for record in records))
        sources = await store.pictures.inputs([record.request_id for record in records])
        shown: dict[str, Shown] = {}
        for record in records:
            for source in sources.get(record.request_id, ()):
                clear = source.digest == chosen.show
                if not source.brought and not clear:
                    continue
                shown.setdefault(
                    source.digest,
                    Shown(
                        source.digest,
                        self._sign_in.moment(record.created_at),
                        names.get(record.member, NOBODY),
                        visit.t(ROLES[source.role]),
                        prompt_of(record) if clear else None,
                        clear=clear,
                    ),
                )
        return self._sign_in.page(
            visit, "pictures.html", where="sources", pictures=list(shown.values()), chosen=chosen
        )

    async def small(self, request: Request) -> Response:
        """One of them, small; blurred unless it is asked for `clear`."""
        _, png = await self._read(request)
        clear = request.query_params.get("clear") == "1"
        return Response(await asyncio.to_thread(small, png, clear=clear), media_type="image/jpeg")

    async def file(self, request: Request) -> Response:
        """One as it is drawn from."""
        records, png = await self._read(request)
        return download(png, "image/png", f"easel-{records[0].request_id}-source.png")

    async def facts(self, request: Request) -> Response:
        """What a report asks for: who brought it, when, and what they had drawn from it."""
        records, _ = await self._read(request)
        names = await named(self._service.store, (record.member for record in records))
        told = {
            "sha256": request.path_params["digest"],
            "requests": [
                {
                    "request": record.request_id,
                    "accepted_at": record.created_at.isoformat(),
                    "member": names.get(record.member, NOBODY).text,
                    "platform": record.source.platform,
                    "server": record.platform_server,
                    "asked": json.loads(record.payload),
                    "jobs": {job.job_id: job.state.value for job in record.jobs},
                }
                for record in records
            ],
        }
        return report(told, f"easel-{records[0].request_id}-source.json")

    async def _read(self, request: Request) -> tuple[list[RequestRecord], bytes]:
        """For an owner: the requests it came with, and its bytes."""
        await self._sign_in.visit(request)
        digest, store = request.path_params["digest"], self._service.store
        records = await store.requests.drawn_from(digest)
        try:
            png = await store.pictures.get_input(digest)
        except ImageGone:
            raise HTTPException(HTTPStatus.NOT_FOUND) from None
        if not records:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return records, png
