"""What is known of a model on a device before it has drawn here: sizes, seconds, memory.

Profiles are data, in profiles/*.toml. They are where predictions start; what is measured replaces them
(`predict` for seconds, `memory` for bytes).
"""

from __future__ import annotations

import bisect
import math
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


PIXELS_PER_TOKEN = 16 * 16
"""The VAE divides each side by 8, the transformer's patches by 2 more."""
TOKEN_MULTIPLE = 32


def ceil32(tokens: int) -> int:
    """Sequence lengths are padded to this multiple inside the model."""
    return -(-tokens // TOKEN_MULTIPLE) * TOKEN_MULTIPLE


def image_tokens(width: int, height: int) -> int:
    return ceil32((width // 16) * (height // 16))


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through points with rising x; its first and last slope go on, never below 0."""

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Curve:
        return cls(tuple(sorted(points)))

    def at(self, x: float) -> float:
        points = self.points
        if not points:
            return 0.0
        if len(points) == 1:
            return points[0][1]
        i = min(max(bisect.bisect_left(points, (x, -math.inf)), 1), len(points) - 1)
        (x0, y0), (x1, y1) = points[i - 1], points[i]
        return max(0.0, y0 + (y1 - y0) * (x - x0) / (x1 - x0))


@dataclass(frozen=True, slots=True)
class Profile:
    """A model on a device. Curves take the picture's pixels (width * height)."""

    name: str
    multiple: int = 16
    """Both sides are multiples of this."""
    min_pixels: int = 64 * 64
    max_pixels: int = 2048 * 2048
    default_size: tuple[int, int] = (1024, 1024)
    default_steps: int = 8
    guidance: float = 0.0
    qualities: Mapping[str, int] = field(default_factory=dict)
    """Steps by the name of a quality."""
    step_s: Curve = Curve(((1024 * 1024, 1.0),))
    """Seconds of one denoising step with one caption."""
    encode_s: float = 0.05
    decode_s: Curve = Curve(((1024 * 1024, 0.3),))
    weights_bytes: Mapping[str, int] = field(default_factory=dict)
    """Bytes by component: transformer, text_encoder, vae."""
    peak_bytes: Curve = Curve(((1024 * 1024, 0.0),))
    """Bytes above the resident weights while one such picture is drawn."""
    batch_gain: Curve = Curve(((512 * 512, 1.27), (1024 * 1024, 1.075)))
    """Pictures a second of two in one forward over one after the other."""
    tile_above_pixels: int = 1536 * 1536
    """Larger pictures are decoded in tiles."""
    known_device: bool = False
    """The seconds were measured on this very kind of device."""

    @property
    def resident_bytes(self) -> int:
        return sum(self.weights_bytes.values())

    def fits_grid(self, width: int, height: int) -> bool:
        return width % self.multiple == 0 and height % self.multiple == 0 and width > 0 and height > 0


def load_profile(name_or_path: str | Path, device: str = "") -> Profile:
    """A shipped profile by name, or one from a file. `device` picks among the speeds it lists.

    Raises FileNotFoundError for an unknown name, ValueError for a file that is no profile.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        text = path.read_text(encoding="utf-8")
    else:
        shipped = resources.files("engine") / "families" / f"{name_or_path}.toml"
        text = shipped.read_text(encoding="utf-8")
    try:
        return _parse(tomllib.loads(text), device)
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"profile {name_or_path}: {error!r}") from error


def _parse(data: dict[str, Any], device: str) -> Profile:
    sizes, steps, memory = data["sizes"], data["steps"], data["memory"]
    weights = {part: round(gb * 1e9) for part, gb in memory.get("weights_gb", {}).items()}
    base = round(memory["resident_gb"] * 1e9) if "resident_gb" in memory else sum(weights.values())
    speeds: dict[str, Any] = data["speed"]
    chosen = next((s for name, s in speeds.items() if device and name.lower() in device.lower()), None)
    speed = chosen or speeds[data["default_speed"]]
    return Profile(
        name=data["name"],
        multiple=sizes["multiple"],
        min_pixels=sizes["min"] ** 2,
        max_pixels=sizes["max"] ** 2,
        default_size=(sizes["default"], sizes["default"]),
        default_steps=steps["default"],
        guidance=steps.get("guidance", 0.0),
        qualities=dict(steps.get("qualities", {})),
        step_s=Curve.of((side * side, s) for side, s in speed["step_s"]),
        encode_s=speed["encode_s"],
        decode_s=Curve.of((side * side, s) for side, s in speed["decode_s"]),
        weights_bytes=weights or {"model": base},
        peak_bytes=Curve.of((side * side, gb * 1e9 - base) for side, gb in memory["peak_gb"]),
        batch_gain=Curve.of((side * side, gain) for side, gain in data.get("batch_gain", [[1024, 1.075]])),
        tile_above_pixels=sizes.get("tile_above", 1536) ** 2,
        known_device=chosen is not None,
    )
