"""The process of a worker that a front has started: `python -m engine.worker.child FD [MODULE ...]`.

The modules are imported at once, before anything is asked. It answers calls over a socket until the front
closes that, then it is gone: whatever hangs in it must not keep it. Messages are pickled, with their length
before them; both ends are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import os
import pickle
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from engine.libraries import importing, quieten
from engine.worker.host import Host

if TYPE_CHECKING:
    from engine.worker.host import Build

PR_SET_PDEATHSIG = 1
LENGTH_BYTES = 4


async def read_message(reader: asyncio.StreamReader) -> Any:
    """The next message. Raises EOFError where the other end is gone."""
    try:
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        return pickle.loads(await reader.readexactly(length))  # noqa: S301 - our own process sent it
    except (asyncio.IncompleteReadError, OSError) as error:
        raise EOFError from error


def write_message(writer: asyncio.StreamWriter, message: object) -> None:
    """Send a message, as soon as the other end takes it."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    writer.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)


class Service:
    """Calls of one host: each has a number, and answers that bear it."""

    def __init__(self, host: Host, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._writer = writer
        self._calls: dict[int, asyncio.Task[None]] = {}

    def take(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        """Begin a call; `abandon` ends one that nobody waits for any more."""
        if name == "abandon":
            if (call := self._calls.get(arguments[0])) is not None:
                call.cancel()
            return
        task = asyncio.create_task(self._answer(number, name, arguments))
        self._calls[number] = task
        task.add_done_callback(lambda _: self._calls.pop(number))

    async def _answer(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        try:
            if name == "draw":
                async with contextlib.aclosing(self._host.draw(*arguments)) as answers:
                    async for answer in answers:
                        self._send(number, answer)
            else:
                self._send(number, await self._host.ask(name, *arguments))
        except Exception as error:
            self._send(number, error)

    def _send(self, number: int, answer: object) -> None:
        try:
            write_message(self._writer, (number, answer))
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            write_message(self._writer, (number, RuntimeError(f"{type(answer).__name__}: {error}")))


async def serve(connection: socket.socket) -> None:
    """Answer until the front is gone. The first message says how the step loop is built."""
    reader, writer = await asyncio.open_connection(sock=connection)
    with contextlib.suppress(EOFError):
        name, build = await read_message(reader)
        service = await _built(name, build, writer)
        while service is not None:
            service.take(*await read_message(reader))
    os._exit(0)  # a thread that hangs in the driver would be waited for


async def _built(name: str, build: Build, writer: asyncio.StreamWriter) -> Service | None:
    """Importing torch takes seconds; a setting it cannot carry out is the answer to the first call."""
    try:
        return Service(await asyncio.to_thread(Host, name, build), writer)
    except Exception as error:
        write_message(writer, (0, error))
        await writer.drain()
        return None


def main() -> None:
    # The front decides when this ends: neither a Ctrl-C meant for it nor its own end may leave a device held.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    quieten()
    with importing():
        for module in sys.argv[2:]:
            importlib.import_module(module)
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
