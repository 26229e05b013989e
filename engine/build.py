"""From settings to an engine ready to start: the one place that knows which model class draws."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.settings import EngineConfig, ModelSettings
from engine.worker.memory import Mode, Need
from engine.worker.steploop import Engine
from engine.worker.telemetry import NoTelemetry, NvmlTelemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.events import Observer
    from engine.placement import Placement


def build_engine(
    settings: ModelSettings, config: EngineConfig | None = None, *, observers: Sequence[Observer] = ()
) -> Engine:
    """An engine for these settings; nothing is loaded before `start`.

    What follows from the device (workers, memory mode and budget, telemetry) is decided here, whatever
    `config` says of it. Raises BadSetting for settings that cannot be.
    """
    from engine.families.zimage import ZImageModel
    from engine.placement import resolve  # torch is slow to import: not before somebody draws

    placement = resolve(settings)
    placed = replace(
        config or EngineConfig(),
        memory_budget_bytes=placement.budget_bytes,
        memory_mode=placement.mode,
        calibrate=_calibration(placement, settings.largest_px),
        device_name=placement.device_name,
        lessons_key=placement.lessons_key,
        step_lanes=1 if placement.on_gpu else placement.threads,
        decoder_lane=False,  # with every core stepping it only piled up pictures before the decoder
        threads=1 if placement.on_gpu else placement.threads,
    )
    if placement.on_gpu:
        _, _, index = placement.device.partition(":")
        return Engine(
            model=ZImageModel(placement),
            config=placed,
            telemetry=NvmlTelemetry(int(index or 0)),
            observers=observers,
        )
    return Engine(model=ZImageModel(placement), config=placed, telemetry=NoTelemetry(), observers=observers)


def _calibration(placement: Placement, largest_px: int | None) -> tuple[Need, ...]:
    """What is measured at the first start. On a GPU the usual and the largest picture that is sold; where
    weights come and go nothing is to be told. On a CPU two sizes, and others follow from them.
    """
    if placement.on_gpu and placement.mode is not Mode.LOW:
        sides = {max(placement.profile.default_size), largest_px or 0} - {0}
        return tuple(Need(side, side) for side in sorted(sides))
    if placement.on_gpu or placement.budget_bytes is None:
        return ()
    side = round(placement.profile.min_pixels**0.5)
    return Need(side, side), Need(2 * side, 2 * side)
