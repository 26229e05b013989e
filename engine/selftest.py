"""`easel selftest`: draws here as the engine does, and compares it with what the engine believes.

Checks run one after the other in the calling thread. Each says what was found and, where that is not as it
should be, what to do. Nothing here has been run on a GPU yet.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PIL import ImageChops, ImageStat

from engine.events import Phase
from engine.families.plan import Need
from engine.request import DrawRequest
from engine.worker.errors import is_out_of_memory
from engine.worker.memory import MemoryGate, Mode
from engine.worker.telemetry import NvmlTelemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.family import Placement
    from engine.families.model import Canvas, Model

GB = 10**9
PROMPT = "an orange cat on a green meadow"
TOGETHER = 3
ENOUGH_DB = 45.0
"""Against the library's own picture; other kernels round differently in 16 bits."""
SAME_WEIGHTS = 0.02
MORE_THAN_TOLD = 1.05
UNKNOWN_BYTES = 2 * GB
"""What the driver may count above the allocator: the CUDA context, and what neighbours hold."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    found: str
    passed: bool | None = True
    """None: cannot be looked at here."""
    advice: str = ""
    """What to do, where it did not pass."""
    figures: Mapping[str, object] = field(default_factory=dict)


@dataclass
class SelfTest:
    """`quick` draws fewer and smaller pictures."""

    model: Model
    placement: Placement
    largest_px: int
    quick: bool = False

    def run(self) -> Iterator[Check]:
        """All checks; ends early where the model cannot be loaded."""
        loaded = _guarded("load", self._load)
        yield loaded
        if not loaded.passed:
            return
        checks: list[tuple[str, Callable[[], Check]]] = [
            ("weights", self._weights),
            *((f"picture {need}", lambda need=need: self._picture(need)) for need in self._needs()),
            ("like the library's own pipeline", self._like_the_pipeline),
            (f"{TOGETHER} in one forward", self._together),
            ("text encoder in and out", self._encoder),
            ("telemetry and allocator", self._telemetry),
            ("out of memory", self._out_of_memory),
        ]
        for name, check in checks:
            yield _guarded(name, check)

    def _needs(self) -> Sequence[Need]:
        low, usual = math.isqrt(self.placement.profile.min_pixels), max(self.placement.profile.default_size)
        sides = {low, usual} if self.quick else {low, usual, self.largest_px}
        return [Need(side, side) for side in sorted(sides)]

    def _load(self) -> Check:
        began = time.perf_counter()
        self.model.prepare_thread()
        self.model.load()
        self.model.use_threads(self.placement.threads)
        seconds, placement = time.perf_counter() - began, self.placement
        found = f"{seconds:.1f} s, {placement.device_name}, {placement.dtype}, memory mode {placement.mode}"
        return Check("load", found, figures={"seconds": seconds})

    def _weights(self) -> Check:
        held, told = self.model.weights_bytes(), self.placement.profile.weights_bytes
        off = {part for part, size in held.items() if abs(size - told.get(part, size)) > SAME_WEIGHTS * size}
        found = ", ".join(f"{part} {size:,} bytes" for part, size in held.items())
        advice = f"The profile has other sizes for {', '.join(sorted(off))}: report it with this file."
        return Check("weights", found, not off, advice if off else "", {"held": held, "told": told})

    def _picture(self, need: Need) -> Check:
        """Peaks by phase, of one picture in one step."""
        told = MemoryGate(self.placement.profile, 0, self.placement.mode)
        lines, over, figures = [], [], {}
        for phase, call in self._calls(need):
            began = time.perf_counter()
            peak = self.model.peak_of(call)
            seconds, expected = time.perf_counter() - began, told.call_bytes(phase, need)
            figures[phase.value] = {"seconds": seconds, "peak_bytes": peak, "told_bytes": expected}
            lines.append(f"{phase.value} {seconds:.2f} s, {_gb(peak)} (told {_gb(expected)})")
            if peak is not None and self.placement.on_gpu and peak > MORE_THAN_TOLD * expected:
                over.append(phase.value)
        advice = f"More memory than the profile tells in {', '.join(over)}: the engine learns it; report it."
        return Check(f"picture {need}", "; ".join(lines), not over, advice if over else "", figures)

    def _calls(self, need: Need) -> Iterator[tuple[Phase, Callable[[], object]]]:
        request = self._request(need, steps=1)
        canvases: list[Canvas] = []
        captions = self.model.encode([PROMPT])
        yield Phase.ENCODE, lambda: self.model.encode([PROMPT])
        yield Phase.BEGIN, lambda: canvases.append(self.model.begin(request, captions))
        yield Phase.DENOISE, lambda: self.model.step(canvases)
        yield Phase.DECODE, lambda: self._decode(canvases[0], need)

    def _like_the_pipeline(self) -> Check:
        worst = math.inf
        for n, need in enumerate(self._needs()[:2]):
            request = self._request(need, steps=2, seed=n)
            worst = min(worst, psnr_db(self._drawn([request])[0], self.model.reference(request)))
        advice = "Pictures are not those of diffusers: report it, with the versions in this file."
        found = f"at least {worst:.1f} dB alike, {ENOUGH_DB:.0f} wanted"
        passed = worst >= ENOUGH_DB
        figures = {"psnr_db": min(worst, 999.0)}
        return Check("like the library's own pipeline", found, passed, "" if passed else advice, figures)

    def _together(self) -> Check:
        need = self._needs()[0]
        requests = [self._request(need, steps=2, seed=seed) for seed in range(TOGETHER)]
        alone = [self._drawn([request])[0] for request in requests]
        worst = min(map(psnr_db, alone, self._drawn(requests)))
        passed = worst >= ENOUGH_DB
        advice = "Pictures drawn together differ from those drawn alone: set max_active = 1, and report it."
        found = f"at least {worst:.1f} dB like each drawn alone"
        figures = {"psnr_db": min(worst, 999.0)}
        return Check(f"{TOGETHER} in one forward", found, passed, "" if passed else advice, figures)

    def _encoder(self) -> Check:
        if self.placement.mode is not Mode.MEDIUM:
            return Check("text encoder in and out", "it does not move in this memory mode", None)
        times = []
        for _ in range(2):
            began = time.perf_counter()
            self.model.encode([PROMPT])
            times.append(time.perf_counter() - began)
        return Check("text encoder in and out", f"{times[-1]:.2f} s a prompt", figures={"seconds": times})

    def _telemetry(self) -> Check:
        name = "telemetry and allocator"
        self.model.start_measuring()
        memory = self.model.measured().memory
        if memory is None:
            return Check(name, "the device has no allocator to ask", None)
        _, _, index = self.placement.device.partition(":")
        sample = NvmlTelemetry(int(index or 0)).sample()
        if sample is None or sample.memory_used_bytes is None:
            advice = "The driver does not answer (NVML): drawing goes on, but nobody sees neighbours or heat."
            return Check(name, "no telemetry", passed=False, advice=advice)
        used = sample.memory_used_bytes
        apart = used - memory.ours
        ours = _gb(sample.memory_ours_bytes)
        found = f"allocator holds {_gb(memory.ours)}, driver counts {_gb(used)} in use, {ours} of it ours"
        advice = "Something else holds the card's memory: see nvidia-smi."
        passed = 0 <= apart < UNKNOWN_BYTES
        figures = {"allocator_bytes": memory.ours, "used_bytes": used, "ours_bytes": sample.memory_ours_bytes}
        return Check(name, found, passed, "" if passed else advice, figures)

    def _out_of_memory(self) -> Check:
        name = "out of memory"
        try:
            self.model.take(1 << 50)
        except Exception as error:
            known, said = is_out_of_memory(error), f"{type(error).__name__}: {error}"
        else:
            known, said = False, "a petabyte was given"
        self.model.release()
        request = self._request(self._needs()[0], steps=1)
        drawn = self._drawn([request])[0].size == (request.width, request.height)
        found = f"{'recognised' if known else 'not recognised'} ({said[:80]}), drawing goes on: {drawn}"
        advice = "The engine does not know this error for what it is: report it."
        return Check(name, found, known and drawn, "" if known and drawn else advice)

    def _request(self, need: Need, *, steps: int, seed: int = 0) -> DrawRequest:
        return DrawRequest(f"selftest-{seed}", PROMPT, need.width, need.height, steps, seed)

    def _drawn(self, requests: Sequence[DrawRequest]) -> list[Image]:
        """These pictures, step by step in one forward."""
        model = self.model
        canvases = [model.begin(request, model.encode([request.prompt])) for request in requests]
        for _ in range(requests[0].steps):
            model.step(canvases)
        need = Need(requests[0].width, requests[0].height)
        return [self._decode(canvas, need) for canvas in canvases]

    def _decode(self, canvas: Canvas, need: Need) -> Image:
        return self.model.decode(canvas, tile_px=self.placement.profile.tile_for(need.pixels))


def psnr_db(one: Image, other: Image) -> float:
    """How alike two pictures of one size are; infinite where they are the same."""
    squares = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).sum2
    mean = sum(squares) / (3 * one.width * one.height)
    return 10 * math.log10(255**2 / mean) if mean else math.inf


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check that breaks is a finding, too."""
    try:
        return replace(check(), name=name)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return Check(name, said, passed=False, advice="Report it with this file, and the log.")


def _gb(count: int | None) -> str:
    return "?" if count is None else f"{count / GB:.2f} GB"
