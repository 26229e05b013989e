"""From settings to an engine ready to start: the one place that knows which model class draws."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.engine import Engine
from engine.profile import load_profile
from engine.settings import EMBEDDED, EngineConfig, ModelSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.events import Observer


def build_engine(
    settings: ModelSettings, config: EngineConfig | None = None, *, observers: Sequence[Observer] = ()
) -> Engine:
    """An engine for these settings; nothing is loaded before `start`."""
    from engine.zimage import ZImageModel  # torch is slow to import: not before somebody draws

    config = config or EngineConfig()
    embedded = settings.source == EMBEDDED
    source = str(Path(__file__).parent / "embedded") if embedded else settings.source
    profile = load_profile("embedded" if embedded else "z-image-turbo")
    lanes = len(os.sched_getaffinity(0))
    return Engine(
        model=ZImageModel(source, profile),
        config=replace(config, step_lanes=lanes, decoder_lane=True),
        observers=observers,
    )
