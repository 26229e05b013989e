"""What the libraries of the engine say at import, which is of no use to owners."""

from __future__ import annotations

import logging

TALKATIVE = ("torchao", "torch.utils._pytree", "diffusers.quantizers")
"""Loggers that warn, whenever they are imported, of kernels this machine does not have."""


def quieten() -> None:
    """Let only errors of these libraries through. For every process that imports them."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
