"""What holds for the whole suite."""

from __future__ import annotations

import asyncio
import gc
import signal
import types
from typing import TypeVar

import uvicorn.server

T = TypeVar("T")

LOOK_EVERY_S = 0.005


def pytest_configure() -> None:
    _hurry_servers()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _hurry_servers() -> None:
    """Let servers of tests end at once: uvicorn looks every tenth of a second whether it may."""

    async def sleep(delay_s: float, result: T | None = None) -> T | None:
        return await asyncio.sleep(min(delay_s, LOOK_EVERY_S), result)

    hurried = types.ModuleType("asyncio")
    vars(hurried).update(vars(asyncio), sleep=sleep)
    vars(uvicorn.server)["asyncio"] = hurried


def pytest_collection_finish() -> None:
    """Leave what the imports made (torch, diffusers, Ray) out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
