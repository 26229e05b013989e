"""How often and how much at once: per address before anybody is known, per key after. Kept in memory."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.messages import say
from bot.web.errors import TOO_FAST, ApiError, failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.config.faces import Http

IPV6_NETWORK = 64
"""What one household or machine is given: addresses inside it count as one."""
WINDOW_S = 60.0
LOGINS_A_MINUTE = 20
"""How often one address may sign in: each try spends a link, which is a write."""


class PerMinute:
    """Counts by name, each in windows of a minute that begin with its first hit.

    By a clock that only goes forward: a machine whose time is set back locks nobody out.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._swept_s = clock()

    def hit(self, name: str) -> float:
        """Count one more; how many seconds to wait instead, 0 where it is within the limit."""
        now_s = self._clock()
        if now_s - self._swept_s >= WINDOW_S:
            self._swept_s = now_s
            self._windows = {
                name: window for name, window in self._windows.items() if now_s - window[0] < WINDOW_S
            }
        began_s, hits = self._windows.get(name, (now_s, 0))
        if now_s - began_s >= WINDOW_S:
            began_s, hits = now_s, 0
        if hits >= self.most:
            return began_s + WINDOW_S - now_s
        self._windows[name] = (began_s, hits + 1)
        return 0.0


class RateLimit:
    """Refuses requests over the limit, with the seconds to wait."""

    def __init__(self, section: Http, clock: Callable[[], float] = time.monotonic) -> None:
        self._addresses = PerMinute(section.address_requests_a_minute, clock)
        self._keys = PerMinute(section.key_requests_a_minute, clock)
        self._logins = PerMinute(LOGINS_A_MINUTE, clock)
        self._at_once = section.requests_at_once
        self._open: Counter[str] = Counter()

    def address(self, host: str) -> None:
        """A request from an address. Raises ApiError."""
        _hit(self._addresses, _household(host))

    def login(self, host: str) -> None:
        """An attempt to sign in to the owner's page. Raises ApiError."""
        _hit(self._logins, _household(host))

    def key(self, prefix: str) -> None:
        """A request with a key. Raises ApiError."""
        _hit(self._keys, prefix)

    @contextlib.contextmanager
    def entered(self, prefix: str) -> Iterator[Callable[[], None]]:
        """One more open request of a key, until what this gives is called, or an error ends it.

        Raises ApiError.
        """
        if self._open[prefix] >= self._at_once:
            raise failed(say("api-at-once", limit=self._at_once), TOO_FAST)
        self._open[prefix] += 1
        leave = functools.partial(self._leave, prefix)
        try:
            yield leave
        except BaseException:
            leave()
            raise

    def _leave(self, prefix: str) -> None:
        self._open[prefix] -= 1
        if not self._open[prefix]:
            del self._open[prefix]


def _hit(limit: PerMinute, name: str) -> None:
    wait_s = math.ceil(limit.hit(name))
    if wait_s:
        kind = replace(TOO_FAST, retry_after_s=wait_s)
        raise ApiError(kind, say("api-too-fast", limit=limit.most, wait=wait_s))


def _household(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
