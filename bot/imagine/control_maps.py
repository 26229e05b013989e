"""Control maps: the outlines, depth or pose of a picture, which a new one keeps to.

Outlines are found here, depth by a model that the owner names. Without one, and for a pose, the member brings
the finished map. Everything here blocks: call it off the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import structlog
from PIL import Image, ImageChops

from bot.messages import Reason, UserError, say
from engine.looking import DepthEstimator
from engine.request import ControlKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.config.control import Control

log = structlog.get_logger(__name__)

WEAK_EDGE, STRONG_EDGE = 100, 200
"""Canny's thresholds, those that control networks are trained with."""
NEARLY, CLEAR = 64, 0.95
"""Levels from black or white, and how much of a line drawing is so near to one of them."""
THICK_PART = 1 / 40
"""A part of the shorter side: what is thicker than this is no line but a shape."""
COLOURLESS = 12
"""Levels that the channels of a grey picture may be apart, JPEG being what it is."""
DARK, DARK_SHARE, COLOURFUL = 24, 0.5, 64
"""A pose's background: so dark, and so much of the picture at least. Its limbs' channels are so far apart."""


class Preprocessor(Protocol):
    """Makes one kind of map."""

    def map_of(self, picture: Image.Image) -> Image.Image | None:
        """A map of the picture's size, in RGB; None where nothing is found. Blocking."""


class Edges:
    """Outlines by Canny's method."""

    def map_of(self, picture: Image.Image) -> Image.Image | None:
        import cv2

        edges = cv2.Canny(np.asarray(picture.convert("L")), WEAK_EDGE, STRONG_EDGE)
        return Image.fromarray(edges).convert("RGB") if edges.any() else None


class Maps:
    """Makes maps of pictures, and leaves alone what is one already."""

    def __init__(
        self, section: Control, preprocessors: Mapping[ControlKind, Preprocessor] | None = None
    ) -> None:
        """`preprocessors` stand in for the models that bot.toml names."""
        self._preprocessors: dict[ControlKind, Preprocessor] = {ControlKind.EDGES: Edges()}
        if section.depth_model is not None:
            self._preprocessors[ControlKind.DEPTH] = DepthEstimator(section.depth_model)
        self._preprocessors |= preprocessors or {}

    def of(self, kind: ControlKind, picture: Image.Image) -> Image.Image:
        """The map of a picture in RGB, of its size.

        Raises UserError, one sentence, where it shows nothing to follow, or has to be brought finished.
        """
        if (finished := _FINISHED[kind](picture)) is not None:
            return finished
        preprocessor = self._preprocessors.get(kind)
        if preprocessor is None:
            raise UserError(say(f"error-control-map-{kind.value}"))
        try:
            made = preprocessor.map_of(picture)
        except Exception as error:  # whatever loading or running the owner's model raises
            log.exception("control.preprocessor_broke", kind=kind.value)
            told = say(f"error-control-map-{kind.value}").because(Reason.UNAVAILABLE)
            raise UserError(told) from error
        if made is None:
            raise UserError(say(f"error-control-nothing-{kind.value}"))
        return made


def _line_drawing(picture: Image.Image) -> Image.Image | None:
    """The lines of a picture that is nothing but lines, white on black, whichever way it was drawn."""
    import cv2

    grey = np.asarray(picture.convert("L"))
    clear = (grey < NEARLY) | (grey > 255 - NEARLY)
    lines = grey > 127
    if lines.mean() > 0.5:
        lines = ~lines
    width = max(3, round(min(grey.shape) * THICK_PART))
    shapes = cv2.erode(lines.astype(np.uint8), np.ones((width, width), np.uint8))
    if clear.mean() < CLEAR or not lines.any() or shapes.any():
        return None
    return Image.fromarray(lines).convert("RGB")


def _depth_map(picture: Image.Image) -> Image.Image | None:
    """The picture, where it is grey all over and not of one grey."""
    red, green, blue = picture.convert("RGB").split()
    for one, other in ((red, green), (green, blue)):
        if np.asarray(ImageChops.difference(one, other)).max() > COLOURLESS:
            return None
    grey = np.asarray(green)
    return picture.convert("L").convert("RGB") if int(grey.max()) - int(grey.min()) > COLOURLESS else None


def _pose(picture: Image.Image) -> Image.Image | None:
    """The picture, where it is black but for something in colour."""
    pixels = np.asarray(picture.convert("RGB")).astype(np.int16)
    dark = pixels.max(axis=2) < DARK
    coloured = pixels.max(axis=2) - pixels.min(axis=2) > COLOURFUL
    return picture.convert("RGB") if dark.mean() >= DARK_SHARE and coloured.any() else None


_FINISHED = {ControlKind.EDGES: _line_drawing, ControlKind.DEPTH: _depth_map, ControlKind.POSE: _pose}
"""A picture that is such a map already, ready to be followed; None of any other."""
