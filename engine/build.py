"""From settings to an engine ready to start: the one place that knows which model class draws."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from engine.events import Action, Announcer, LogObserver
from engine.families.plan import Need
from engine.families.registry import families
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.fleet import FixedFleet, nothing
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.inputs import nothing_kept
from engine.libraries import importing
from engine.settings import BadSetting, EngineConfig, ModelSettings, Reach
from engine.worker.loaded import Offered
from engine.worker.memory import Mode, needed_bytes
from engine.worker.steploop import StepLoop
from engine.worker.telemetry import NoTelemetry, NvmlTelemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from engine.events import Observer
    from engine.families.family import Family, Placement
    from engine.families.model import Model
    from engine.fleet.child import ChildWorker
    from engine.inputs import Reader
    from engine.worker.accounting import Clock
    from engine.worker.protocol import Worker
    from engine.worker.telemetry import Telemetry

NAME = "local"
"""Of the only worker of a machine."""
LOCAL = FleetSettings(
    local=True, tries=1, scale=ScaleSettings(1, 1), health_every_s=1.0, health_timeout_s=6.0
)
"""Its worker answers over a pipe, if it answers at all."""
HEAVY = tuple(f"{__package__}.{name}" for name in ("worker.pipeline", "placement", "fleet.fingerprint"))
"""What takes a process that is to draw seconds to import."""


def build_engine(
    settings: ModelSettings | Sequence[ModelSettings],
    config: EngineConfig | None = None,
    *,
    reach: Reach = Reach.AUTO,
    observers: Sequence[Observer] = (),
    read: Reader = nothing_kept,
) -> Front:
    """An engine for this machine, with one model or several; nothing is loaded before `start`.

    What follows from the device (threads, memory mode and budget, telemetry) is decided by the settings,
    whatever `config` says of it. Raises BadSetting for settings that cannot be; where the worker has a
    process of its own, `start` does. `read` gives the files of pictures that requests come with.
    """
    config = config or EngineConfig()
    if reach is Reach.AUTO:
        reach = Reach.CHILD if _has_gpu(_several(settings)[0]) else Reach.HERE
    if reach is Reach.CHILD:
        child = child_worker(settings, config)
        return local_front(child, config, observers=observers, replaces=True, on_close=child.close, read=read)
    worker = build_worker(settings, config, NAME, [LogObserver(), *observers])
    return local_front(worker, config, observers=observers, replaces=False, read=read)


def _several(settings: ModelSettings | Sequence[ModelSettings]) -> Sequence[ModelSettings]:
    return [settings] if isinstance(settings, ModelSettings) else settings


def child_worker(settings: ModelSettings | Sequence[ModelSettings], config: EngineConfig) -> ChildWorker:
    """This machine's worker in a process of its own, and a spare one for when that is lost."""
    from engine.fleet.child import ChildWorker

    imports = [*HEAVY, *(name for family in families().values() for name in family.imports)]
    return ChildWorker(NAME, partial(build_worker, settings, config), imports=imports)


def engine_with(
    model: Model,
    config: EngineConfig | None = None,
    *,
    mode: Mode = Mode.HIGH,
    clock: Clock = time.monotonic,
    telemetry: Telemetry | None = None,
    observers: Sequence[Observer] = (),
    read: Reader = nothing_kept,
) -> Front:
    """An engine in this process that draws with `model`."""
    config = config or EngineConfig()
    worker = StepLoop(
        NAME,
        models=[Offered(model, mode)],
        config=config,
        clock=clock,
        telemetry=telemetry,
        observers=[LogObserver(), *observers],
    )
    return local_front(worker, config, clock=clock, observers=observers, replaces=False, read=read)


def build_worker(
    settings: ModelSettings | Sequence[ModelSettings],
    config: EngineConfig,
    name: str,
    observers: Sequence[Observer] = (),
    *,
    known: Mapping[str, Family] | None = None,
) -> StepLoop:
    """The step loop of one worker, in the process that is to draw. `known`: the families there are.

    Of several models the first is that of requests which name none; its settings say which device they share.
    Raises BadSetting.
    """
    with importing():  # torch is slow to import: not before somebody draws
        for module in HEAVY:
            import_module(module)
    from engine.placement import resolve
    from engine.worker.loading import sources
    from engine.worker.parts import Parts

    wanted = _several(settings)
    placements = [resolve(each, known) for each in wanted]
    if len(placements) > 1:
        shared = Parts([partial(sources, each) for each in placements])
        placements = [replace(each, shared=shared) for each in placements]
    pairs = list(zip(wanted, placements, strict=True))
    if fitting := [pair for pair in pairs if _fits(pair[1])]:
        for _, each in pairs:
            if not _fits(each):
                Announcer(observers).tell(Action.MODEL_LEFT_OUT, model=each.profile.name)
        pairs = fitting  # what this card could never hold is left to workers with a larger one
    placement = placements[0]
    names = [each.profile.name for each in placements]
    if len(set(names)) < len(names):
        raise BadSetting("models", ", ".join(names), "each needs a name of its own")
    cores = 1 if placement.on_gpu else placement.threads
    placed = replace(
        config,
        memory_budget_bytes=placement.budget_bytes,
        device_name=placement.device_name,
        step_threads=cores,
        threads=cores,
    )
    return StepLoop(
        name,
        models=[_offered(*pair) for pair in pairs],
        config=placed,
        telemetry=NvmlTelemetry(placement.gpu_index) if placement.on_gpu else NoTelemetry(),
        observers=observers,
    )


def _offered(asked: ModelSettings, placement: Placement) -> Offered:
    from engine.families.files import fetch
    from engine.fleet.fingerprint import fingerprint

    return Offered(
        placement.family.load(placement),
        mode=placement.mode,
        calibrate=_calibration(placement, asked.largest_px),
        compiles=placement.compile_blocks,
        lessons_key=placement.lessons_key,
        fetch=partial(fetch, placement.source, placement.revision),
        fingerprint=partial(fingerprint, placement),
        digests=partial(_digests, placement),
    )


def _fits(placement: Placement) -> bool:
    """Whether the device holds a picture of its usual size, however the weights come and go."""
    if placement.budget_bytes is None or not placement.on_gpu:
        return True
    width, height = placement.profile.default_size
    return needed_bytes(placement.profile, placement.mode, width * height) <= placement.budget_bytes


def _digests(placement: Placement) -> Mapping[str, str]:
    """Of components that the worker's other models may have too. Reads their files."""
    from engine.worker.loading import sources

    return placement.shared.digests(sources(placement)) if placement.shared is not None else {}


def local_front(
    worker: Worker,
    config: EngineConfig,
    *,
    observers: Sequence[Observer] = (),
    replaces: bool,
    on_close: Callable[[], Awaitable[None]] = nothing,
    clock: Clock = time.monotonic,
    read: Reader = nothing_kept,
) -> Front:
    """A front before the only worker of this machine. `replaces`: that has a process of its own."""
    settings = replace(LOCAL, replaces=replaces)
    fleet = FixedFleet([worker], again_after_s=0.0, on_close=on_close)
    return Front(fleet=fleet, config=config, settings=settings, clock=clock, observers=observers, read=read)


def _has_gpu(settings: ModelSettings) -> bool:
    """Whether the worker will draw on one, as far as that can be told without torch."""
    if settings.device != "auto":
        return settings.device != "cpu"
    from engine.survey import survey_card

    return survey_card() is not None


def _calibration(placement: Placement, largest_px: int | None) -> tuple[Need, ...]:
    """What is measured at the first start. On a GPU the usual and the largest picture that is sold, and one
    that follows a map; where weights come and go nothing is to be told. On a CPU two sizes, and others follow
    from them.
    """
    if placement.on_gpu and placement.mode is not Mode.LOW:
        usual = max(placement.profile.default_size)
        plain = [Need(side, side) for side in sorted({usual, largest_px or usual})]
        return *plain, *([Need(usual, usual, controls=1)] if placement.control is not None else [])
    if placement.on_gpu or placement.budget_bytes is None:
        return ()
    side = round(placement.profile.min_pixels**0.5)
    return Need(side, side), Need(2 * side, 2 * side)
