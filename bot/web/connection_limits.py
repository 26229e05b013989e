"""Limits on connections: requests must arrive in time, answers must be read, and nobody may take them all.

uvicorn leaves a connection open that never sends its headers, that sends a body byte by byte, or that reads
nothing of an answer. Each holds a file and memory, and a process has only so many files.
"""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import time
from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING, Any

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from bot.config.faces import Http

log = structlog.get_logger(__name__)

OTHER_FILES = 256
"""Files kept free for the database, pictures and the platforms."""
MOST_FILES = 65_536
SLOWEST_BYTES_S = 128 * 1024
"""How fast a large body must arrive: the time that a request may take grows with its length."""
TELL_EVERY_S = 60.0


def allow_files() -> int:
    """Raise the process's limit of open files as far as it may, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return most if soft == resource.RLIM_INFINITY else soft


class Connections:
    """Every open connection. At a limit the oldest one on which nothing is asked gives way to a new one."""

    def __init__(self, section: Http, files: int) -> None:
        """`files`: how many the process may open."""
        self.receive_timeout_s = section.receive_timeout.total_seconds()
        self.send_timeout_s = section.send_timeout.total_seconds()
        self.largest_bytes = section.max_upload_mb << 20
        self._by_address = section.connections_by_address
        self._proxies = [ipaddress.ip_network(proxy) for proxy in section.trusted_proxies]
        self._most = max(1, files - OTHER_FILES)
        self._open: dict[Connection, None] = {}
        self._of: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._refused = 0
        self._told_s = -TELL_EVERY_S

    def enter(self, connection: Connection, host: str) -> bool:
        """Count a new connection. False where there are too many, and each of them is at work."""
        crowd = self._of[host]
        full = len(self._open) >= self._most and not self._give_way(self._open)
        crowded = len(crowd) >= self._by_address and not self._is_proxy(host) and not self._give_way(crowd)
        if full or crowded:
            self._tell(host)
            return False
        self._open[connection] = crowd[connection] = None
        return True

    def leave(self, connection: Connection, host: str) -> None:
        """A connection has closed. Safe to call twice."""
        self._open.pop(connection, None)
        crowd = self._of.get(host, {})
        crowd.pop(connection, None)
        if not crowd:
            self._of.pop(host, None)

    def _give_way(self, among: dict[Connection, None]) -> bool:
        idle = next((connection for connection in among if connection.idle), None)
        if idle is None:
            return False
        self._tell(idle.host)
        idle.drop()
        return True

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in proxy for proxy in self._proxies)

    def _tell(self, host: str) -> None:
        self._refused += 1
        now_s = time.monotonic()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            log.warning("http.too_many_connections", address=host, open=len(self._open), closed=self._refused)
            self._refused = 0


class Awaited(Enum):
    """What a client still owes us."""

    NOTHING = 0
    HEADERS = 1
    BODY = 2


class Connection(H11Protocol):
    """uvicorn's connection, with a deadline for each request and each answer."""

    def __init__(self, connections: Connections, **parts: Any) -> None:
        super().__init__(**parts)
        self._connections = connections
        self._awaited = Awaited.NOTHING
        self._deadline: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._unread = 0
        self._was_read = False
        self.host = ""

    @property
    def idle(self) -> bool:
        """Whether no complete request is waiting for its answer."""
        return self.cycle is None or self.cycle.response_complete

    def drop(self) -> None:
        """Close it now, whatever is unsent."""
        self._connections.leave(self, self.host)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.host = self.client[0] if self.client else ""
        if not self._connections.enter(self, self.host):
            transport.abort()
            return
        self._wait_for(Awaited.HEADERS)
        self._watch_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.leave(self, self.host)
        self._wait_for(Awaited.NOTHING)
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.idle:
            self._wait_for(Awaited.HEADERS)
        else:
            self._wait_for(Awaited.BODY if self.cycle.more_body else Awaited.NOTHING)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.idle:  # from here on uvicorn's own limit for kept connections holds
            self._wait_for(Awaited.NOTHING)

    def resume_writing(self) -> None:
        self._was_read = True
        super().resume_writing()

    def _wait_for(self, what: Awaited) -> None:
        """Set the deadline for what is awaited. More bytes of the same do not extend it."""
        if what is self._awaited:
            return
        self._awaited = what
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if what is not Awaited.NOTHING:
            allowed_s = self._connections.receive_timeout_s
            if what is Awaited.BODY:
                allowed_s += self._claimed_bytes() / SLOWEST_BYTES_S
            self._deadline = self.loop.call_later(allowed_s, self.drop)

    def _claimed_bytes(self) -> int:
        """How long the body is to be, as far as that is told and allowed."""
        claimed = dict(self.headers).get(b"content-length", b"")
        return min(int(claimed[:20]), self._connections.largest_bytes) if claimed.isdigit() else 0

    def _watch_reader(self) -> None:
        """Look once in `send_timeout` whether the client has taken anything since the last time."""
        unread = self.transport.get_write_buffer_size()
        if unread and unread >= self._unread > 0 and not self._was_read:
            log.info("http.slow_reader", address=self.host)
            self.drop()
            return
        self._unread, self._was_read = unread, False
        self._watch = self.loop.call_later(self._connections.send_timeout_s, self._watch_reader)


def protocol(connections: Connections) -> type[Connection]:
    """What uvicorn makes for each connection, under the limits of `connections`."""

    class Limited(Connection):
        def __init__(self, **parts: Any) -> None:
            super().__init__(connections, **parts)

    return Limited
