"""What `easel calibrate` measured, kept in the data folder: points while it runs, a profile at its end.

`calibration.json` holds the raw points, so that an interrupted run goes on where it was. `profile.toml` is
written from them in the engine's own form; the plan reads its [measured] table as one more card. Where there
are several models, each has files of its own, such as `profile-NAME.toml`.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cost.catalogue import Card
from bot.folders import make_folder

if TYPE_CHECKING:
    from bot.config.schema import Config

PROFILE = "profile.toml"
"""What the engine and `easel plan` read, in the data folder."""
FILES = ("calibration.json", PROFILE, "calibration.md", "calibration.png")
"""All that is written: raw points, profile, tables, plots."""


@dataclass(frozen=True, slots=True)
class Size:
    """One picture of edge x edge: seconds in all, and bytes at its peak with the weights."""

    edge: int
    seconds: float
    step_s: float
    decode_s: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Together:
    """Several pictures at once: seconds for one, images an hour for all, bytes at the peak."""

    count: int
    seconds: float
    images_an_hour: float
    peak_bytes: int


@dataclass(slots=True)
class Points:
    """All that was measured so far. Valid for one model on one device."""

    model: str
    device: str
    quick: bool = False
    edge: int = 0
    """The edge, in pixels, of the pictures that steps and concurrency were measured with."""
    memory_bytes: int = 0
    resident_bytes: int = 0
    encode_s: float = 0.0
    sizes: dict[str, Size] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    """Seconds of a picture of the default size by its steps."""
    together: dict[str, Together] = field(default_factory=dict)
    stopped: str = ""
    """Why no more at once were tried: `memory`, `throughput` or `limit`."""

    def key(self) -> tuple[str, str, bool]:
        return self.model, self.device, self.quick


def paths(config: Config, model: str) -> tuple[Path, ...]:
    """FILES of one of the models; of the only one, as they are called."""
    names = (Path(name) for name in FILES)
    return tuple(
        config.storage.folder / (name.with_stem(f"{name.stem}-{model}") if model else name) for name in names
    )


def profile_path(config: Config, model: str) -> Path:
    """What was measured of a model on this machine."""
    return paths(config, model)[FILES.index(PROFILE)]


def load(file: Path, fresh: Points) -> Points:
    """The points of an earlier run of the same kind that was interrupted, else `fresh`."""
    try:
        data = json.loads(file.read_text("utf-8"))
        kept = Points(
            **{
                **data,
                "sizes": {name: Size(**point) for name, point in data["sizes"].items()},
                "together": {name: Together(**point) for name, point in data["together"].items()},
            }
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return fresh
    return kept if kept.key() == fresh.key() and not kept.stopped else fresh


def save(file: Path, points: Points) -> None:
    """Replace the file as a whole: a crash leaves the old one."""
    _replace(file, json.dumps(asdict(points), indent=1))


def write_profile(file: Path, points: Points, text: str) -> None:
    """The profile in the engine's form, with the plan's table below it."""
    _replace(file, text + _measured(points))


def as_card(file: Path) -> Card | None:
    """This machine as a card of the catalogue, or None where it was not measured."""
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)["measured"]
        throughput = tuple((int(count), Decimal(images)) for count, images in table["throughput"])
        return Card(name=str(table["device"]), throughput=throughput)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fit(points: Points) -> tuple[Fraction, Fraction, Fraction]:
    """Seconds by steps as a line: seconds a step, seconds at no step, R2."""
    from bot.cost.formulas import line

    return line([(int(steps), Fraction(str(seconds))) for steps, seconds in points.steps.items()])


def _measured(points: Points) -> str:
    throughput = ", ".join(
        f"[{point.count}, {point.images_an_hour:.3f}]"
        for point in sorted(points.together.values(), key=lambda point: point.count)
    )
    return (
        "\n# For `easel plan --measured`.\n[measured]\n"
        f"device = {json.dumps(points.device)}\n"
        f"throughput = [{throughput}]\n"
    )


def _replace(file: Path, text: str) -> None:
    make_folder(file.parent)
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    os.replace(fresh, file)
