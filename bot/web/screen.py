"""One connection that waits for one request: the answer or the stream, and what follows from how it ended.

A picture is delivered when its last byte was handed to the system while the client was still there. A client
that leaves before, or that reads nothing for too long, has not got it; the engine never waits for either.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from starlette.responses import Response

from bot.imagine.events import Done, Failed
from bot.messages import Reason, say
from bot.web.connection import Connection
from bot.web.errors import failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from bot.imagine.live import LiveRequest
    from bot.web.answer import Answer, Piece
    from bot.web.delivery import Delivery

log = structlog.get_logger(__name__)

JSON = {"content-type": "application/json"}
RECEIPT = "http"
EVENTS = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no"}


class PicturesResponse(Response):
    """The response to a request for pictures. `leave` is called in the end, whatever happened."""

    def __init__(
        self,
        delivery: Delivery,
        live: LiveRequest,
        answer: Answer,
        *,
        send_timeout_s: float,
        leave: Callable[[], None],
    ) -> None:
        super().__init__()
        self.live = live
        self._delivery = delivery
        self._answer = answer
        self._send_timeout_s = send_timeout_s
        self._leave = leave
        self._work: asyncio.Task[bool] | None = None
        self._turned_away = False
        self._over = False
        """Delivered, or told why not: nothing is left to do for this client."""

    def turn_away(self) -> None:
        """The bot is leaving: tell the client to come back."""
        self._turned_away = True
        if self._work is not None:
            self._work.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._delivery.reading(self):
                async with Connection(receive, send, self._send_timeout_s) as connection:
                    await self._serve(connection)
        finally:
            self._leave()
            if not self._over:
                self._delivery.left(self.live)

    async def _serve(self, connection: Connection) -> None:
        """Hand over the pictures unless the client leaves first. Raises ApiError while nothing is sent."""
        work = self._work = asyncio.create_task(self._hand_over(connection))
        try:
            await asyncio.wait({work, connection.gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if work.cancelled():
            if self._turned_away and not connection.gone.done():
                await self._tell_to_come_back(connection)
        elif isinstance(work.exception(), TimeoutError):
            log.info("http.slow_reader", request=self.live.request_id)
        elif work.result():
            self._over = True
            await self._delivery.handed_over(self.live, RECEIPT)

    async def _hand_over(self, connection: Connection) -> bool:
        """True once the client has every picture."""
        if self._answer.streams:
            await connection.start(EVENTS)
            async for piece in self._answer.events():
                await self._send(connection, piece)
            outcome = self.live.latest
        else:
            outcome = await self.live.outcome()
            if isinstance(outcome, Done):
                outcome = await self._answer.read(outcome)
        if isinstance(outcome, Failed):
            self._over = True
            self._delivery.told(self.live, outcome)
            if not connection.started:
                raise failed(outcome.message)
            await connection.end()
            return False
        if not self._answer.streams and isinstance(outcome, Done):
            pieces = await self._answer.whole(outcome)
            length = sum(len(piece.data) for piece in pieces)
            await connection.start({**JSON, "content-length": str(length)})
            for piece in pieces:
                await self._send(connection, piece)
        return await connection.end()

    async def _send(self, connection: Connection, piece: Piece) -> None:
        """A picture is charged when its last byte is handed over, whatever becomes of the others."""
        await connection.write(piece.data)
        if piece.job_id is not None and await connection.taken():
            await self._delivery.taken(piece.job_id, RECEIPT)

    async def _tell_to_come_back(self, connection: Connection) -> None:
        message = say("error-draining").because(Reason.DRAINING)
        if not connection.started:
            raise failed(message)
        if self._answer.streams:
            await connection.write(self._answer.error(message))
            await connection.end()
