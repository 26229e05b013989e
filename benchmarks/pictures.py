"""The load's pictures once more, 30 % varied and 10 % inpainted, against what their steps predict.

Both backlogs are drawn by one engine in this process, by turns, so that the machine is as fast for one as for
the other. What is varied is what the first backlog drew.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from benchmarks.trace import backlog
from engine.build import build_engine
from engine.predict import Predictor
from engine.request import DrawRequest, Input, PngFile, Role
from engine.settings import EngineConfig, ModelSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.families.profile import Profile
    from engine.front import Front
    from engine.request import Drawing

VARIED, INPAINTED = 0.3, 0.1
STRENGTH = 0.6
UNCACHED = EngineConfig(embedding_cache_bytes=0, result_cache_bytes=0)


def pictures(count: int = 200, rounds: int = 3) -> dict[str, Any]:
    """Images a minute of both, and the second's over what the first's and the steps of each make expected."""
    return asyncio.run(_pictures(count, rounds))


class Files:
    """Pictures by digest, as the engine reads them."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def put(self, file: bytes) -> str:
        digest = hashlib.sha256(file).hexdigest()
        self._files[digest] = file
        return digest

    async def read(self, digest: str) -> bytes:
        return self._files[digest]


async def _pictures(count: int, rounds: int) -> dict[str, Any]:
    files, words_s, mixed_s = Files(), [], []
    words = [
        DrawRequest(a.prompt, a.width, a.height, a.steps, a.seed, png=PngFile(), job_id=a.name)
        for a in backlog(count)
    ]
    async with build_engine(ModelSettings(device="cpu"), UNCACHED, read=files.read) as engine:
        _, drawings = await _draw(engine, words)  # it also learns how fast it is
        mixed = [_from_picture(n / count, drawing, files) for n, drawing in enumerate(drawings)]
        await _draw(engine, mixed)
        for _ in range(rounds):
            words_s.append((await _draw(engine, words))[0])
            mixed_s.append((await _draw(engine, mixed))[0])
        profile = engine.profile
    expected = _work_s(profile, mixed) / _work_s(profile, words)
    ratios = [ours / (theirs * expected) for ours, theirs in zip(mixed_s, words_s, strict=True)]
    return {
        "pictures": count,
        "words_per_minute": 60 * count / statistics.median(words_s),
        "mixed_per_minute": 60 * count / statistics.median(mixed_s),
        "expected_work": expected,
        "mixed_over_expected": 1 / statistics.median(ratios),
    }


async def _draw(engine: Front, requests: Sequence[DrawRequest]) -> tuple[float, list[Drawing]]:
    """Seconds until all are drawn, submitted together; and what came of them."""
    began = time.perf_counter()
    tickets = [engine.submit(request, accepted_before=True) for request in requests]
    drawings = await asyncio.gather(*(ticket.result() for ticket in tickets))
    return time.perf_counter() - began, drawings


def _from_picture(part: float, drawing: Drawing, files: Files) -> DrawRequest:
    """The same request; of the first part of the backlog, with what was drawn for it to begin from."""
    request = drawing.request
    if part >= VARIED + INPAINTED:
        return request
    source = files.put(drawing.png)
    if part < VARIED:
        return replace(request, inputs=(Input(Role.INIT, source, STRENGTH),))
    mask, buffer = Image.new("L", (request.width, request.height)), io.BytesIO()
    ImageDraw.Draw(mask).rectangle((0, 0, request.width // 2, request.height), fill=255)
    mask.save(buffer, "PNG")
    return replace(request, inputs=(Input(Role.INIT, source), Input(Role.MASK, files.put(buffer.getvalue()))))


def _work_s(profile: Profile, requests: Sequence[DrawRequest]) -> float:
    """Device seconds, by the profile's numbers and the steps that are really run."""
    predictor = Predictor(profile)
    return sum(predictor.job_s(profile.plan(request)) for request in requests)
