"""Workers that are Ray actors, one a GPU, on one machine or many.

Ray places them, starts their processes, notices when they die, and carries messages and pictures. It decides
nothing else: an actor is not restarted and no call is retried by Ray, since the front does that, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

# Ray would end the whole process after a minute without its head; the bot has a queue to keep.
os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "1000000000")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Nor may a call begin a connection of its own, on the event loop.
os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")

import ray

from engine.fleet.ray_worker import Connection, RayWorker
from engine.threads import LastingThread, in_thread
from engine.worker.host import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.fleet.settings import RaySettings
    from engine.worker.host import Build
    from engine.worker.protocol import Worker

log = structlog.get_logger("engine")

NAMESPACE = "easel"
ONE_AT_A_TIME = threading.Lock()
"""Ray is one to a process. Without its head it takes seconds to end, and must not begin before it has."""
CONNECT_TIMEOUT_S = 60.0
ASK_TIMEOUT_S = 5.0
SHUTDOWN_TIMEOUT_S = 15.0
PAUSES_S = (1.0, 2.0, 5.0, 10.0)
"""Between attempts to reach the head; the last one goes on."""
CALLS = 1000
"""Calls an actor takes side by side: all its methods wait for something, none works."""


class RayFleet:
    """As many actors as are wanted, named worker-1, worker-2, ...

    `build` makes a worker's step loop, in the actor's process. `scaling`: Ray's autoscaler is told how many
    are wanted, so that machines come and go with them.
    """

    def __init__(
        self,
        settings: RaySettings,
        build: Build,
        *,
        scaling: bool = False,
    ) -> None:
        self._settings = settings
        self._build = build
        self._scaling = scaling
        self._wanted = 0
        self._taken: set[str] = set()
        self._changed = asyncio.Event()
        self._connection = Connection()
        self._thread: LastingThread | None = None
        """Lives as long as the connection: what Ray starts dies with the thread that started it."""
        self._head: tuple[str, int] | None = None
        self._node = ""

    async def arrivals(self) -> AsyncIterator[Worker]:
        while True:
            await self._connect()
            last_seen = asyncio.get_running_loop().time()
            while True:
                while (name := self._vacancy()) is not None:
                    self._taken.add(name)
                    yield RayWorker(name, partial(self._create, name), self._connection)
                await self._look_up()
                now = asyncio.get_running_loop().time()
                if await self._head_lives():
                    last_seen = now
                elif now - last_seen > self._settings.head_timeout_s:
                    break
            log.warning("ray_head_lost", action="ray_head_lost")
            await self._disconnect()

    def refill(self, worker: Worker) -> None:
        self._taken.discard(worker.name)
        self._changed.set()

    def want(self, count: int) -> None:
        if count != self._wanted:
            self._wanted = count
            self._changed.set()

    async def close(self) -> None:
        await self._disconnect()

    # One connection

    async def _connect(self) -> None:
        """Reach the head, however long that takes."""
        attempt = 0
        while True:
            try:
                if await self._answers(self._settings.address):
                    self._thread = LastingThread("ray")
                    await self._thread.run(self._init, timeout_s=CONNECT_TIMEOUT_S)
                    self._connection = Connection()
                    log.info("ray_connected", action="ray_connected", address=self._settings.address)
                    return
                reason = "nobody answers there"
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                await self._disconnect()
            log.warning(
                "ray_unreachable", action="ray_unreachable", address=self._settings.address, reason=reason
            )
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    def _init(self) -> None:
        settings = self._settings
        where: dict[str, Any] = {"address": settings.address}
        if settings.address == "local":
            where |= {"include_dashboard": False, "object_store_memory": settings.object_store_bytes}
        quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        with ONE_AT_A_TIME:
            ray.init(**where, **quiet, namespace=NAMESPACE, logging_level=logging.ERROR)
        context = ray.get_runtime_context()
        host, _, port = context.gcs_address.rpartition(":")
        self._head, self._node = (host, int(port)), context.get_node_id()

    async def _disconnect(self) -> None:
        self._head = None
        self._connection.ended = True
        thread, self._thread = self._thread, None
        if thread is not None:
            with contextlib.suppress(Exception):
                await thread.run(_shut_down, timeout_s=SHUTDOWN_TIMEOUT_S)
            thread.close()

    async def _head_lives(self) -> bool:
        """The head answers, and the node we are on is alive to it."""
        if self._head is None or not await _reachable(*self._head):
            return False
        try:
            nodes = await in_thread(ray.nodes, timeout_s=ASK_TIMEOUT_S)
        except Exception:
            return False
        return any(node["NodeID"] == self._node and node["Alive"] for node in nodes)

    async def _answers(self, address: str) -> bool:
        """False where we know whom to ask and nobody is there: Ray itself would try for minutes."""
        host, _, port = address.rpartition(":")
        return await _reachable(host, int(port)) if host else True

    # The actors

    def _vacancy(self) -> str | None:
        if len(self._taken) >= self._wanted:
            return None
        names = (f"worker-{n}" for n in range(1, len(self._taken) + 2))
        return next(name for name in names if name not in self._taken)

    def _create(self, name: str) -> Any:
        settings = self._settings
        actor = ray.remote(Host).options(
            num_gpus=settings.gpus,
            num_cpus=settings.cpus,
            resources=dict(settings.resources) or None,
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=CALLS,
        )
        return actor.remote(name, self._build)

    async def _look_up(self) -> None:
        """Until something changed, or it is time to look at the head."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.look_every_s):
                await self._changed.wait()
        if self._changed.is_set() and self._scaling:
            await self._tell_autoscaler()
        self._changed.clear()

    async def _tell_autoscaler(self) -> None:
        from ray.autoscaler.sdk import request_resources

        settings = self._settings
        bundle = {"CPU": settings.cpus, "GPU": settings.gpus, **settings.resources}
        bundles = [{name: amount for name, amount in bundle.items() if amount}] * self._wanted
        try:
            await in_thread(lambda: request_resources(bundles=bundles), timeout_s=ASK_TIMEOUT_S)
        except Exception as error:
            log.warning("autoscaler_not_told", action="autoscaler_not_told", reason=str(error))


def _shut_down() -> None:
    with ONE_AT_A_TIME:
        if ray.is_initialized():
            ray.shutdown()


async def _reachable(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
