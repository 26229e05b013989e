"""Optional parts: one sentence where a library is missing that an extra of the package would bring."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import bot
import engine
import storage
from bot.messages import UserError, say

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "easel-bot"
"""The package's name where it is installed; `easel` belongs to others."""
OURS = {package.__name__.split(".")[0] for package in (bot, engine, storage)}


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """What is imported inside comes with the extra `name`. Raises `UserError` where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module in OURS:
            raise
        raise UserError(say("error-extra", module=module, extra=name)) from error
