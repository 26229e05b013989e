"""How often and how much at once: per address before anybody is known, per key after. Kept in memory."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from bot.messages import say
from bot.web.errors import TOO_FAST, ApiError, failed

if TYPE_CHECKING:
    from bot.config.schema import Http

IPV6_NETWORK = 64
"""What one household or machine is given: addresses inside it count as one."""


class RateLimit:
    """Refuses what comes too fast, with the seconds to wait."""

    def __init__(self, section: Http) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._by_address = RateLimitItemPerMinute(section.address_requests_a_minute)
        self._by_key = RateLimitItemPerMinute(section.key_requests_a_minute)
        self._at_once = section.requests_at_once
        self._open: Counter[str] = Counter()

    async def address(self, host: str) -> None:
        """A request from an address. Raises ApiError."""
        await self._hit(self._by_address, _household(host))

    async def key(self, prefix: str) -> None:
        """A request with a key. Raises ApiError."""
        await self._hit(self._by_key, prefix)

    def enter(self, prefix: str) -> None:
        """One more open request of a key, until it leaves. Raises ApiError."""
        if self._open[prefix] >= self._at_once:
            raise failed(say("api-at-once", limit=self._at_once), TOO_FAST)
        self._open[prefix] += 1

    def leave(self, prefix: str) -> None:
        """That request is over."""
        self._open[prefix] -= 1
        if not self._open[prefix]:
            del self._open[prefix]

    async def _hit(self, limit: RateLimitItemPerMinute, whose: str) -> None:
        if await self._limiter.hit(limit, whose):
            return
        until = (await self._limiter.get_window_stats(limit, whose)).reset_time
        wait_s = max(1, math.ceil(until - time.time()))
        kind = replace(TOO_FAST, retry_after_s=wait_s)
        raise ApiError(kind, say("api-too-fast", limit=limit.amount, wait=wait_s))


def _household(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
