"""One of a worker's models, with the calls that are made of it and what is known of it on this device."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.worker.calls import Calls
from engine.worker.experience import Experience
from engine.worker.memory import MemoryGate, Mode
from engine.worker.residency import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.families.model import Model
    from engine.families.plan import Need
    from engine.request import Adapter
    from engine.settings import EngineConfig

UNBOUNDED_BYTES = 1 << 60


@dataclass(frozen=True, slots=True)
class Offered:
    """A model for a worker to draw with, not loaded yet."""

    model: Model
    mode: Mode = Mode.HIGH
    calibrate: tuple[Need, ...] = ()
    """Shapes whose peaks are measured at the first start."""
    compiles: bool = False
    """The first picture of a shape is slow in each process: those shapes are drawn at every start."""
    lessons_key: str = ""
    """Stands for what learned peaks and speeds depend on besides."""
    fetch: Callable[[], None] = lambda: None
    fingerprint: Callable[[], str] = lambda: ""
    digests: Callable[[], Mapping[str, str]] = field(default=dict)
    """Of its components' files, where they may be shared. Reads them: not for the event loop."""


class Loaded:
    def __init__(self, offered: Offered, config: EngineConfig, learned_path: Path | None) -> None:
        self.offered = offered
        self.model = model = offered.model
        self.calls = Calls(model, config.embedding_cache_bytes, config.preview_part)
        self.gate = MemoryGate(model.profile, config.memory_budget_bytes or UNBOUNDED_BYTES, offered.mode)
        key = f"{model.name} on {config.device_name}, {offered.lessons_key}"
        self.experience = Experience(model.profile, self.gate, key=key, path=learned_path)
        self.adapters: tuple[Adapter, ...] | None = ()
        """What its steps are drawn with; None where nobody knows."""
        self.warm = False
        """It was on the device before, warmed up and measured."""
        self.held = Held(model.profile.name, self.gate, self.experience.predictor)
