"""One line of advice when a request costs more than it needs to. It never asks and never delays.

What the rules themselves notice (useless steps, a size off the grid) comes from
`bot.imagine.request.resolve`. Here is what needs to know the member: each piece of advice comes once a day,
and none where a rule has spoken.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import structlog

from bot.imagine.request import ImageRequest
from bot.messages import say
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.imagine.options import Options
    from bot.imagine.request import Resolved
    from bot.messages import Message
    from storage.store import Store

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
PATIENCE_S = 0.5
"""A request does not wait longer than this for advice."""
ALIKE = 0.75
"""Prompts this similar are versions of one prompt."""
MANY_MEMBERS = 10_000


class Adviser:
    """Remembers what it told whom today, and nothing else."""

    def __init__(
        self, store: Store, *, clock: Callable[[], float] = time.monotonic, patience_s: float = PATIENCE_S
    ) -> None:
        self._store = store
        self._patience_s = patience_s
        self._clock = clock
        self._told_s: dict[tuple[str, str], float] = {}

    async def advise(self, member_key: str, options: Options, resolved: Resolved) -> Resolved:
        """The resolved request with at most one more note."""
        if resolved.notes:
            return resolved
        try:
            async with asyncio.timeout(self._patience_s):
                before = await self._before(member_key) if options.seed is None else None
        except (StorageError, TimeoutError) as error:
            log.info("advice.none", reason=str(error))
            return resolved
        advice = for_request(options, resolved.request, before)
        if advice is None or not self._is_news(member_key, advice):
            return resolved
        return dataclasses.replace(resolved, notes=(advice,))

    async def _before(self, member_key: str) -> ImageRequest | None:
        last = await self._store.requests.history(member_key, 1)
        try:
            return ImageRequest.from_json(last[0].payload) if last else None
        except ValueError:  # written by another version, or forgotten
            return None

    def _is_news(self, member_key: str, advice: Message) -> bool:
        now_s, key = self._clock(), (member_key, advice.id)
        if now_s - self._told_s.get(key, -DAY_S) < DAY_S:
            return False
        if len(self._told_s) >= MANY_MEMBERS:
            self._told_s = {k: at_s for k, at_s in self._told_s.items() if now_s - at_s < DAY_S}
        self._told_s[key] = now_s
        return True


def for_request(options: Options, request: ImageRequest, before: ImageRequest | None) -> Message | None:
    """What is worth saying about a request, the dearest waste first; `before` is the member's last one."""
    if request.images > 1:
        return say("advice-images", images=request.images)
    if options.seed is None and before is not None and _is_version_of(request, before):
        return say("advice-seed", seed=str(before.seed))
    return None


def _is_version_of(request: ImageRequest, before: ImageRequest) -> bool:
    """Whether this is the last picture with a change, which its seed would show, and not just another try."""
    same = dataclasses.replace(request, seed=before.seed, private=before.private)
    if same == before:
        return False
    return SequenceMatcher(None, request.prompt, before.prompt).ratio() >= ALIKE
