"""How log lines look in tests, and everything back in its place after a test that sets logging up."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

import structlog

from bot.logs import REPEATING, WORDY

if TYPE_CHECKING:
    from collections.abc import Iterator


def print_plainly() -> None:
    """structlog's default draws each traceback with all variables, which takes longer than most tests."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, renderer]
    )


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Whatever is done to logging within is undone."""
    root, hook, configured = logging.getLogger(), sys.excepthook, structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook = hook
        for name in WORDY:
            logging.getLogger(name).setLevel(logging.NOTSET)
        for name in REPEATING:
            logging.getLogger(name).filters.clear()
        structlog.configure(**configured)
