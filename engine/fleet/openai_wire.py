"""What is sent to a server that speaks /v1/images/generations, and what its answers mean.

There are two dialects. Another Easel has its own names for what OpenAI's body lacks and tells what a picture
took; vLLM-Omni and SGLang-Diffusion take diffusers' names. Steps and guidance are always said: what is left
out, or 0 taken for absent, is another picture.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from typing import TYPE_CHECKING, Any

import openai
from PIL import Image

from engine.request import Declined, Draining, DrawFailed, StepTimeout, Usage
from engine.worker.protocol import WorkerBusy, WorkerLost, WorkerUnfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.request import DrawRequest

EASEL = "easel"
"""Who owns an Easel's models, and under what name its answers say more."""
MOST_PARTIALS = 3
"""OpenAI's limit."""
BUSY_S, LONGEST_BUSY_S = 5.0, 600.0
"""How long a server that is too busy is left alone: unless it tells, and at most."""


def fields(request: DrawRequest, *, easel: bool) -> dict[str, Any]:
    """What OpenAI's client knows no name for (`extra_body`)."""
    body: dict[str, Any] = {"seed": request.seed}
    body |= dict(request.extra)
    if request.negative_prompt:
        body["negative_prompt"] = request.negative_prompt
    if easel:
        return body | {"steps": request.steps, "guidance": request.guidance}
    return body | {
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "generator_device": "cpu",  # the noise of a seed is the same on every card
    }


def partials(request: DrawRequest) -> int:
    """How many previews to ask for; 0 where none are wanted."""
    return min(MOST_PARTIALS, request.steps // request.preview_every) if request.preview_every else 0


def picture(encoded: object, size: tuple[int, int] | None = None) -> Image.Image:
    """The picture in an answer. Blocks. Raises DrawFailed where it is none, or not of `size`."""
    if not isinstance(encoded, str):
        raise DrawFailed("the answer holds no picture")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)))
        if size is not None and image.size != size:
            raise DrawFailed(f"the picture is of {image.size[0]}x{image.size[1]}")
        return image.convert("RGB")
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DrawFailed(f"the answer holds no readable picture: {error}") from error


def told(facts: object, request: DrawRequest) -> Usage | None:
    """What another Easel says a picture took; None from others. Raises Declined where it drew another one."""
    if not isinstance(facts, dict) or not facts:
        return None
    asked = (request.seed, request.steps, round(request.guidance, 6))
    drawn = (facts.get("seed"), facts.get("steps"), facts.get("guidance"))
    if drawn != asked:
        raise Declined(f"it drew with seed, steps and guidance {drawn}, not {asked}")
    energy = facts.get("energy_j")
    return Usage(
        gpu_s=_seconds(facts, "gpu_s"),
        denoise_s=_seconds(facts, "draw_s"),
        energy_j=float(energy) if isinstance(energy, int | float) else None,
        cached=facts.get("cached") is True,
    )


def measured(seconds: object) -> Usage | None:
    """What SGLang-Diffusion tells (`inference_time_s`): it draws one request at a time."""
    if not isinstance(seconds, int | float) or not (math.isfinite(seconds) and seconds > 0):
        return None
    return Usage(gpu_s=float(seconds), denoise_s=float(seconds))


def meaning(error: openai.APIError) -> Exception:
    """What a refusal says in the front's terms."""
    status, reason = getattr(error, "status_code", None), _reason(error)
    match error.code:
        case "draining":
            return Draining(reason)
        case "insufficient_quota" | "invalid_api_key" | "model_not_found":
            return WorkerUnfit(reason)
        case "content_policy_violation":
            return Declined(reason)
        case "rate_limit_exceeded" | "unavailable":
            return WorkerBusy(reason, _retry_after_s(error))
    if isinstance(error, openai.APITimeoutError):
        return StepTimeout(reason)
    if isinstance(error, openai.APIConnectionError):
        return WorkerLost(reason)
    if status in (401, 403):
        return WorkerUnfit(reason)
    if status in (429, 503):
        return WorkerBusy(reason, _retry_after_s(error))
    return Declined(reason) if status is not None and status < 500 else DrawFailed(reason)


def _reason(error: openai.APIError) -> str:
    """One line without the body of an error page."""
    return " ".join(f"{error} {error.__cause__ or ''}".split())[:200]


def _retry_after_s(error: openai.APIError) -> float:
    if not isinstance(error, openai.APIStatusError):
        return BUSY_S
    try:
        asked = float(error.response.headers.get("retry-after", BUSY_S))
    except ValueError:  # a date; nobody's clock is to be trusted
        return BUSY_S
    return min(max(asked, 0.0), LONGEST_BUSY_S) if math.isfinite(asked) else BUSY_S


def _seconds(facts: Mapping[str, Any], name: str) -> float:
    value = facts.get(name)
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    raise DrawFailed(f"the answer tells no {name}")
