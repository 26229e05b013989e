"""The GPU of a world, and the worker in a process of its own: both break when the world says so."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from engine.fleet.remote import RemoteWorker
from engine.worker.host import Host
from engine.worker.protocol import Card, WorkerLost
from tests.easel import WARM_UP, FieldModel
from tests.world.machine import MACHINE, hang, sleep

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Sequence

    from PIL import Image

    from engine.families.model import Caption
    from engine.request import DrawRequest
    from engine.worker.host import Build
    from tests.easel import FieldCanvas

T = TypeVar("T")

ENCODE_S, STEP_S, DECODE_S, LOAD_S = 0.3, 0.5, 0.4, 3.0
SPAWN_S = 2.0


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


class NotFinite(RuntimeError):
    """The picture is no picture."""


@dataclass(frozen=True)
class Served:
    """A call that was for somebody's pictures. `seconds` as it takes at the usual speed."""

    began: float
    ended: float
    seconds: float
    tiers: frozenset[str]


@dataclass
class Device:
    """What the next calls meet, and what the past ones were for."""

    slow: float = 1.0
    hangs: int = 0
    poisons: int = 0
    runs_out: int = 0
    blackens: int = 0
    served: list[Served] = field(default_factory=list)

    def heal(self) -> None:
        """Nothing is wrong with it from now on; what hangs or is poisoned stays so until its process ends."""
        self.slow, self.hangs, self.poisons, self.runs_out, self.blackens = 1.0, 0, 0, 0, 0


class WorldModel(FieldModel):
    """One process's model on the device. Once poisoned, nothing of this process works any more."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._device = device
        self._poisoned = False

    def load(self) -> None:
        self._poisoned = False
        sleep(LOAD_S)

    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        self._take(ENCODE_S * len(prompts), [])
        return super().encode(prompts)

    def step(self, canvases: Sequence[FieldCanvas]) -> None:
        self._take(STEP_S * (1 + 0.6 * (len(canvases) - 1)), canvases)
        super().step(canvases)

    def decode(self, canvas: FieldCanvas, **how: Any) -> Image.Image:
        self._take(DECODE_S, [canvas])
        if self._device.blackens and canvas.request.job_id != WARM_UP:
            self._device.blackens -= 1
            raise NotFinite("NaN")
        return super().decode(canvas, **how)

    def _take(self, seconds: float, canvases: Sequence[FieldCanvas]) -> None:
        device = self._device
        if device.hangs:
            device.hangs -= 1
            hang()
        if device.poisons:
            device.poisons -= 1
            self._poisoned = True
        if self._poisoned:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if device.runs_out:
            device.runs_out -= 1
            raise OutOfMemoryError("CUDA out of memory")
        slow = device.slow
        sleep(seconds * slow)
        tiers = frozenset(c.request.tier for c in canvases if c.request.job_id != WARM_UP)
        if tiers:
            now = MACHINE.monotonic()
            device.served.append(Served(now - seconds * slow, now, seconds, tiers))


class VirtualChild(RemoteWorker):
    """engine.fleet.child.ChildWorker without the process: a host in this one, whose answers can end."""

    def __init__(self, name: str, build: Build) -> None:
        super().__init__(name)
        self._build = build
        self._host: Host | None = None
        self._ended: asyncio.Future[WorkerLost] | None = None
        self._began = self._frozen = False

    def kill(self) -> None:
        """SIGKILL."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(WorkerLost("its process was killed by SIGKILL"))

    def freeze(self) -> None:
        """The process answers to nothing any more, and does not end. The first start has no limit in time."""
        self._frozen = self._began

    async def fetch(self) -> None:
        """Nothing is downloaded here."""

    async def start(self) -> Card:
        self._ended, self._frozen = asyncio.get_running_loop().create_future(), False
        await asyncio.sleep(SPAWN_S)
        self._host = Host(self.name, self._build)
        card = await super().start()
        self._began = True
        return card

    async def stop(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            with contextlib.suppress(Exception):
                await host.ask("stop")

    async def _ask(self, call: str, *arguments: object) -> Any:
        return await self._answer(self._alive.ask(call, *arguments))

    async def _answers(self, request: DrawRequest, lead_s: float) -> AsyncGenerator[Any]:
        async with contextlib.aclosing(self._alive.draw(request, lead_s)) as answers:
            while True:
                yield await self._answer(_next(answers))

    @property
    def _alive(self) -> Host:
        if self._host is None:
            raise WorkerLost("not started")
        return self._host

    async def _answer(self, call: Coroutine[Any, Any, T]) -> T:
        """What the process answers, unless it ends or freezes before."""
        assert self._ended is not None
        asked = asyncio.ensure_future(call)
        try:
            await asyncio.wait([asked, self._ended], return_when=asyncio.FIRST_COMPLETED)
            if self._frozen:
                await self._ended
            if self._ended.done():
                raise self._ended.result()
            return asked.result()
        finally:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)


async def _next(answers: Any) -> Any:
    return await anext(answers)
