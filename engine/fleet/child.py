"""A worker in a process of its own on this machine.

What cannot be cured inside a process, a hung kernel or a broken CUDA context, ends with it: the front kills
it and starts another, and the chats stay connected. It also has an interpreter of its own, so a busy chat
never delays a kernel's launch.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import worker
from engine.fleet.remote import RemoteWorker
from engine.worker.child import read_message, write_message
from engine.worker.protocol import Card, WorkerLost

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from engine.request import DrawRequest
    from engine.worker.host import Build

LEAVE_S = 5.0
"""How long a process may take to leave by itself."""
ALIVE_S = 1.0
"""A process that does not even say so within this time is not asked to leave."""
LIMIT_BYTES = 1 << 20
"""What the stream reads ahead; a picture may be larger."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of `engine.worker.child`, and our end of its connection."""

    process: asyncio.subprocess.Process
    connection: socket.socket

    @classmethod
    async def spawn(cls, imports: Sequence[str]) -> Process:
        """It imports these modules, then waits to hear what it shall build."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", f"{worker.__name__}.child", str(theirs.fileno()), *imports,
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    async def kill(self) -> None:
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class ChildWorker(RemoteWorker):
    """Starts the process, and starts another each time it is started again.

    `imports`: modules that take seconds to import. A spare process then has them at hand, for the day when
    the one that draws is lost; it holds memory of the host, none of the device. `close` lets it go.
    """

    def __init__(self, name: str, build: Build, *, imports: Sequence[str] = ()) -> None:
        super().__init__(name)
        self._build = build
        self._imports = tuple(imports)
        self._spare: Process | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Queue[Any]] = {}
        self._lost: WorkerLost | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that draws now."""
        return self._process.pid if self._process is not None else None

    async def fetch(self) -> None:
        """There is no hurry at the start, so it is part of that."""

    async def start(self) -> Card:
        """Raises what building or loading the model raised; WorkerLost where the process died."""
        self._lost, self._device = None, None
        started = await self._take_spare() or await Process.spawn(self._imports)
        self._process = started.process
        reader, self._writer = await asyncio.open_connection(sock=started.connection, limit=LIMIT_BYTES)
        self._reading = asyncio.create_task(self._read(reader), name=f"answers of {self._name}")
        write_message(self._writer, (self._name, self._build))
        card = await super().start()
        if self._imports:
            self._spare = await Process.spawn(self._imports)
        return card

    async def stop(self) -> None:
        """Let the process leave; kill it where it is lost, or does not."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._lost is None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(ALIVE_S):
                    await self._ask("health")
                async with asyncio.timeout(LEAVE_S):
                    await self._ask("stop")
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if self._writer is not None:
            self._writer.close()
        await process.wait()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def close(self) -> None:
        """It is not started again."""
        if (spare := await self._take_spare()) is not None:
            await spare.kill()

    async def _take_spare(self) -> Process | None:
        """The process that stands by, where it still lives."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.process.returncode is not None:
            await spare.kill()
            return None
        return spare

    async def _ask(self, call: str, *arguments: object) -> Any:
        async with contextlib.aclosing(self._call(call, *arguments)) as answers:
            async for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise WorkerLost("it ended without an answer")

    def _answers(self, request: DrawRequest, lead_s: float) -> AsyncGenerator[Any]:
        return self._call("draw", request, lead_s)

    async def _call(self, name: str, *arguments: object) -> AsyncGenerator[Any]:
        """The answers to a call. Raises WorkerLost."""
        if self._writer is None or self._lost is not None:
            raise self._lost or WorkerLost("not started")
        number = next(self._numbers)
        answers = self._waiting[number] = asyncio.Queue()
        try:
            write_message(self._writer, (number, name, arguments))
            while True:
                answer = await answers.get()
                if isinstance(answer, WorkerLost) and answer is self._lost:
                    raise answer
                yield answer
        finally:
            del self._waiting[number]
            if self._lost is None and name == "draw":
                write_message(self._writer, (0, "abandon", (number,)))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Hand each answer to who waits for it, until the process is gone."""
        reason: Exception | None = None
        with contextlib.suppress(EOFError):
            while True:
                number, answer = await read_message(reader)
                if number == 0:  # it could not even be built
                    reason = answer
                elif (waiting := self._waiting.get(number)) is not None:
                    waiting.put_nowait(answer)
        process = self._process
        self._lost = WorkerLost(await _how_it_ended(process) if process is not None else "stopped")
        for waiting in self._waiting.values():
            waiting.put_nowait(reason or self._lost)


async def _how_it_ended(process: asyncio.subprocess.Process) -> str:
    """In words, with what often stands behind it."""
    try:
        async with asyncio.timeout(LEAVE_S):
            status = await process.wait()
    except TimeoutError:
        return "its process closed the connection"
    if status >= 0:
        return f"its process ended with status {status}"
    name = signal.Signals(-status).name
    hint = "; the kernel does that when memory runs out" if -status == signal.SIGKILL else ""
    return f"its process was killed by {name}{hint}"
