"""Bringing pictures to a worker: each once, however many of its jobs come with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.inputs import Reader
    from engine.request import DrawRequest
    from engine.worker.protocol import Worker


class Sending:
    """To one worker. It says itself what it lacks, since it may have dropped some."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._turn = asyncio.Lock()

    async def send(self, request: DrawRequest, read: Reader) -> None:
        """Have the worker keep the request's pictures. Raises what `read` and the worker raise."""
        digests = tuple(dict.fromkeys(picture.digest for picture in request.inputs))
        async with self._turn:  # the images of one request are sent out together
            if missing := await self._worker.missing(digests):
                await self._worker.keep({digest: await read(digest) for digest in missing})
