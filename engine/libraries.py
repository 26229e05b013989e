"""Imports of large libraries: how they take less time, and how they say nothing of no use to owners."""

from __future__ import annotations

import contextlib
import gc
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TALKATIVE = ("torchao", "torch.utils._pytree", "diffusers.quantizers")
"""Loggers that warn, whenever they are imported, of kernels this machine does not have."""


def quieten() -> None:
    """Let only errors of these libraries through. For every process that imports them."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Spare the garbage collector what is imported within: no search now, none later, none at the end.

    torch and what goes with it are a million objects that stay. Searching them again and again takes a fifth
    of the time it takes to start and leave.
    """
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        gc.enable()
