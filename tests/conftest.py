"""What holds for the whole suite."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import certifi
import hypothesis
import uvicorn.server
from _pytest.mark.expression import Expression

from tests import logs

if TYPE_CHECKING:
    import pytest

T = TypeVar("T")

LOOK_EVERY_S = 0.005
LONG = {"world", "crash", "cluster", "model"}
MARK = re.compile(r"\bpytest\.mark\.(\w+)")
MARKS_OF_ALL = re.compile(r"^pytestmark = .*?(?=^[^\s\]]|\Z)", re.MULTILINE | re.DOTALL)


def pytest_configure(config: pytest.Config) -> None:
    _hurry_servers()
    _trust_one(config)
    # Made-up examples take as long as the machine needs for them.
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("easel", deadline=None, suppress_health_check=slow)
    hypothesis.settings.load_profile("easel")
    logs.print_plainly()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _hurry_servers() -> None:
    """Let servers of tests end at once: uvicorn looks every tenth of a second whether it may."""

    async def sleep(delay_s: float, result: T | None = None) -> T | None:
        return await asyncio.sleep(min(delay_s, LOOK_EVERY_S), result)

    hurried = types.ModuleType("asyncio")
    vars(hurried).update(vars(asyncio), sleep=sleep)
    vars(uvicorn.server)["asyncio"] = hurried


def _trust_one(config: pytest.Config) -> None:
    """Leave clients one root of the 140: none speaks TLS here, and each of them would read them all anew."""
    first = re.match(r".*?-----END CERTIFICATE-----\n", Path(certifi.where()).read_text("utf-8"), re.DOTALL)
    assert first is not None
    folder = tempfile.TemporaryDirectory(prefix="easel-tests-")
    config.add_cleanup(folder.cleanup)
    roots = Path(folder.name) / "roots.pem"
    roots.write_text(first[0], "utf-8")
    os.environ["SSL_CERT_FILE"] = str(roots)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip a file all of whose tests `-m` rules out, before it imports torch or a browser for nothing."""
    asked = config.getoption("markexpr")
    if not asked or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text("utf-8")
    of_all = MARKS_OF_ALL.search(text)
    if of_all is None:
        return None
    wanted = Expression.compile(asked)
    for marks in (MARK.findall(of_all[0]), MARK.findall(text)):
        if wanted.evaluate(lambda name, marks=marks, **_: name in marks):
            return None
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have tests of minutes, so that no core idles while the last of them ends."""
    long = {item.path for item in items if any(mark.name in LONG for mark in item.iter_markers())}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Leave what the imports made (torch, diffusers, Ray) out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
