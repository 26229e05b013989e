"""The golden picture: a server is trusted once it has drawn it as the first one did.

It is drawn in two steps. Two are too few for a good picture, and so the right number: a server that takes no
notice of the steps, of the guidance or of the seed it is told draws another. Measured with the embedded model
as the root mean square over all pixels: bfloat16 in place of float32 0.7; one step more 14; guidance 1 in
place of 0 16; another seed 32.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from engine.request import DrawRequest
from engine.worker.protocol import WorkerUnfit

if TYPE_CHECKING:
    from pathlib import Path

    from engine.families.profile import Profile

QUESTION = "question"
"""What of a golden picture's file says what was asked."""


def question(profile: Profile) -> DrawRequest:
    """What every server is asked first: the smallest picture the model draws."""
    side = math.isqrt(profile.min_pixels)
    return DrawRequest(
        job_id="golden",
        prompt="an orange cat on a green meadow",
        width=side,
        height=side,
        steps=2,
        seed=7,
        guidance=profile.guidance,
    )


class Golden:
    """The picture in its file at `path`, for `model`; another model's is drawn over."""

    def __init__(self, path: Path, model: str, profile: Profile, *, tolerance: float) -> None:
        self.question = question(profile)
        self._path = path
        self._asked = f"{model}: {self.question!r}"
        self._tolerance = tolerance
        self._lock = asyncio.Lock()

    async def check(self, image: Image.Image) -> None:
        """Compare a server's answer; the first ever is kept for those to come. Raises WorkerUnfit."""
        async with self._lock:
            await asyncio.to_thread(self._check, image)

    def _check(self, image: Image.Image) -> None:
        golden = self._kept()
        if golden is None:
            self._keep(image)
            return
        off = difference(golden, image)
        if off > self._tolerance:
            allowed = f"{self._tolerance:g} of 255 allowed"
            raise WorkerUnfit(f"its picture is not that in {self._path}: {off:.1f} away, {allowed}")

    def _kept(self) -> Image.Image | None:
        if not self._path.exists():
            return None
        with Image.open(self._path) as image:
            image.load()
            return image if image.info.get(QUESTION) == self._asked else None

    def _keep(self, image: Image.Image) -> None:
        text = PngInfo()
        text.add_text(QUESTION, self._asked)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        image.save(new, "PNG", pnginfo=text)
        new.replace(self._path)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Root mean square over pixels and channels, of 255."""
    if one.size != other.size:
        return 255.0
    between = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    return math.sqrt(sum(rms * rms for rms in between.rms) / len(between.rms))
