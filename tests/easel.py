"""The whole bot below the faces, for tests: real store, real engine, real service, and a stand-in model.

`FieldModel` stands for the GPU alone. It shows that requests are scheduled, kept and delivered; it says
nothing about pictures. With `gate` closed no step is taken, so a test can look at a request on its way.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PIL import Image

from bot.app import engine_config
from bot.config.schema import Config
from bot.folders import DATABASE, open_store
from bot.imagine.models import Model, Models, find_models
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from bot.metrics.counting import Counting
from bot.sales.shop import Shop
from engine.build import engine_with
from engine.families import model as models
from engine.families.model import Caption
from engine.families.registry import load_profile
from engine.families.zimage_control import ControlFile, Layout, Refiner, Release
from engine.request import ControlKind, Role
from engine.settings import EMBEDDED, ModelSettings
from storage.clock import utc_us
from tests.database import lay_out
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from bot.alerts import Alerts
    from bot.imagine.capabilities import Capabilities
    from bot.imagine.live import LiveRequest
    from bot.imagine.safety import Safety
    from engine.families.model import Model as Drawing
    from engine.families.plan import Plan, Planner
    from engine.families.profile import Profile
    from engine.front import Front
    from engine.inputs import Reader
    from engine.request import DrawRequest, Picture


FOLLOWED = frozenset({ControlKind.EDGES, ControlKind.DEPTH})
"""The maps that the stand-in takes."""
WARM_UP = "warm-up"
"""The engine's own drawing at its start."""


class StepGate:
    """Open, it lets every step pass; closed, only as many as were allowed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = True
        self._allowed = 0

    def set(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._open, self._allowed = False, 0

    def allow(self, steps: int) -> None:
        with self._changed:
            self._allowed += steps
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._open or self._allowed, PATIENCE_S), (
                "the gate stayed closed"
            )
            self._allowed = max(0, self._allowed - 1)


@dataclass(eq=False)
class FieldCanvas:
    request: DrawRequest
    step: int = 0
    tokens: int = 1

    @property
    def key(self) -> tuple[int, int]:
        return self.request.width, self.request.height


@dataclass
class FieldModel(models.Model):
    """Paints a field whose colour is the seed. Raises what `fail` holds at the next step."""

    name: str = "field"
    profile: Profile = field(default_factory=lambda: _profile())
    gate: StepGate = field(default_factory=StepGate)
    fail: list[Exception] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)

    def load(self) -> None: ...

    def close(self) -> None:
        self.gate.set()

    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        return [Caption(prompt, 8, truncated=len(prompt) > 1500) for prompt in prompts]

    def begin(
        self, request: DrawRequest, captions: Sequence[Caption], pictures: Sequence[Image.Image]
    ) -> FieldCanvas:
        return FieldCanvas(request)

    def step(self, canvases: Sequence[FieldCanvas]) -> None:
        if all(canvas.request.job_id == WARM_UP for canvas in canvases):
            return
        self.gate.wait()
        if self.fail:
            raise self.fail.pop(0)
        for canvas in canvases:
            canvas.step += 1

    def preview(self, canvas: FieldCanvas) -> Image.Image:
        return Image.new("RGB", (16, 16), colour_of(canvas.request.seed))

    def decode(self, canvas: FieldCanvas, *, tile_px: int | None) -> Image.Image:
        request = canvas.request
        if request.job_id != WARM_UP:
            self.drawn.append(request.job_id)
        return Image.new("RGB", (request.width, request.height), colour_of(request.seed))


class DiesAtDelivery(Service):
    """A bot that is killed when a platform has a picture and before that is written down."""

    async def delivered(self, live: LiveRequest, receipt: str) -> None:
        raise asyncio.CancelledError("killed")


@dataclass(frozen=True)
class TakesPictures:
    """A family's planner, of one that draws from any picture."""

    planner: Planner
    takes: frozenset[Role] = frozenset(Role)

    def plan(self, request: Picture) -> Plan:
        return self.planner.plan(request)


def _profile() -> Profile:
    profile = load_profile("embedded")
    network = ControlFile(Path(), Layout(Release.OWN, (0,), 16, Refiner.PLAIN), FOLLOWED, 0, 0, 0.0)
    return replace(profile, planner=TakesPictures(profile.planner), control=network)


def colour_of(seed: int) -> tuple[int, int, int]:
    return seed % 256, seed // 256 % 256, 128


def only(model: Capabilities) -> Models:
    """A bot with this one model and nobody to draw, for what is settled before anything is drawn."""
    return Models(Model(model, cast("Front", None)))


def config_in(folder: Path, **changes: object) -> Config:
    """The defaults, with their data below `folder`."""
    return Config.model_validate({"storage": {"folder": folder / "data"}, **changes})


def models_of(config: Config, model: FieldModel, counting: Counting, read: Reader) -> Models:
    """What bot.toml offers. Folders are drawn with as they are; for the embedded model stands one of its own
    for each name, which share the gate and the list of drawings.
    """
    found = find_models(config)
    terms = replace(engine_config(config), preview_part=math.inf)  # steps take no time here
    offered = []
    for name, capabilities in found.capabilities.items():
        section = config.named_models.get(name) or config.named_models[""]
        drawing: Drawing = model
        if section.path != EMBEDDED:
            drawing = pipeline_model(section.path, name)
        elif len(config.models) > 1:
            drawing = replace(model, profile=replace(model.profile, name=name))
        engine = engine_with(drawing, config=terms, observers=[counting], read=read)
        capabilities = replace(capabilities, controls=model.profile.controls)
        offered.append(Model(capabilities, engine, name, section.price_factor, section.tiers, section.about))
    return Models(*offered, aliases=config.http.model_aliases)


def pipeline_model(folder: str, name: str) -> Drawing:
    """A small model of real classes."""
    from engine.placement import resolve  # torch takes seconds to import

    placement = resolve(ModelSettings(folder, device="cpu", name=name, threads=1))
    return placement.family.load(placement)


@contextlib.asynccontextmanager
async def easel(
    config: Config,
    model: FieldModel | None = None,
    *,
    safety: Safety | None = None,
    begin: bool = True,
    signal: Callable[[], asyncio.Event] = asyncio.Event,
    clock: Callable[[], int] = utc_us,
    kind: type[Service] = Service,
    alerts: Alerts | None = None,
    counting: Counting | None = None,
) -> AsyncIterator[Service]:
    """A started service over a stand-in model; leave it and enter again to restart the bot.

    `clock` is the store's, `kind` a service that behaves in another way than the bot's, `alerts`
    and `counting` hear of what happens.
    """
    model = model or FieldModel()
    lay_out(config.storage.folder / DATABASE)
    async with open_store(config, clock=clock, durable=False) as store:
        counting = counting or Counting()
        models = models_of(config, model, counting, store.pictures.get_input)
        engines = [one.backend for one in models]
        for engine in engines:
            await engine.start()
        service = kind(
            config=config,
            models=models,
            store=store,
            pricing=Pricing(config),
            shop=Shop(config, store, alerts),
            safety=safety,
            signal=signal,
        )
        try:
            await service.start(begin=begin)
            yield service
        finally:
            model.gate.set()
            for engine in engines:
                await engine.stop(0.0)
            await service.stop()
