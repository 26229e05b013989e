"""What the owner may set about the model and its device. Plain values; no torch is imported to read them."""

from __future__ import annotations

from dataclasses import dataclass

EMBEDDED = "embedded"
"""The name of the model that comes with Easel."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model draws, and how. `auto` is decided when it is loaded, by what the device is."""

    source: str = EMBEDDED
    """`embedded`, a folder in diffusers' layout, or a hub name."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1."""
    dtype: str = "auto"
    """float32 on a CPU, bfloat16 on a GPU."""
    memory_mode: str = "auto"
    """high, medium, low."""
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
