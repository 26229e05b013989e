"""What is known of a model on a device before it has drawn here: sizes, seconds, memory.

Profiles are data, in families/*.toml; memory is in bytes. They are where predictions start; what is measured
replaces them (`predict` for seconds, `memory` for bytes).
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.events import Phase
from engine.families.plan import ONE_CAPTION, Planner
from engine.families.tiles import Grid
from engine.request import ControlKind, Role, Undrawable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.families.plan import Need, Plan
    from engine.families.zimage_control import ControlFile
    from engine.request import Picture


CONTROL = "control"
"""The control network, among the weights: it stays with the transformer."""


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

    def at_least(self, y: float) -> Curve:
        """The same, nowhere lower than this."""
        return Curve(tuple((x, max(y, told)) for x, told in self.points) or ((0.0, y),))


@dataclass(frozen=True, slots=True)
class Peaks:
    """Bytes that the calls for one picture hold above the weights, by phase. Curves take pixels."""

    encode_bytes: int = 0
    begin: Curve = Curve(())
    step: Curve = Curve(())
    """Of one forward with one caption."""
    hints: Curve = Curve(())
    """Of what a control network makes for it, on top."""
    decode: Curve = Curve(())
    """Of as many pixels as are decoded at once: no more than a tile has."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What is worth offering to people of all that a model can draw. The engine itself reads none of it."""

    grid: int = 16
    """Both sides are multiples of this, in pixels."""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """(width, height) by the name of a shape."""
    max_steps: int = 50
    useful_steps: int = 50
    """More hardly change the picture."""
    max_guidance: float = 10.0
    negative_guidance: float | None = None
    """What a negative prompt needs at least; None where the model reads none."""
    strength: Mapping[str, float] = field(default_factory=dict)
    """How strongly a picture is changed where nobody says, by what is done with it."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Where a model is published."""

    source: str
    download_bytes: int

    @property
    def title(self) -> str:
        return self.source.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Profile:
    """A model on a device. Curves take the picture's pixels (width * height)."""

    name: str
    planner: Planner = ONE_CAPTION
    multiple: int = 1
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
    precise_bytes: int = 0
    """Of the transformer's bytes, those that stay as they are when it is quantised."""
    peaks: Peaks = Peaks()
    batch_gain: Curve = Curve(((1.0, 1.0),))
    """Pictures a second of two in one forward over one after the other."""
    tile_above_pixels: int = 1024 * 1024
    """Larger pictures are decoded in tiles."""
    tile_px: int = 1024
    """Side of a tile."""
    takes_pictures: bool = True
    """Pictures that come with a request reach it; where not, only words do."""
    control: ControlFile | None = None
    """The control network beside it."""
    offered: Offered = Offered()
    hub: Hub | None = None
    known_device: bool = False
    """The seconds were measured on this very kind of device."""

    @property
    def resident_bytes(self) -> int:
        return sum(self.weights_bytes.values())

    def quantised(self, itemsize: int = 2) -> Profile:
        """The same with the transformer's weights in 8 bits, instead of `itemsize` bytes each."""
        weights, precise = dict(self.weights_bytes), self.precise_bytes
        weights["transformer"] = precise + (weights["transformer"] - precise) // itemsize
        return replace(self, weights_bytes=weights)

    def controlled(self, file: ControlFile, itemsize: int = 2) -> Profile:
        """The same with a control network beside it, in `itemsize` bytes a number."""
        sides = (self.multiple, math.isqrt(self.max_pixels))
        hints = [file.hints_bytes((side // self.multiple) ** 2, itemsize) for side in sides]
        return replace(
            self,
            control=file,
            weights_bytes={**self.weights_bytes, CONTROL: file.parameters * itemsize},
            peaks=replace(
                self.peaks, hints=Curve.of((side**2, y) for side, y in zip(sides, hints, strict=True))
            ),
        )

    @property
    def controls(self) -> frozenset[ControlKind]:
        """The maps that pictures can follow: none without a control network."""
        return self.control.kinds if self.control is not None else frozenset()

    def forwards(self, need: Need) -> float:
        """How many plain forwards with one caption a step comes to, in time."""
        added_time = need.controls * self.control.added_time if self.control is not None else 0.0
        return need.captions * (1 + added_time)

    def peak_bytes(self, phase: Phase, pixels: int, captions: int = 1, controls: int = 0) -> int:
        """Bytes above the weights that such a call is expected to hold, for one picture."""
        if phase is Phase.ENCODE:
            return self.peaks.encode_bytes
        if phase is Phase.BEGIN:
            return round(self.peaks.begin.at(self.decoded_at_once(pixels)))
        if phase is Phase.DENOISE:
            return round((self.peaks.step.at(pixels) + controls * self.peaks.hints.at(pixels)) * captions)
        return round(self.peaks.decode.at(self.decoded_at_once(pixels)))

    def tile_for(self, pixels: int) -> int | None:
        """Side of the tiles that a picture is decoded in; None where it is decoded as a whole."""
        return self.tile_px if pixels > self.tile_above_pixels else None

    def decoded_at_once(self, pixels: int) -> int:
        """Pixels in the largest piece that the decoder is given, or the encoder."""
        return pixels if pixels <= self.tile_above_pixels else min(pixels, self.tile_px**2)

    def plan(self, request: Picture) -> Plan:
        """What drawing a request comes to. Raises Undrawable for what this model cannot draw."""
        width, height = request.width, request.height
        on_grid = width % self.multiple == 0 and height % self.multiple == 0 and width > 0 and height > 0
        if not on_grid or request.steps < 1:
            raise Undrawable(f"{width}x{height} in {request.steps} steps cannot be drawn")
        if not self.follows(request):
            kinds = ", ".join(picture.kind.value for picture in request.inputs if picture.kind) or "no kind"
            raise Undrawable(f"{self.name} has no control network here that follows {kinds}")
        if not self.takes(request):
            roles = ", ".join(sorted({picture.role.value for picture in request.inputs}))
            raise Undrawable(f"{self.name} does not draw from pictures here ({roles})")
        init = request.input(Role.INIT)
        enlarges = init is not None and init.enlarged
        if (tiles := self.tiles(request)) is None:
            return replace(self.planner.plan(request), enlarges=enlarges)
        if width * height > self.max_enlarged_pixels:
            raise Undrawable(f"{width}x{height} is larger than a picture of this model can be made")
        tile = self.planner.plan(replace(request, width=tiles.width, height=tiles.height))
        return replace(tile, steps=tile.steps * len(tiles), pixels=width * height, enlarges=enlarges)

    @property
    def max_enlarged_pixels(self) -> int:
        """The largest picture that can be drawn from another: twice the side of the largest from words."""
        return 4 * self.max_pixels

    def tiles(self, request: Picture) -> Grid | None:
        """The tiles that it is drawn in: where it is too large for the model, and begins from a picture."""
        if request.width * request.height <= self.max_pixels or request.input(Role.INIT) is None:
            return None
        side = min(self.default_size) // self.multiple * self.multiple
        return Grid.over(request.width, request.height, side, multiple=self.multiple)

    def takes(self, request: Picture) -> bool:
        """Whether it can draw from all the pictures that come with a request."""
        roles = {picture.role for picture in request.inputs}
        return not roles or (self.takes_pictures and roles <= self.planner.takes and self.follows(request))

    def follows(self, request: Picture) -> bool:
        """Whether its control network knows the maps that come with a request."""
        return all(
            picture.kind in self.controls for picture in request.inputs if picture.role is Role.CONTROL
        )
