"""What can be done where memory ran out."""

from __future__ import annotations

import enum

from engine.events import Phase


class Remedy(enum.Enum):
    """The rungs of the ladder."""

    HALVE = "halve the group"
    ALONE = "run it alone"
    TILE = "decode in smaller tiles"
    CACHES = "drop the caches"
    TILE_AGAIN = "decode in still smaller tiles"
    ENCODER_OUT = "send the text encoder out"
    FAIL = "fail the job"


FOR_ONE = {
    Phase.ENCODE: (Remedy.ALONE, Remedy.CACHES),
    Phase.BEGIN: (Remedy.ALONE, Remedy.CACHES, Remedy.ENCODER_OUT),
    Phase.DENOISE: (Remedy.ALONE, Remedy.CACHES, Remedy.ENCODER_OUT),
    Phase.DECODE: (Remedy.TILE, Remedy.ALONE, Remedy.CACHES, Remedy.TILE_AGAIN, Remedy.ENCODER_OUT),
}
"""What is tried for a job by itself, from top to bottom: what costs everybody time comes last."""
