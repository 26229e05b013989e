"""Owns a part's tasks: each is referenced, logged if it fails, and cancelled and awaited at the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Tasks:
    """Tasks of one part of the bot; `name` is the part's, for the log. `close` before the loop ends."""

    def __init__(self, name: str, told: type[Exception] | tuple[type[Exception], ...] = ()) -> None:
        """Errors of the kinds `told` are not logged: whoever awaits the task tells them."""
        self._name = name
        self._told = told
        self._running: dict[object, asyncio.Task[Any]] = {}

    def start(self, work: Coroutine[Any, Any, T], *, key: object = None) -> asyncio.Task[T]:
        """Run `work` in a task. Where one with this `key` runs already, that one is returned instead."""
        if key is not None and (running := self._running.get(key)) is not None:
            work.close()
            return running
        task = asyncio.create_task(work)
        self.adopt(task, key=key)
        return task

    def adopt(self, task: asyncio.Task[Any], *, key: object = None) -> None:
        """Own a task that something else created (a library's)."""
        key = task if key is None else key
        self._running[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))

    def get(self, key: object) -> asyncio.Task[Any] | None:
        """The running task with this key."""
        return self._running.get(key)

    def __len__(self) -> int:
        return len(self._running)

    async def settled(self) -> None:
        """Wait until no task runs."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def close(self) -> None:
        """Cancel what still runs, and wait for its end. The task that closes is left alone."""
        tasks = [task for task in self._running.values() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: object, task: asyncio.Task[Any]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        if task.cancelled() or (error := task.exception()) is None or isinstance(error, self._told):
            return
        if isinstance(error, StorageError):
            log.warning("task.died", part=self._name, exc_info=error)
        else:
            log.error("task.died", part=self._name, exc_info=error)
