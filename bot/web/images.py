"""POST /v1/images/generations and /edits: from OpenAI's body to the service's options, and the answer."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from bot.imagine.events import Failed
from bot.imagine.inputs import Brought
from bot.imagine.live import LiveRequest
from bot.imagine.options import OPTIONS, Options, number_text
from bot.imagine.service import Service
from bot.messages import Reason, say
from bot.web import models, uploads
from bot.web.answer import Answer
from bot.web.caller import Authenticator, KeyHolder
from bot.web.delivery import COMES_BACK, Delivery
from bot.web.errors import failed, language_of
from bot.web.links import Links
from bot.web.rate_limit import RateLimit
from bot.web.schemas import EDIT_BODY, QUALITIES, STREAM, GenerationRequest, ImagesResponse, OpenAIRequest
from bot.web.screen import PicturesResponse
from storage.records.members import KeyScope

THEIRS: dict[tuple[str, object], str | None] = {
    ("size", "auto"): None,
    ("quality", "auto"): None,
    ("style", "vivid"): None,
    ("style", "natural"): None,
    **{("quality", theirs): ours for theirs, ours in QUALITIES.items()},
}
"""OpenAI's values as ours; None leaves the option out."""

MOST_ATTEMPTS = 50
"""Under one Idempotency-Key; a request that failed so often fails for another reason than chance."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key again gives the same pictures, charged once, as long as they are kept.",
    ),
]


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": ImagesResponse, "content": {"text/event-stream": STREAM}}
}


@dataclass(frozen=True, slots=True)
class Images:
    """What both routes do: accept a request and answer with its pictures."""

    service: Service
    delivery: Delivery
    links: Links

    async def accept(
        self,
        caller: KeyHolder,
        body: OpenAIRequest,
        idempotency_key: str | None,
        brought: Brought | None = None,
    ) -> LiveRequest:
        """Reserve and queue. What came to nothing under the same key is drawn anew: it was not charged."""
        service = self.service
        if body.model is not None:
            models.require(service, body.model)
        if self.delivery.draining:
            raise failed(say("error-draining").because(Reason.DRAINING))
        if body.slow is not None:
            await service.store.members.go_slowly(caller.key.member, yes=body.slow)
        event = caller.source_key(idempotency_key or secrets.token_hex(16))
        for attempt in range(MOST_ATTEMPTS):
            live = await service.imagine(
                caller.asker,
                options(body),
                key=f"{event}:{attempt}" if attempt else event,
                address={COMES_BACK: idempotency_key is not None},
                digest=digest(body, brought) if idempotency_key else "",
                brought=brought,
            )
            outcome = live.latest
            if not (live.over and isinstance(outcome, Failed) and outcome.message.reason is Reason.FAILED):
                break
            service.requests.closed(live)
        return live

    def answer(
        self, request: Request, body: OpenAIRequest, live: LiveRequest, leave: Callable[[], None], events: str
    ) -> Response:
        """The pictures, or the stream of `events`; `leave` is called when the client has it."""
        service, base = self.service, self.links.base(request)
        answer = Answer(
            body,
            live,
            model=service.models.named(live.request.model).name,
            steps_run=live.request.steps_run(service.models),
            currency=service.config.currency,
            language=language_of(request, service.config.language),
            link=lambda job_id: self.links.make(base, job_id, body.file_format),
            read=service.read,
            events=events,
        )
        send_timeout_s = service.config.http.send_timeout.total_seconds()
        return PicturesResponse(self.delivery, live, answer, send_timeout_s=send_timeout_s, leave=leave)


def router(images: Images, authenticator: Authenticator, rate_limit: RateLimit) -> APIRouter:
    """The routes, over the parts they need."""
    routes = APIRouter(prefix="/v1/images", tags=["images"])
    Caller = Annotated[KeyHolder, Depends(authenticator.needs(KeyScope.IMAGES))]

    @routes.post("/generations", response_class=Response, responses=ANSWERS, summary="Draw pictures")
    async def generations(
        request: Request, body: GenerationRequest, caller: Caller, idempotency_key: IdempotencyKey = None
    ) -> Response:
        """As OpenAI's `images.generate`, with Easel's own options besides.

        A client that disconnects cancels its request, unless it sent an Idempotency-Key.
        """
        with rate_limit.entered(caller.prefix) as leave:
            live = await images.accept(caller, body, idempotency_key)
            return images.answer(request, body, live, leave, "image_generation")

    @routes.post(
        "/edits",
        response_class=Response,
        responses=ANSWERS,
        summary="Draw from a picture",
        openapi_extra={"requestBody": EDIT_BODY},
    )
    async def edits(request: Request, caller: Caller, idempotency_key: IdempotencyKey = None) -> Response:
        """As OpenAI's `images.edit`: a picture, and a mask that marks what to repaint.

        A form (multipart/form-data), or JSON with data: URLs. The body is read only for who has a key.
        """
        with rate_limit.entered(caller.prefix) as leave:
            upload = await uploads.read(request)
            live = await images.accept(caller, upload.body, idempotency_key, upload.brought)
            return images.answer(request, upload.body, live, leave, "image_edit")

    return routes


def options(body: OpenAIRequest) -> Options:
    """What was asked for, as every face says it."""
    given = {option.name: getattr(body, option.field, None) for option in OPTIONS if not option.chats_only}
    typed = {name: _typed(value) for name, value in given.items()}
    said: dict[str, Any] = {name: THEIRS.get((name, value), value) for name, value in typed.items()}
    return Options(prompt=body.prompt, **said)


def digest(body: OpenAIRequest, brought: Brought | None = None) -> str:
    """A digest that is the same for the same request, however its JSON was written."""
    fields = json.dumps(body.model_dump(mode="json", exclude_none=True), sort_keys=True).encode()
    whole = hashlib.sha256(fields)
    for content in (brought.picture, brought.mask or b"") if brought else ():
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()[:32]


def _typed(value: str | int | float | list[str] | None) -> str | None:
    """A field's value as it would be typed in a chat."""
    if isinstance(value, list):
        return ", ".join(value)
    return number_text(value) if isinstance(value, float) else None if value is None else str(value)
