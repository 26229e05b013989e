"""What the owner may set about the model, its device, and how it is shared. Imports no torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.worker.watchdog import WatchdogSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.adapters import AdapterFile
    from engine.families.zimage_control import ControlFile
    from engine.shares import ShareTerms

EMBEDDED = "embedded"
EMBEDDED_FOLDER = Path(__file__).parent / EMBEDDED
"""The name of the model that comes with Easel, and where it is."""


TAKES_MASKS = (
    "auto",
    "native",
    "_native_cudnn",
    "_native_efficient",
    "_native_math",
    "flash_varlen",
    "sage_varlen",
)
"""Attention back ends of diffusers that draw with a control network."""


class Reach(enum.Enum):
    """How a machine's only worker is reached."""

    AUTO = "auto"
    """In a process of its own on a GPU."""
    HERE = "here"
    CHILD = "child"


class BadSetting(ValueError):
    """A setting of the model that this machine, or this build, cannot carry out."""

    def __init__(self, setting: str, found: str, allowed: str) -> None:
        super().__init__(setting, found, allowed)

    def __str__(self) -> str:
        setting, found, allowed = self.args
        return f"{setting}: found {found!r}; {allowed}"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model draws, and how. `auto` is decided when it is loaded, by what the device is."""

    source: str = EMBEDDED
    """`embedded`, a folder in diffusers' layout, or a hub name."""
    revision: str | None = None
    """Of a hub's model: a branch, a tag or a commit; None: whatever is newest when it is downloaded."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1."""
    dtype: str = "auto"
    """float32 on a CPU, bfloat16 on a GPU."""
    memory_mode: str = "auto"
    """high, medium, low."""
    largest_px: int | None = None
    """Side of the largest picture anybody may ask for; `auto` picks a mode that holds it."""
    memory_budget_bytes: int | None = None
    """None: what the device has."""
    attention: str = "auto"
    """An attention back end of diffusers (native, flash, _flash_3, sage ...)."""
    compile_blocks: bool = False
    """Compile the transformer's repeated block: slow first picture, faster steps."""
    quantisation: str = "none"
    """none, int8, float8: weights of the transformer, by torchao."""
    tile_above_px: int | None = None
    """Pictures with more than this squared are decoded in tiles; None: as the profile says."""
    threads: int | None = None
    """CPU cores to draw with; None: all there are."""
    device_part: float = 1.0
    """The part of the GPU's memory that is this engine's, where several share one."""
    adapters: tuple[AdapterFile, ...] = ()
    """LoRAs that pictures may be drawn with."""
    adapters_bytes: int = 1 << 30
    """How much of the device they may hold; where the largest that one picture may name need more, that."""
    control: ControlFile | None = None
    """The control network that makes pictures follow a map."""
    upscaler: Path | None = None
    """A model that enlarges pictures before they are drawn over; None: they are resampled."""
    name: str = ""
    """What requests call it; empty: what its profile is called."""
    measured_profile: Path | None = None
    """A profile that was measured here. It counts where it is there, and of this model on this device."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How the device is shared. Bytes, seconds."""

    tiers: Mapping[str, ShareTerms] = field(default_factory=dict)
    """Terms by tier; a tier not named here has weight 1 and no caps."""
    max_active: int = 3
    max_waiting: int | None = None
    preview_part: float = 0.05
    """Previews take at most this part of the time of all steps so far."""
    switch_after_s: float = 20.0
    """How long a job waits at most for a model that is not on the device, while others are drawn."""
    memory_budget_bytes: int | None = None
    """None: what the device has, where it tells."""
    step_threads: int = 1
    """Threads that call the model: one on a GPU, one a core on a CPU."""
    threads: int = 1
    """CPU cores: shared by the calls that run side by side, all of them for one that runs alone."""
    watchdog: WatchdogSettings = field(default_factory=WatchdogSettings)
    embedding_cache_bytes: int = 64 << 20
    result_cache_bytes: int = 128 << 20
    recover_after_s: float = 60.0
    """After an out-of-memory: how long until one more place is tried."""
    learned_path: Path | None = None
    """Where learned peaks and speeds are kept; None keeps them for this process only."""
    device_name: str = "cpu"
