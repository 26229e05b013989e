"""Signed links to pictures: each is for one picture, expires, and cannot be altered."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.imagine.service import Service
from bot.messages import Reason, say
from bot.web.errors import GONE, failed
from bot.web.pictures import MEDIA, encoded
from bot.web.schemas import Format
from storage.errors import ImageGone, UnknownJob

PATH = "/pictures"


class Links:
    """Makes links and reads them. A link names a job and a format; who has it may look."""

    def __init__(self, secret: bytes, lifetime_s: float, public_url: str | None) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="easel.picture")
        self._lifetime_s = lifetime_s
        self._public_url = public_url

    def base(self, request: Request) -> str:
        """How the reader reaches us. Never by the Host header, which anybody may write."""
        if self._public_url:
            return self._public_url.rstrip("/")
        host, port = request.scope.get("server") or ("localhost", None)
        name = f"[{host}]" if ":" in host else host
        return f"http://{name}:{port}" if port else f"http://{name}"

    def make(self, base: str, job_id: str, file_format: Format) -> str:
        """A link to a job's picture."""
        return f"{base}{PATH}/{self._signer.dumps([job_id, file_format])}"

    def read(self, token: str) -> tuple[str, Format]:
        """The job and the format. Raises ApiError: expired, or not one of ours."""
        try:
            # A link "from the future" is good: the machine's clock was set back since.
            (job_id, file_format), made = self._signer.loads(token, return_timestamp=True)
        except BadData:
            raise failed(say("api-link"), GONE) from None
        if (datetime.now(UTC) - made).total_seconds() > self._lifetime_s:
            raise failed(say("api-link"), GONE)
        return job_id, file_format


def router(service: Service, links: Links) -> APIRouter:
    """The route of the links. No key is asked for: the signature is one."""
    routes = APIRouter(prefix=PATH, tags=["images"])
    described: dict[int | str, dict[str, Any]] = {
        200: {"content": {media: {} for media in MEDIA.values()}},
    }

    @routes.head("/{token}", include_in_schema=False)
    @routes.get("/{token}", responses=described, response_class=Response, summary="A picture")
    async def picture(token: str) -> Response:
        job_id, file_format = links.read(token)
        try:
            job = await service.store.jobs.get(job_id)
            png = await service.store.pictures.get(job.image or "")
        except (UnknownJob, ImageGone):
            raise failed(say("error-gone").because(Reason.GONE)) from None
        headers = {
            "content-disposition": f'inline; filename="easel-{job.seed}.{file_format}"',
            "cache-control": "private, max-age=300, immutable",
            "content-security-policy": "default-src 'none'; sandbox",
            "x-robots-tag": "noindex",
        }
        return Response(await encoded(png, file_format), media_type=MEDIA[file_format], headers=headers)

    return routes
