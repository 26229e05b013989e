"""Errors in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`, in the reader's language.

Which status a refusal has is decided here and nowhere else. `x-should-retry` tells OpenAI's clients whether
asking again can help; where waiting helps, `retry-after` says how long.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import structlog
from babel import negotiate_locale
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from bot.imagine import options, refusals
from bot.imagine.options import OPTIONS
from bot.imagine.text import clean_prompt
from bot.messages import LANGUAGES, Message, Names, Reason, UserError, say, translator
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI
    from pydantic import ValidationError
    from starlette.requests import Request
    from starlette.responses import Response

log = structlog.get_logger(__name__)

SOON_S, DRAIN_S = 5, 30
MOST_FOUND_CHARS = 60


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """OpenAI's envelope of an error."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Kind:
    """How a refusal is answered. `retry_after_s` None: asking again the same way is of no use."""

    status: int
    code: str | None = None
    type: str = "invalid_request_error"
    param: str | None = None
    retry_after_s: int | None = None


class ApiError(HTTPException):
    """Answered as `kind` says, with one sentence."""

    def __init__(self, kind: Kind, message: Message) -> None:
        super().__init__(kind.status, message.id)
        self.kind = kind
        self.message = message


NO_KEY = Kind(401, "invalid_api_key")
FORBIDDEN = Kind(403, "forbidden", "permission_error")
NO_QUOTA = Kind(429, "insufficient_quota", "insufficient_quota")
TOO_FAST = Kind(429, "rate_limit_exceeded", "rate_limit_error", retry_after_s=SOON_S)
GONE = Kind(404, "not_found")
BAD = Kind(400, "invalid_value")
NO_MODEL = Kind(404, "model_not_found", param="model")
NO_METHOD = Kind(405, "method_not_allowed")
BODY_LARGE = Kind(413, "request_too_large")
NO_JSON = Kind(400, "invalid_json")
NO_BODY = Kind(400, "invalid_body")
MISSING = Kind(400, "missing_required_parameter")
UNKNOWN = Kind(400, "unknown_parameter")

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    family: {"model": ErrorBody, "description": told}
    for family, told in (("4XX", "Refused: the sentence says why."), ("5XX", "Not now, or our fault."))
}
"""For the OpenAPI document: every answer that is not the wanted one."""

KINDS: Mapping[Reason, Kind] = {
    Reason.INVALID: BAD,
    Reason.TOO_LONG: Kind(400, "string_above_max_length"),
    Reason.NOT_ALLOWED: FORBIDDEN,
    Reason.NO_QUOTA: NO_QUOTA,
    Reason.TOO_FAST: TOO_FAST,
    Reason.POLICY: Kind(400, "content_policy_violation", param="prompt"),
    Reason.REUSED: Kind(409, "idempotency_key_reused", param="Idempotency-Key"),
    Reason.GONE: GONE,
    Reason.CANCELLED: Kind(409, "cancelled"),
    Reason.DRAINING: Kind(503, "draining", "server_error", retry_after_s=DRAIN_S),
    Reason.UNAVAILABLE: Kind(503, "unavailable", "server_error", retry_after_s=SOON_S),
    Reason.FAILED: Kind(500, "server_error", "server_error", retry_after_s=1),
}
"""What the bot refuses, on any face, as this one answers it."""

PARAMS = {name: option.field for option in OPTIONS for name in (option.name, option.shown)}
"""Options whose name over HTTP is another."""
LISTS = {option.name for option in OPTIONS if option.kind is options.Kind.LIST}
"""What is said of these is said of one in the list, by the name for one."""

THEIR_NAMES = {
    "cfg": "guidance",
    "cfg_scale": "guidance",
    "guidance_scale": "guidance",
    "aspect_ratio": "size",
    "resolution": "size",
    "width": "size",
    "height": "size",
    "num_inference_steps": "steps",
    "sampling_steps": "steps",
    "num_steps": "steps",
    "negative": "negative_prompt",
    "num_images": "n",
    "num_images_per_prompt": "n",
    "batch_size": "n",
    "images": "n",
    "num": "n",
    "num_outputs": "n",
    "count": "n",
    "text": "prompt",
    "format": "output_format",
    "image_size": "size",
}
"""What other image APIs call our fields."""

EDITS_ONLY = {"image", "mask", "workflow", "input_fidelity"} | {
    option.field for option in OPTIONS if option.needs_picture
}
"""Fields of /v1/images/edits that people send to the other address."""

_QUOTED = re.compile(r"'([^']*)'")
TYPES = {"int": "integer", "float": "number", "bool": "boolean", "string": "text"}
"""The first word of pydantic's complaint about a type, as `api-type` knows it."""


def failed(message: Message, kind: Kind | None = None) -> ApiError:
    """The error that tells `message`, with options under their names over HTTP.

    Without a `kind` its reason decides; of a value that does not fit, `param` says whose.
    """
    if message.id == "error-prompt-empty":  # what chats are told names their command
        message = replace(message, id="api-prompt-empty")
    plain = {name: str(value) if isinstance(value, Names) else value for name, value in message.args.items()}
    message = replace(message, args=plain)
    option = message.args.get("option")
    field = PARAMS.get(str(option))
    if field is not None and option not in LISTS:
        message = replace(message, args={**message.args, "option": field})
    kind = kind or KINDS[message.reason]
    param = kind.param or message.args.get("param") or field or option
    return ApiError(replace(kind, param=str(param) if param else None), message)


def language_of(request: Request, default: str) -> str:
    """The reader's language by Accept-Language, the most wanted first."""
    wanted = []
    for item in request.headers.get("accept-language", "").split(",")[:20]:
        name, _, quality = item.partition(";q=")
        try:
            wanted.append((-float(quality or 1), name.strip().replace("_", "-")))
        except ValueError:
            continue
    order = [name for _, name in sorted(wanted, key=lambda pair: pair[0])]
    known = {known.split("-")[0]: known for known in LANGUAGES}
    best = negotiate_locale([name.split("-")[0] for name in order], list(known), sep="-")
    return known[best] if best else default


def detail(error: ApiError, language: str) -> ErrorBody:
    """The body of an error."""
    kind = error.kind
    text = _utf8(translator(language)(error.message))
    param = _utf8(kind.param) if kind.param else None
    return ErrorBody(error=ErrorDetail(message=text, type=kind.type, param=param, code=kind.code))


def _utf8(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can name and UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


def response(error: ApiError, language: str) -> JSONResponse:
    """The whole answer."""
    kind = error.kind
    headers = {"x-should-retry": "false"}
    if kind.retry_after_s is not None:
        headers = {"retry-after": str(kind.retry_after_s), "x-should-retry": "true"}
    if kind.status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(detail(error, language).model_dump(), kind.status, headers)


def install(app: FastAPI, default_language: str) -> None:
    """Answer every refusal and every fault of `app` in OpenAI's shape."""

    def answer(request: Request, error: ApiError) -> Response:
        kind, reason = error.kind, error.message.id
        log.info("http.refused", status=kind.status, reason=reason, code=kind.code, param=kind.param)
        return response(error, language_of(request, default_language))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return answer(request, error)

    async def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, UserError)
        return answer(request, failed(error.message))

    async def not_stored(request: Request, error: Exception) -> Response:
        assert isinstance(error, StorageError)
        return answer(
            request, failed(refusals.explain(error, language_of(request, default_language)).message)
        )

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        body = request.scope["route"].body_field
        fields = body.field_info.annotation.model_fields if body else ()
        return answer(request, _fault(error.errors()[0], list(fields)))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = {405: failed(say("api-method"), NO_METHOD), 400: failed(say("api-json"), NO_JSON)}
        answered = answer(request, known.get(error.status_code) or failed(say("api-not-found"), GONE))
        answered.headers.update(error.headers or {})
        return answered

    async def broke(request: Request, error: Exception) -> Response:
        return answer(request, failed(say("error-internal").because(Reason.FAILED)))

    app.add_exception_handler(ApiError, refused)
    app.add_exception_handler(UserError, told)
    app.add_exception_handler(StorageError, not_stored)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broke)


def unfit(error: ValidationError, fields: Sequence[str]) -> ApiError:
    """What is wrong with a body that a route has checked by itself."""
    fault = error.errors()[0]
    return _fault({**fault, "loc": ("body", *fault["loc"])}, fields)


def _fault(fault: Mapping[str, Any], fields: Sequence[str]) -> ApiError:
    """pydantic's first complaint in our words. `fields` are the names that the body may have."""
    where = [str(part) for part in fault["loc"][1:] if isinstance(part, str)]
    param, context, found = ".".join(where[:1]), fault.get("ctx", {}), fault.get("input")
    kind = str(fault["type"])
    if kind == "json_invalid" or (not param and kind in ("missing", "model_attributes_type", "model_type")):
        return failed(say("api-json"), NO_JSON)
    if kind == "missing" or found is None:
        return failed(say("api-missing", param=param), MISSING)
    if kind == "extra_forbidden":
        return _unknown(param, fields)
    if kind in ("literal_error", "enum"):
        allowed = ", ".join(_QUOTED.findall(str(context["expected"])))
        return failed(say("api-choice", param=param, found=_shown(found), allowed=allowed))
    if kind == "greater_than_equal":
        return failed(say("api-least", param=param, found=_shown(found), least=str(context["ge"])))
    if kind == "less_than_equal":
        return failed(say("api-most", param=param, found=_shown(found), most=str(context["le"])))
    if kind == "string_too_long":
        return failed(say("api-long", param=param, limit=int(context["max_length"])))
    if (wanted := TYPES.get(kind.split("_")[0])) is not None:
        return failed(say("api-type", param=param, found=_as_json(found), kind=wanted))
    return failed(say("api-value", param=param, found=_shown(found)))


def _unknown(param: str, fields: Sequence[str]) -> ApiError:
    """A field that is none of ours, with the one that was probably meant."""
    shown = clean_prompt(param[:MOST_FOUND_CHARS])
    near = get_close_matches(param.lower(), fields, n=1)
    meant = THEIR_NAMES.get(param.lower()) or (near[0] if near else None)
    if meant is None and param in EDITS_ONLY:
        return failed(say("api-edits-only", param=shown), UNKNOWN)
    if meant is None:
        return failed(say("api-unknown-field", param=shown), UNKNOWN)
    return failed(say("api-unknown-field-hint", param=shown, meant=meant), UNKNOWN)


def _shown(found: object) -> str:
    """A value for between quotation marks, cut short."""
    return clean_prompt(_utf8(found)[:MOST_FOUND_CHARS]) if isinstance(found, str) else _as_json(found)


def _as_json(found: object) -> str:
    """A value as its sender wrote it, cut short: a text with its quotation marks."""
    return clean_prompt(_utf8(json.dumps(found, ensure_ascii=False, default=str))[:MOST_FOUND_CHARS])
