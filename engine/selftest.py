"""`easel selftest`: draws here as the engine does, and compares it with what the engine believes.

Checks run one after the other in the calling thread. Each says what was found, in English for the report, and
what is to be done. Nothing here has been run on a GPU yet.
"""

from __future__ import annotations

import enum
import math
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

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
    from engine.worker.telemetry import GpuSample

GB = 10**9
PROMPT = "an orange cat on a green meadow"
TOGETHER = 3
ENOUGH_DB = 45.0
"""Against the library's own picture; other kernels round differently in 16 bits."""
SAME_WEIGHTS = 0.02
MORE_THAN_TOLD = 1.05
SAME_TAKEN = 0.1
UNKNOWN_BYTES = 2 * GB
"""What the driver may count above the allocator: the CUDA context, and what neighbours hold."""


class Kind(enum.Enum):
    """What is looked at, as the report calls it."""

    LOAD = "load"
    WEIGHTS = "weights"
    PICTURE = "picture"
    PIPELINE = "like the library's own pipeline"
    TOGETHER = f"{TOGETHER} in one forward"
    ENCODER = "text encoder in and out"
    TELEMETRY = "telemetry and allocator"
    MEMORY = "out of memory"
    LOST = "lost worker"
    STOPPED = "stopped worker"


class Todo(enum.Enum):
    """What follows from a check, as the report says it."""

    NOTHING = "Nothing to do."
    CANNOT = "Nothing to do: it cannot be looked at here."
    REPORT = "Report it: open an issue with this file and the log."
    PROFILE = "The engine learns it by itself; report it with this file, so that the profile is mended."
    ALONE = "Set max_active = 1 in [engine], and report it with this file."
    DRIVER = "Drawing goes on, but neighbours and heat are not seen: see whether nvidia-smi works."
    NEIGHBOUR = "Something else holds memory of the card: see nvidia-smi."
    RESTART = "Have systemd or compose restart the bot, which replaces a broken worker too, and report it."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    kind: Kind
    found: str
    passed: bool | None = True
    """None: cannot be looked at here."""
    todo: Todo = Todo.NOTHING
    figures: Mapping[str, object] = field(default_factory=dict)
    about: str = ""
    """Which one of its kind."""

    @property
    def name(self) -> str:
        return f"{self.kind.value} {self.about}".rstrip()


def judged(kind: Kind, found: str, passed: bool, todo: Todo, **more: Any) -> Check:
    """`todo`: what follows where it did not pass."""
    return Check(kind, found, passed, Todo.NOTHING if passed else todo, **more)


def skipped(kind: Kind, found: str) -> Check:
    return Check(kind, found, None, Todo.CANNOT)


@dataclass
class SelfTest:
    """`quick` draws fewer and smaller pictures."""

    model: Model
    placement: Placement
    largest_px: int
    quick: bool = False

    def run(self) -> Iterator[Check]:
        """All checks; ends early where the model cannot be loaded."""
        loaded = guarded(Kind.LOAD, self._load)
        yield loaded
        if not loaded.passed:
            return
        yield guarded(Kind.WEIGHTS, self._weights)
        for need in self._needs():
            yield replace(guarded(Kind.PICTURE, partial(self._picture, need)), about=str(need))
        yield guarded(Kind.PIPELINE, self._like_the_pipeline)
        yield guarded(Kind.TOGETHER, self._together)
        yield guarded(Kind.ENCODER, self._encoder)
        yield guarded(Kind.TELEMETRY, self._telemetry)
        yield guarded(Kind.MEMORY, self._out_of_memory)

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
        return Check(Kind.LOAD, found, figures={"seconds": seconds})

    def _weights(self) -> Check:
        held, told = self.model.weights_bytes(), self.placement.profile.weights_bytes
        off = {part for part, size in held.items() if abs(size - told.get(part, size)) > SAME_WEIGHTS * size}
        found = ", ".join(f"{part} {size:,} bytes" for part, size in held.items())
        if off:
            found += f"; the profile has other sizes for {', '.join(sorted(off))}"
        return judged(Kind.WEIGHTS, found, not off, Todo.REPORT, figures={"held": held, "told": told})

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
        found = "; ".join(lines)
        if over:
            found += f"; more than told in {', '.join(over)}"
        return judged(Kind.PICTURE, found, not over, Todo.PROFILE, figures=figures)

    def _calls(self, need: Need) -> Iterator[tuple[Phase, Callable[[], object]]]:
        request = self._request(need, steps=1)
        canvases: list[Canvas] = []
        captions = self.model.encode([PROMPT])
        yield Phase.ENCODE, lambda: self.model.encode([PROMPT])
        yield Phase.BEGIN, lambda: canvases.append(self.model.begin(request, captions, ()))
        yield Phase.DENOISE, lambda: self.model.step(canvases)
        yield Phase.DECODE, lambda: self._decode(canvases[0], need)

    def _like_the_pipeline(self) -> Check:
        worst = math.inf
        for n, need in enumerate(self._needs()[:2]):
            request = self._request(need, steps=2, seed=n)
            worst = min(worst, psnr_db(self._drawn([request])[0], self.model.reference(request)))
        found = f"at least {worst:.1f} dB alike, {ENOUGH_DB:.0f} wanted"
        figures = {"psnr_db": min(worst, 999.0)}
        return judged(Kind.PIPELINE, found, worst >= ENOUGH_DB, Todo.REPORT, figures=figures)

    def _together(self) -> Check:
        need = self._needs()[0]
        requests = [self._request(need, steps=2, seed=seed) for seed in range(TOGETHER)]
        alone = [self._drawn([request])[0] for request in requests]
        worst = min(map(psnr_db, alone, self._drawn(requests)))
        found = f"at least {worst:.1f} dB like each drawn alone"
        figures = {"psnr_db": min(worst, 999.0)}
        return judged(Kind.TOGETHER, found, worst >= ENOUGH_DB, Todo.ALONE, figures=figures)

    def _encoder(self) -> Check:
        if self.placement.mode is not Mode.MEDIUM:
            return skipped(Kind.ENCODER, "it does not move in this memory mode")
        times = []
        for _ in range(2):
            began = time.perf_counter()
            self.model.encode([PROMPT])
            times.append(time.perf_counter() - began)
        return Check(Kind.ENCODER, f"{times[-1]:.2f} s a prompt", figures={"seconds": times})

    def _telemetry(self) -> Check:
        """What the driver counts, against the allocator: as it stands, and when a gigabyte more is taken."""
        kind, model = Kind.TELEMETRY, self.model
        model.start_measuring()
        memory = model.measured().memory
        if memory is None:
            return skipped(kind, "the device has no allocator to ask")
        driver = NvmlTelemetry(self.placement.gpu_index)
        sample = driver.sample()
        if sample is None or sample.memory_used_bytes is None:
            return judged(kind, "no telemetry", False, Todo.DRIVER)
        model.release()
        before = driver.sample()
        taken = model.take(GB)
        after = driver.sample()
        del taken
        model.release()
        used, ours = sample.memory_used_bytes, sample.memory_ours_bytes
        seen = _used(after) - _used(before)
        found = (
            f"allocator holds {_gb(memory.ours)}, driver counts {_gb(used)} in use, {_gb(ours)} of it ours; "
            f"of {_gb(GB)} more the driver saw {_gb(seen)}"
        )
        figures = {"allocator_bytes": memory.ours, "used_bytes": used, "ours_bytes": ours, "seen_bytes": seen}
        if abs(seen - GB) > SAME_TAKEN * GB:
            return judged(kind, found, False, Todo.REPORT, figures=figures)
        return judged(kind, found, 0 <= used - memory.ours < UNKNOWN_BYTES, Todo.NEIGHBOUR, figures=figures)

    def _out_of_memory(self) -> Check:
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
        return judged(Kind.MEMORY, found, known and drawn, Todo.REPORT)

    def _request(self, need: Need, *, steps: int, seed: int = 0) -> DrawRequest:
        return DrawRequest(PROMPT, need.width, need.height, steps, seed, job_id=f"selftest-{seed}")

    def _drawn(self, requests: Sequence[DrawRequest]) -> list[Image]:
        """These pictures, step by step in one forward."""
        model = self.model
        canvases = [model.begin(request, model.encode([request.prompt]), ()) for request in requests]
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


def guarded(kind: Kind, check: Callable[[], Check]) -> Check:
    """A check that breaks is a finding, too."""
    try:
        return check()
    except Exception as error:
        return judged(kind, f"{type(error).__name__}: {error}", False, Todo.REPORT)


def _used(sample: GpuSample | None) -> int:
    return (sample.memory_used_bytes or 0) if sample is not None else 0


def _gb(count: int | None) -> str:
    return "?" if count is None else f"{count / GB:.2f} GB"
