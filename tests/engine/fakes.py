"""Stand-ins for what is slow, rare or absent: a model that stands for the GPU, and a clock that it moves.

`FakeModel` draws a picture that depends on everything a picture may depend on, so a mix-up shows. It can be
made to run out of memory as torch does, to fail, to hang, and to wait for the test before each step.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from engine.events import Event, Observer, Phase, Worked
from engine.families.family import Family
from engine.families.model import Canvas, Caption, DeviceMemory, Measurement, Model
from engine.families.plan import Need, Plan
from engine.families.profile import Curve, Peaks, Profile
from engine.request import Role
from engine.worker.telemetry import GpuSample, NoTelemetry
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from engine.request import Adapter, DrawRequest, Picture
    from engine.worker.watchdog import Alert


@dataclass(frozen=True)
class Guided(Family):
    """A second caption where there is guidance. Takes pictures, and only looks at them."""

    takes: frozenset[Role] = frozenset(Role)

    def plan(self, request: Picture) -> Plan:
        texts = (request.prompt, request.negative_prompt) if request.guidance > 0 else (request.prompt,)
        need = Need(request.width, request.height, len(texts))
        return Plan(texts, request.steps, need, pictures=len(request.inputs))


PEAK = Curve(((64 * 64, 1000.0), (128 * 128, 4000.0)))
PROFILE = Profile(
    "fake",
    planner=Guided(),
    multiple=16,
    min_pixels=64 * 64,
    step_s=Curve(((64 * 64, 1.0), (128 * 128, 4.0))),
    encode_s=0.5,
    decode_s=Curve(((64 * 64, 0.5), (128 * 128, 2.0))),
    peaks=Peaks(step=PEAK, decode=PEAK),
    weights_bytes={"transformer": 6000, "text_encoder": 3000, "vae": 1000},
    batch_gain=Curve(((64 * 64, 1.5),)),
    tile_above_pixels=256 * 256,
)


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


class FakeClock:
    """Seconds that pass only when somebody lets them; safe to move from any thread."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


@dataclass(eq=False)
class FakeCanvas:
    request: DrawRequest
    prompts: tuple[object, ...]
    step: int = 0
    trail: str = ""

    @property
    def key(self) -> Hashable:
        return self.request.width, self.request.height, len(self.prompts)

    @property
    def tokens(self) -> int:
        return self.request.width * self.request.height * len(self.prompts)


@dataclass
class Turnstile:
    """Lets a call through for each `let`; wide open until `close` is called."""

    _passes: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _open: bool = True

    def close(self) -> None:
        self._open = False

    def open(self) -> None:
        self._open = True
        self._passes.release(1000)

    def let(self, count: int = 1) -> None:
        self._passes.release(count)

    def go_through(self) -> None:
        if not self._open:
            assert self._passes.acquire(timeout=PATIENCE_S), "the test never let this call through"


class FakeModel(Model):
    name = "fake"
    profile = PROFILE

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        """What was called, and for which jobs."""
        self.seen: dict[str, list[tuple[str, tuple[int, int]]]] = {}
        """Mode and size of the pictures that a job came with."""
        self.gate = Turnstile()
        """Every step goes through it."""
        self.before: dict[str, Callable[[Sequence[FakeCanvas]], None]] = {}
        """By call (load, adapters, encode, begin, step, preview, decode; warm-up: the engine's own).

        It may raise, block, look."""
        self.adapters: list[tuple[Adapter, ...]] = [()]
        """What it was asked to use, one after the other."""
        self.loads = 0
        self.released = 0
        self.tiles: list[int | None] = []
        self.available_bytes: int | None = None
        self.peak_bytes: int | None = None
        self.own_bytes: int | None = None
        """What its allocator says it holds of the device."""
        self.threads: set[str] = set()
        self.used_threads: list[int] = []

    def picture_of(self, request: DrawRequest) -> Image.Image:
        """What this request must look like, whatever happened on its way."""
        canvas = FakeCanvas(request, PROFILE.plan(request).texts)
        for _ in range(request.steps):
            self._advance(canvas)
        return self._paint(canvas)

    def load(self) -> None:
        self.loads += 1
        self._look("load", [])
        self.clock.advance(3.0)

    def prepare_thread(self) -> None:
        self.threads.add(threading.current_thread().name)

    def use_threads(self, count: int) -> None:
        self.used_threads.append(count)

    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        self.calls.append(("encode", tuple(prompts)))
        self._look("encode", [])
        self.clock.advance(0.5 * len(prompts))
        return [Caption(prompt, nbytes=len(prompt), truncated=len(prompt) > 512) for prompt in prompts]

    def begin(
        self, request: DrawRequest, captions: Sequence[Caption], pictures: Sequence[Image.Image]
    ) -> FakeCanvas:
        self.seen[request.job_id] = [(picture.mode, picture.size) for picture in pictures]
        canvas = FakeCanvas(request, tuple(caption.embedding for caption in captions))
        self._look("begin", [canvas])
        return canvas

    def step(self, canvases: Sequence[Canvas]) -> None:
        batch = [canvas for canvas in canvases if isinstance(canvas, FakeCanvas)]
        assert len({(c.request.width, c.request.height) for c in batch}) == 1, "one size a forward"
        self._look("step", batch)
        if batch[0].request.job_id != "warm-up":
            self.gate.go_through()
        self.clock.advance(sum(PROFILE.step_s.at(c.request.width * c.request.height) for c in batch))
        for canvas in batch:
            self._advance(canvas)

    def use_adapters(self, adapters: Sequence[Adapter]) -> None:
        self.adapters.append(tuple(adapters))
        self._look("adapters", [])

    def preview(self, canvas: Canvas) -> Image.Image:
        assert isinstance(canvas, FakeCanvas)
        self._look("preview", [canvas])
        return Image.new("RGB", (canvas.request.width // 8, canvas.request.height // 8))

    def decode(self, canvas: Canvas, *, tile_px: int | None) -> Image.Image:
        assert isinstance(canvas, FakeCanvas)
        self.tiles.append(tile_px)
        self._look("decode", [canvas])
        self.clock.advance(0.5)
        return self._paint(canvas)

    def held_bytes(self) -> int | None:
        return self.own_bytes

    def measured(self) -> Measurement:
        if self.available_bytes is None:
            return Measurement(peak_bytes=self.peak_bytes)
        memory = DeviceMemory(total=1 << 40, free=self.available_bytes, ours=0)
        return Measurement(peak_bytes=self.peak_bytes, memory=memory)

    def peak_of(self, call: Callable[[], object]) -> int | None:
        call()
        return self.peak_bytes

    def release(self) -> None:
        self.released += 1

    def close(self) -> None:
        self.calls.append(("close", ()))

    def names(self, call: str) -> list[tuple[str, ...]]:
        """The jobs of each call of this kind."""
        return [jobs for name, jobs in self.calls if name == call]

    def _look(self, call: str, canvases: Sequence[FakeCanvas]) -> None:
        if call in ("step", "decode"):
            self.calls.append((call, tuple(canvas.request.job_id for canvas in canvases)))
        if any(canvas.request.job_id == "warm-up" for canvas in canvases):
            call = "warm-up" if call == "step" else ""
        if call in self.before:
            self.before[call](canvases)

    @staticmethod
    def _advance(canvas: FakeCanvas) -> None:
        r = canvas.request
        told = f"{canvas.trail}|{canvas.step}/{r.steps}|{canvas.prompts}|{r.seed}|{r.guidance}"
        canvas.trail = hashlib.sha256(told.encode()).hexdigest()
        canvas.step += 1

    @staticmethod
    def _paint(canvas: FakeCanvas) -> Image.Image:
        colour = bytes.fromhex(canvas.trail)[:3]
        return Image.new("RGB", (canvas.request.width, canvas.request.height), tuple(colour))


class FakeTelemetry(NoTelemetry):
    """A driver that tells of free memory, and calls our own 0 as it may in a container."""

    def tell_free(self, free_bytes: int) -> None:
        self.last = GpuSample(0.0, memory_free_bytes=free_bytes, memory_ours_bytes=0)


class Recorder(Observer):
    """Everything the engine told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.alerts: list[Alert] = []
        self.works: list[Worked] = []
        self.fail: Exception | None = None
        """Raised at each event."""

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        if self.fail is not None:
            raise self.fail

    def on_alert(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def on_work(self, worked: Worked) -> None:
        self.works.append(worked)

    def largest(self, phase: Phase = Phase.DENOISE) -> int:
        """How many jobs the largest call of this kind drew."""
        return max(work.jobs for work in self.works if work.phase is phase)

    def of(self, action: str) -> list[Event]:
        return [event for event in self.events if event.action == action]
