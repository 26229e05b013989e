"""A request's outcome as OpenAI tells it: one JSON object, or a stream of events."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.imagine.events import Done, Failed, Progress
from bot.messages import translator
from bot.web.errors import detail, failed
from bot.web.pictures import encoded, preview
from bot.web.schemas import (
    TOLD,
    CompletedFacts,
    CompletedImage,
    ImageObject,
    ImagesResponse,
    PartialImage,
    PictureFacts,
    RequestFacts,
    TokenUsage,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from PIL.Image import Image

    from bot.imagine.events import Event
    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.messages import Message
    from bot.web.schemas import OpenAIRequest

PING = b": still here\n\n"
PING_S = 15.0
"""Proxies close a connection that is idle for a minute."""
PATCH_PX = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer. `job_id`: with it, that job's picture is complete."""

    data: bytes
    job_id: str | None = None


class Answer:
    """Renders a request's outcome."""

    def __init__(
        self,
        asked: OpenAIRequest,
        live: LiveRequest,
        *,
        model: str,
        steps_run: int,
        currency: str,
        language: str,
        link: Callable[[str], str],
        read: Callable[[Done], Awaitable[Done | Failed]],
        events: str,
    ) -> None:
        """`link` makes the link to a job's picture, `read` gets the pictures from disk; `events` begins the
        names of a stream's events.
        """
        self._asked = asked
        self._live = live
        self._model = model
        self._steps_run = steps_run
        self._currency = currency
        self._language = language
        self._link = link
        self._read = read
        self._events = events
        self.streams = bool(asked.stream)

    async def read(self, done: Done) -> Done | Failed:
        """Read the pictures if the answer contains them; links need no bytes."""
        return done if self._asked.as_link else await self._read(done)

    async def whole(self, done: Done) -> list[Piece]:
        """The object of a request that does not stream, cut behind each picture."""
        pictures = done.pictures
        if self._asked.as_link:
            data = [ImageObject(url=self._link(one.job_id), easel=_facts(one)) for one in pictures]
        else:
            data = [ImageObject(b64_json=await self._base64(one), easel=_facts(one)) for one in pictures]
        request = self._live.request
        answer = ImagesResponse(
            created=int(time.time()),
            output_format=self._asked.file_format,
            quality=TOLD.get(request.quality, "auto"),
            size=str(request.size),
            data=data,
            usage=self._tokens(len(pictures)),
            easel=self._request_facts(done),
        )
        return await asyncio.to_thread(_cut, answer, [picture.job_id for picture in pictures])

    async def events(self) -> AsyncIterator[Piece]:
        """The events of a stream: previews, then each picture, or the error."""
        shown, seen, wanted = 0, None, self._asked.partials
        async for event in _with_pings(self._live.events()):
            match event:
                case None:
                    yield Piece(PING)
                case Progress(preview=image) if image is not None and image is not seen and shown < wanted:
                    if event.step * (wanted + 1) >= (shown + 1) * event.steps:
                        seen = image
                        yield Piece(await self._partial(image, shown))
                        shown += 1
                case Done():
                    outcome = await self._read(event)
                    if isinstance(outcome, Failed):
                        yield Piece(self.error(outcome.message))
                        return
                    for picture in outcome.pictures:
                        yield Piece(await self._completed(picture, outcome), picture.job_id)
                case Failed():
                    yield Piece(self.error(event.message))
                case _:
                    pass

    def error(self, message: Message) -> bytes:
        """The event that ends a stream without a picture."""
        return (
            b"event: error\ndata: "
            + detail(failed(message), self._language).model_dump_json().encode()
            + b"\n\n"
        )

    async def _partial(self, image: Image, index: int) -> bytes:
        asked, request = self._asked, self._live.request
        content = base64.b64encode(await preview(image, asked.file_format)).decode()
        event = PartialImage(
            type=f"{self._events}.partial_image",
            b64_json=content,
            created_at=int(time.time()),
            output_format=asked.file_format,
            partial_image_index=index,
            quality=TOLD.get(request.quality, "auto"),
            size=str(request.size),
        )
        return await asyncio.to_thread(_sse, event)

    async def _completed(self, picture: Picture, done: Done) -> bytes:
        asked, request = self._asked, self._live.request
        facts = self._request_facts(done).model_dump() | _facts(picture).model_dump()
        event = CompletedImage(
            type=f"{self._events}.completed",
            b64_json=await self._base64(picture),
            created_at=int(time.time()),
            output_format=asked.file_format,
            quality=TOLD.get(request.quality, "auto"),
            size=str(request.size),
            usage=self._tokens(1),
            easel=CompletedFacts(**facts),
        )
        return await asyncio.to_thread(_sse, event)

    async def _base64(self, picture: Picture) -> str:
        content = await encoded(picture.png, self._asked.file_format, self._asked.output_compression)
        return (await asyncio.to_thread(base64.b64encode, content)).decode()

    def _tokens(self, images: int) -> TokenUsage:
        request = self._live.request
        tokens = images * (request.width // PATCH_PX) * (request.height // PATCH_PX)
        return TokenUsage(output_tokens=tokens, total_tokens=tokens)

    def _request_facts(self, done: Done) -> RequestFacts:
        request, t = self._live.request, translator(self._language)
        return RequestFacts(
            request_id=self._live.request_id,
            model=self._model,
            steps=self._steps_run,
            guidance=request.guidance,
            currency=self._currency,
            missing=done.missing,
            notes=[t(note) for note in (*self._live.accepted.notes, *done.notes)],
        )


def _facts(picture: Picture) -> PictureFacts:
    return PictureFacts(
        seed=picture.seed,
        gpu_s=picture.gpu_us / 1e6,
        draw_s=picture.draw_s,
        energy_j=None if picture.energy_mj is None else picture.energy_mj / 1e3,
        cost_micro=picture.cost_micro,
        cached=picture.cached,
    )


def _cut(answer: ImagesResponse, job_ids: list[str]) -> list[Piece]:
    """The answer's JSON in pieces that end behind each picture's bytes; links are no bytes of a picture."""
    content, pieces, begin = answer.model_dump_json().encode(), list[Piece](), 0
    for job_id, image in zip(job_ids, answer.data, strict=True):
        if image.b64_json:
            said = image.b64_json.encode()
            end = content.index(said, begin) + len(said)
            pieces.append(Piece(content[begin:end], job_id))
            begin = end
    return [*pieces, Piece(content[begin:])]


def _sse(event: PartialImage | CompletedImage) -> bytes:
    return f"event: {event.type}\ndata: {event.model_dump_json()}\n\n".encode()


async def _with_pings(events: AsyncIterator[Event]) -> AsyncIterator[Event | None]:
    """The events, and None whenever none came for a while."""
    while True:
        following = asyncio.ensure_future(anext(events))
        try:
            while not (await asyncio.wait({following}, timeout=PING_S))[0]:
                yield None
            event = following.result()
        except StopAsyncIteration:
            return
        finally:
            following.cancel()
        yield event
