"""POST /v1/images/generations: from OpenAI's body to the service's options, and the response."""

import functools
import hashlib
import json
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from bot.imagine.events import Failed
from bot.imagine.live import LiveRequest
from bot.imagine.options import OPTIONS, Options, number_text
from bot.imagine.service import Service
from bot.messages import Reason, say
from bot.web import models
from bot.web.answer import Answer
from bot.web.caller import Authenticator, KeyHolder, Scope
from bot.web.delivery import COMES_BACK, Delivery
from bot.web.errors import failed, language_of
from bot.web.links import Links
from bot.web.rate_limit import RateLimit
from bot.web.schemas import QUALITIES, STREAM, GenerationRequest, ImagesResponse, OpenAIRequest
from bot.web.screen import PicturesResponse

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


def router(
    service: Service, delivery: Delivery, authenticator: Authenticator, rate_limit: RateLimit, links: Links
) -> APIRouter:
    """The route, over the parts it needs."""
    routes = APIRouter(prefix="/v1/images", tags=["images"])
    ok: dict[int | str, dict[str, Any]] = {
        200: {"model": ImagesResponse, "content": {"text/event-stream": STREAM}}
    }

    @routes.post("/generations", response_class=Response, responses=ok, summary="Draw pictures")
    async def generations(
        request: Request,
        body: GenerationRequest,
        caller: Annotated[KeyHolder, Depends(authenticator.needs(Scope.IMAGES))],
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """As OpenAI's `images.generate`, with Easel's own options besides.

        A client that disconnects cancels its request, unless it sent an Idempotency-Key.
        """
        if body.model is not None:
            models.require(service, body.model)
        if delivery.draining:
            raise failed(say("error-draining").because(Reason.DRAINING))
        rate_limit.enter(caller.prefix)
        leave = functools.partial(rate_limit.leave, caller.prefix)
        try:
            live = await _ask(service, caller, body, idempotency_key)
        except BaseException:
            leave()
            raise
        base = links.base(request)
        answer = Answer(
            body,
            live,
            model=service.models.named(live.request.model).name,
            currency=service.config.currency,
            language=language_of(request, service.config.language),
            link=lambda job_id: links.make(base, job_id, body.file_format),
            read=service.read,
        )
        send_timeout_s = service.config.http.send_timeout.total_seconds()
        return PicturesResponse(delivery, live, answer, send_timeout_s=send_timeout_s, leave=leave)

    return routes


async def _ask(
    service: Service, caller: KeyHolder, body: OpenAIRequest, idempotency_key: str | None
) -> LiveRequest:
    """Accept the request. What came to nothing under the same key is drawn anew: it was not charged."""
    if body.slow is not None:
        await service.store.members.go_slowly(caller.key.member, yes=body.slow)
    event = caller.source_key(idempotency_key or secrets.token_hex(16))
    for attempt in range(MOST_ATTEMPTS):
        live = await service.imagine(
            caller.asker,
            options(body),
            key=f"{event}:{attempt}" if attempt else event,
            address={COMES_BACK: idempotency_key is not None},
            digest=digest(body) if idempotency_key else "",
        )
        outcome = live.latest
        if not (live.over and isinstance(outcome, Failed) and outcome.message.reason is Reason.FAILED):
            break
        service.closed(live)
    return live


def options(body: OpenAIRequest) -> Options:
    """What was asked for, as every face says it."""
    given = {option.name: getattr(body, option.field, None) for option in OPTIONS if not option.chats_only}
    said: dict[str, Any] = {name: THEIRS.get((name, value), _typed(value)) for name, value in given.items()}
    return Options(prompt=body.prompt, model=body.model, **said)


def digest(body: OpenAIRequest) -> str:
    """The same for the same request, however its JSON was written."""
    fields = body.model_dump(mode="json", exclude_none=True)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]


def _typed(value: str | int | float | None) -> str | None:
    """A field's value as it would be typed in a chat."""
    return number_text(value) if isinstance(value, float) else None if value is None else str(value)
