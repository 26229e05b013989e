"""The machine that a world's bot runs on: its clocks, its threads, its disk, its randomness.

Its threads are greenlets. So exactly one runs at any moment, the event loop's or one that the loop has handed
the turn to and that gives it back when it waits; a seed decides every interleaving, and replays it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import resource
import secrets
import sqlite3
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.world.loop import WorldLoop

SYSTEM_US = time.time_ns() // 1000
"""Where no world runs, time stands still."""


class Killed(BaseException):
    """The process is no more."""


class Machine:
    """One at a time; `MACHINE` is what the standard library's clocks and threads ask once `take_over` ran."""

    def __init__(self) -> None:
        self.loop: WorldLoop | None = None
        self.chance: random.Random | None = None
        self.wall_us = SYSTEM_US
        """The wall's clock when the loop's is 0. Stepping it moves the one and not the other."""
        self.disk_full = False
        self.databases: list[sqlite3.Connection] = []
        self.threads: list[Thread] = []

    def monotonic(self) -> float:
        return self.loop.time() if self.loop is not None else 0.0

    def time_ns(self) -> int:
        return (self.wall_us + round(self.monotonic() * 1e6)) * 1000

    def random_bytes(self, count: int | None = None) -> bytes:
        assert self.chance is not None, "no world runs"
        return self.chance.randbytes(32 if count is None else count)

    def latency_s(self) -> float:
        """How long a thread takes to get at something; now and then the disk or the scheduler is slow."""
        assert self.chance is not None, "no world runs"
        return self.chance.expovariate(1000) + (self.chance.random() < 0.01) * self.chance.uniform(0, 2)

    @contextlib.contextmanager
    def disk(self) -> Iterator[None]:
        """Who writes in here meets the disk as it is. A full one is real: the kernel refuses each byte."""
        if not self.disk_full:
            yield
            return
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def bury(self, folder: Path) -> None:
        """After a kill: every thread ends where it stands, and the kernel closes all files in `folder`."""
        for thread in self.threads:
            thread.end()
        for database in self.databases:
            database.close()
        self.threads.clear()
        self.databases.clear()
        for descriptor in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(folder)):
                    os.close(int(descriptor))


MACHINE = Machine()


class Thread(greenlet):
    """threading.Thread: its target runs while the loop waits, until it waits itself."""

    def __init__(self, target: Callable[..., object], args: tuple[object, ...] = (), **_: object) -> None:
        super().__init__(self._work, parent=getcurrent())
        self._target, self._args = target, args
        self._loop = MACHINE.loop
        self._answered_at = 0.0

    def start(self) -> None:
        MACHINE.threads.append(self)
        self.go_on_in(0.0)

    def join(self, timeout: float | None = None) -> None:
        """Whoever is to end ends at its next turn: there is nothing to wait for."""

    def go_on_in(self, seconds: float) -> None:
        assert self._loop is not None, "started outside of a world"
        self._loop.call_later(seconds, self._have_turn)

    def answer_at(self, now: float) -> float:
        """When the loop hears what this thread tells it now: later, and in order."""
        self._answered_at = max(self._answered_at, now + MACHINE.latency_s())
        return self._answered_at

    def wait(self) -> None:
        """Give the turn back until `go_on_in` has it come round again. For the thread itself."""
        assert self.parent is not None
        self.parent.switch()

    def end(self) -> None:
        """For who kills the process."""
        while not self.dead:
            self.throw(Killed)

    def _have_turn(self) -> None:
        if not self.dead:
            with MACHINE.disk():
                self.switch()

    def _work(self) -> None:
        with contextlib.suppress(Killed):
            self._target(*self._args)


def current_thread() -> Thread | None:
    """The world's thread that runs; None on the loop's."""
    current = getcurrent()
    return current if isinstance(current, Thread) else None


def sleep(seconds: float) -> None:
    """Let the world's time pass, in a thread."""
    thread = current_thread()
    assert thread is not None, "only threads may block"
    thread.go_on_in(seconds)
    thread.wait()


def hang() -> None:
    """Never come back, but from the process's end."""
    thread = current_thread()
    assert thread is not None, "only threads may block"
    while True:
        thread.wait()


class SimpleQueue:
    """queue.SimpleQueue, for one consumer in a thread of the world."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: Thread | None = None

    __class_getitem__ = classmethod(lambda cls, _: cls)

    def put(self, item: Any) -> None:
        self._items.append(item)
        thread, self._waiting = self._waiting, None
        if thread is not None:
            thread.go_on_in(MACHINE.latency_s())

    put_nowait = put

    def get(self) -> Any:
        while not self._items:
            self._waiting = current_thread()
            assert self._waiting is not None, "only threads may block"
            self._waiting.wait()
        return self._items.popleft()


def _connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    """sqlite3.connect: the connection is remembered, to be let go of in a kill."""
    database = _real_connect(*args, **(kwargs | {"check_same_thread": False}))
    MACHINE.databases.append(database)
    return database


_real_connect = sqlite3.connect


def take_over() -> None:
    """Put the machine below the standard library of this process. Before the bot and aiosqlite are imported,
    since they take their clocks and threads from there.
    """
    time.monotonic = time.perf_counter = MACHINE.monotonic
    time.time_ns = MACHINE.time_ns
    secrets.token_bytes = MACHINE.random_bytes
    secrets.token_hex = lambda count=None: MACHINE.random_bytes(count).hex()
    secrets.randbelow = lambda limit: int.from_bytes(MACHINE.random_bytes(16)) % limit
    threading.Thread = Thread  # type: ignore[misc, assignment]
    queue.SimpleQueue = SimpleQueue  # type: ignore[misc, assignment]
    sqlite3.connect = _connect
