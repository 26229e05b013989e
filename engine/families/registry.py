"""Finding what is known of a model: its family by the class of its pipeline, its numbers by their name."""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import families as package
from engine.families.plan import ONE_CAPTION
from engine.families.profile import Curve, Hub, Offered, Peaks, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

    from engine.families.family import Family

INDEX = "model_index.json"
"""Of a folder in diffusers' layout; it names the class of the pipeline."""


@cache
def families() -> Mapping[str, Family]:
    """All there are, by the class of their pipeline. A module that has one calls it FAMILY."""
    names = [file.name for file in pkgutil.iter_modules(package.__path__)]
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return {module.FAMILY.pipeline: module.FAMILY for module in modules if hasattr(module, "FAMILY")}


def index_file(source: str, revision: str | None) -> Path | None:
    """The index of a folder, or of a hub's model; None where that was not downloaded yet."""
    if (folder := Path(source)).is_dir():
        return folder / INDEX
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(source, INDEX, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def published() -> list[Profile]:
    """The shipped profiles of models that a hub has, by name."""
    names = (file.name for file in resources.files(__package__).iterdir())
    profiles = (load_profile(name.removesuffix(".toml")) for name in sorted(names) if name.endswith(".toml"))
    return [profile for profile in profiles if profile.hub is not None]


def load_profile(name_or_path: str | Path, device: str = "") -> Profile:
    """A shipped profile by name, or one from a file. `device` picks among the speeds it lists.

    Raises FileNotFoundError for an unknown name, ValueError for a file that is no profile.
    """
    path = Path(name_or_path)
    try:
        data = _read(path) if path.suffix == ".toml" else _read_shipped(str(name_or_path))
        return _parse(data, device)
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"profile {name_or_path}: {error!r}") from error


def is_shipped(name: str) -> bool:
    """Whether Easel brings a profile of this name."""
    return _shipped(name).is_file()


def _shipped(name: str) -> Traversable:
    return resources.files(__package__) / f"{name}.toml"


def _read(file: Traversable) -> dict[str, Any]:
    """A profile's tables; those it does not have are those of the shipped one that it is `like`."""
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    return _read_shipped(data["like"]) | data if "like" in data else data


@cache
def _read_shipped(name: str) -> dict[str, Any]:
    return _read(_shipped(name))


def _parse(data: dict[str, Any], device: str) -> Profile:
    sizes, steps, memory = data["sizes"], data["steps"], data["memory"]
    speeds: dict[str, Any] = data["speed"]
    chosen = next((s for name, s in speeds.items() if device and name.lower() in device.lower()), None)
    speed = chosen or speeds[data["default_speed"]]
    return Profile(
        name=data["name"],
        planner=families()[data["pipeline"]].scheduled(steps) if "pipeline" in data else ONE_CAPTION,
        multiple=sizes["multiple"],
        min_pixels=sizes["min"] ** 2,
        max_pixels=sizes["max"] ** 2,
        default_size=(sizes["default"], sizes["default"]),
        default_steps=steps["default"],
        guidance=steps.get("guidance", 0.0),
        qualities=dict(steps.get("qualities", {})),
        step_s=_by_side(speed["step_s"]),
        encode_s=speed["encode_s"],
        decode_s=_by_side(speed["decode_s"]),
        weights_bytes=dict(memory["weights_bytes"]),
        precise_bytes=memory.get("precise_bytes", 0),
        peaks=_peaks(memory),
        batch_gain=_by_side(data.get("batch_gain", [[1024, 1.075]])),
        tile_above_pixels=sizes["tile_above"] ** 2,
        tile_px=sizes["tile"],
        offered=_offered(data),
        hub=Hub(**data["hub"]) if data.get("hub") else None,
        known_device=chosen is not None,
    )


def _offered(data: dict[str, Any]) -> Offered:
    """As the profile says; what it leaves out follows from what the model can draw."""
    sizes, told = data["sizes"], dict(data.get("offered", {}))
    grid = told.setdefault("grid", sizes["multiple"])
    shapes = told.pop("sizes", None) or _shapes(sizes["default"], sizes["max"], grid)
    qualities = data["steps"].get("qualities", {})
    told.setdefault("useful_steps", max([data["steps"]["default"], *qualities.values()]))
    return Offered(sizes={name: (width, height) for name, (width, height) in shapes.items()}, **told)


def _shapes(side: int, largest: int, grid: int) -> dict[str, tuple[int, int]]:
    """The usual ones, each with about the pixels of a square of the default side; and a larger square."""

    def shape(across: float, down: float) -> tuple[int, int]:
        longer = (across / down) ** 0.5
        width, height = (round(edge / grid) * grid for edge in (side * longer, side / longer))
        return width, height

    large = min(side * 3 // 2, largest) // grid * grid
    ratios = {"square": (1, 1), "portrait": (2, 3), "landscape": (3, 2), "tall": (9, 16), "wide": (16, 9)}
    return {name: shape(*ratio) for name, ratio in ratios.items()} | {"large": (large, large)}


def _peaks(memory: dict[str, Any]) -> Peaks:
    """By phase; or `peak_bytes` alone, where nobody could tell the phases apart."""
    whole = memory.get("peak_bytes", [])
    return Peaks(
        encode_bytes=memory.get("encode_bytes", 0),
        begin=_by_side(memory.get("begin_bytes", whole)),
        step=_by_side(memory.get("step_bytes", whole)),
        decode=_by_side(memory.get("decode_bytes", whole)),
    )


def _by_side(points: Iterable[tuple[float, float]]) -> Curve:
    return Curve.of((side * side, y) for side, y in points)
