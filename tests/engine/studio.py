"""An engine around the fake model, with everything a test wants to look at."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.build import local_front
from engine.request import Drawing, DrawRequest, EngineError
from engine.settings import EngineConfig
from engine.shares import ShareTerms
from engine.worker.loaded import Offered
from engine.worker.memory import Mode
from engine.worker.steploop import LOOK_AGAIN_S, StepLoop
from tests.engine.fakes import FakeClock, FakeModel, FakeTelemetry, Recorder
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from engine.families.plan import Need
    from engine.tickets import Ticket

TIERS = {"free": ShareTerms(share=0.1, max_waiting_per_flow=4), "paid": ShareTerms(1.0)}
PLAIN = EngineConfig(tiers=TIERS, max_waiting=50)
MANY_TURNS = 1000


def request(name: str, tier: str = "free", flow: str = "", **more: Any) -> DrawRequest:
    settings: dict[str, Any] = {
        "prompt": f"prompt of {name}",
        "width": 64,
        "height": 64,
        "steps": 4,
        "seed": 1,
    }
    return DrawRequest(job_id=name, tier=tier, flow=flow or name, **(settings | more))


class Studio:
    """An engine with everything a test wants to look at."""

    def __init__(
        self,
        config: EngineConfig = PLAIN,
        *,
        memory_mode: Mode = Mode.HIGH,
        calibrate: tuple[Need, ...] = (),
        compiles: bool = False,
        look_again_s: float = LOOK_AGAIN_S,
        **changes: Any,
    ) -> None:
        self.clock = FakeClock()
        self.model = FakeModel(self.clock)
        self.heard = Recorder()
        config = dataclasses.replace(config, **changes)
        self.telemetry = FakeTelemetry()
        self.worker = StepLoop(
            "local",
            models=[Offered(self.model, memory_mode, calibrate, compiles)],
            config=config,
            clock=self.clock,
            telemetry=self.telemetry,
            observers=[self.heard],
            look_again_s=look_again_s,
        )
        self.engine = local_front(
            self.worker, config, clock=self.clock, observers=[self.heard], replaces=False
        )

    async def __aenter__(self) -> Studio:
        self.unhandled: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: self.unhandled.append(what))
        await self.engine.start()
        self.model.calls.clear()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.model.gate.open()
        await self.engine.stop(0.0)
        assert self.unhandled == []

    request = staticmethod(request)

    def submit(self, *args: Any, **kwargs: Any) -> Ticket:
        return self.engine.submit(request(*args, **kwargs))

    def draws_right(self, drawing: Drawing) -> bool:
        return same(drawing.image, self.model.picture_of(drawing.request))


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and bool((np.asarray(one) == np.asarray(other)).all())


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until it holds, and leave others the processor where that takes long."""
    async with asyncio.timeout(PATIENCE_S):
        for turn in itertools.count():
            if condition():
                return
            await asyncio.sleep(0 if turn < MANY_TURNS else 0.001)


async def ended(ticket: Ticket) -> Drawing | EngineError:
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await ticket.result()
        except EngineError as error:
            return error
