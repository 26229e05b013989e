"""One client's connection: writes in pieces with a time-out, and notices when the client is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Send

CHUNK = 64 * 1024
"""How much uvicorn buffers for a client before a write has to wait."""


class Connection:
    """Open it with `async with`. Each write may raise TimeoutError: the client reads nothing."""

    def __init__(self, receive: Receive, send: Send, timeout_s: float) -> None:
        self._receive = receive
        self._send = send
        self._timeout_s = timeout_s
        self.started = False
        self.gone: asyncio.Task[None]

    async def __aenter__(self) -> Connection:
        self.gone = asyncio.create_task(self._until_gone())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gone.cancel()
        await asyncio.gather(self.gone, return_exceptions=True)

    async def start(self, headers: Mapping[str, str]) -> None:
        """Status 200 and the headers."""
        self.started = True
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._put({"type": "http.response.start", "status": 200, "headers": raw})

    async def write(self, data: bytes) -> None:
        """Some of the body."""
        for begin in range(0, len(data), CHUNK):
            piece = data[begin : begin + CHUNK]
            await self._put({"type": "http.response.body", "body": piece, "more_body": True})

    async def taken(self) -> bool:
        """Wait until the system has what was written. False where the client left before."""
        # uvicorn lets an empty piece pass only once its buffer is drained, or the client has disconnected.
        await self._put({"type": "http.response.body", "body": b"", "more_body": True})
        await asyncio.sleep(0)  # the watcher of disconnections runs first
        return not self.gone.done()

    async def end(self) -> bool:
        """Close the body. False where the client left before it had everything."""
        if not await self.taken():
            return False
        await self._put({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    async def _put(self, message: dict[str, object]) -> None:
        async with asyncio.timeout(self._timeout_s):
            await self._send(message)

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
