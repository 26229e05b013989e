"""Whether there is room for what is accepted: a request that cannot be stored must be refused, not kept
waiting.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from .errors import Reason, StoreUnavailable

if TYPE_CHECKING:
    from .core import Core

STILL_FAILING_US = 60_000_000
"""A picture that could not be stored speaks against new ones for so long; by then it was tried again."""


def require_room(core: Core) -> None:
    """Raises StoreUnavailable: too few free bytes, or the last picture could not be stored."""
    trouble = core.picture_trouble
    if trouble is not None and 0 <= core.clock() - trouble[0] < STILL_FAILING_US:  # unless it was set back
        raise trouble[1]
    for folder in (core.path.parent, core.folder.path):
        try:
            free_bytes = shutil.disk_usage(folder).free
        except OSError:  # made again with the next picture
            continue
        if free_bytes < core.min_free_bytes:
            detail = f"{free_bytes} bytes are free on {folder}, {core.min_free_bytes} are needed"
            raise StoreUnavailable(Reason.DISK_FULL, detail)
