"""Follows each request to its end on one platform: progress, pictures, acknowledgement, and failures.

A request has one task. It may die at any point: what must be known is in the database, and `recover` goes on
from there. Nothing is charged before the platform has acknowledged the pictures.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars

from bot.faces.pacing import paced
from bot.faces.screen import Gone, Unreachable
from bot.imagine.events import Done, Failed
from bot.messages import Reason, say, translator
from bot.tasks import Tasks
from storage.errors import UnknownJob, UnknownRequest
from storage.records.requests import CancelledBy

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.faces.screen import Screen
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator

    ScreenFor = Callable[[LiveRequest, Translator], Screen]

log = structlog.get_logger(__name__)

FAREWELL_S = 3.0
"""How long the screens may take, when the bot stops, to say that requests are kept."""

AT_ONCE = 16
"""Results that are handed over at the same time: only their pictures are in memory."""

KEPT = Failed(say("error-draining-kept").because(Reason.DRAINING), kept=True)


class Delivery:
    """The requests of one platform that are on their way. `recover` at the start, `close` at the end."""

    def __init__(self, service: Service, platform: str, screen_for: ScreenFor) -> None:
        """`screen_for` makes the screen of a request; it raises `Unreachable` where it has no address."""
        self._service = service
        self._platform = platform
        self._screen_for = screen_for
        self._tasks = Tasks(f"{platform}.delivery")
        self._handing_over = asyncio.Semaphore(AT_ONCE)
        self._screens: dict[str, tuple[LiveRequest, Screen]] = {}

    @property
    def following(self) -> tuple[LiveRequest, ...]:
        """The requests on their way."""
        return tuple(live for live, _ in self._screens.values())

    async def recover(self) -> None:
        """Go on with what an earlier process left."""
        service, platform = self._service, self._platform
        for live in [*await service.requests.undelivered(platform), *await service.requests.untold(platform)]:
            self.follow(live)

    def follow(self, live: LiveRequest, screen: Screen | None = None) -> asyncio.Task[bool]:
        """Follow a request to its end. Once more for the same request changes nothing.

        The task's result tells whether pictures were handed over.
        """
        return self._tasks.start(self._follow(live, screen), key=live.request_id)

    async def leave(self, live: LiveRequest) -> None:
        """Follow a request no longer; it stays as it is, for somebody else to follow."""
        if (task := self._tasks.get(live.request_id)) is not None:
            task.cancel()
            await asyncio.wait([task])

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        await self._tasks.settled()

    async def close(self, farewell_s: float = FAREWELL_S) -> None:
        """Let go of every request, after saying for at most `farewell_s` that it is kept over the restart."""
        unfinished = [screen for live, screen in self._screens.values() if farewell_s and not live.finished]
        await self._tasks.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(farewell_s):
                await asyncio.gather(*(screen.tell(KEPT) for screen in unfinished), return_exceptions=True)

    async def _follow(self, live: LiveRequest, screen: Screen | None) -> bool:
        bind_contextvars(request_id=live.request_id)
        try:
            if live.over:  # the platform delivered its event again after the request was closed
                self._service.requests.closed(live)
                return False
            return await self._to_its_end(live, screen or self._new_screen(live))
        except Unreachable as error:
            log.warning("delivery.no_address", platform=self._platform, why=str(error))
            await self._give_up(live, error)
        except (UnknownRequest, UnknownJob):  # forgotten, at its member's wish
            self._service.requests.closed(live)
        return False

    async def _to_its_end(self, live: LiveRequest, screen: Screen) -> bool:
        self._screens[live.request_id] = live, screen
        try:
            outcome = await self._progress(live, screen)
            if isinstance(outcome, Done):
                outcome = await self._hand_over(live, screen, outcome)
            if isinstance(outcome, Done):
                log.info("delivery.delivered", platform=self._platform, images=len(outcome.pictures))
                return True
            await screen.tell(outcome)
            if not outcome.kept:
                self._service.requests.closed(live)
        except Unreachable as error:
            log.warning("delivery.unreachable", platform=self._platform, why=str(error))
            drawn = await self._give_up(live, error)
            if not isinstance(error, Gone):
                await screen.explain(drawn=drawn)
        except (UnknownRequest, UnknownJob):
            raise
        except Exception:  # the request stays written down; whoever waits hears that something broke
            log.exception("delivery.died", platform=self._platform)
            with contextlib.suppress(Unreachable):
                await screen.tell(Failed(say("error-internal").because(Reason.FAILED), kept=True))
        finally:
            del self._screens[live.request_id]
            await screen.close()
        return False

    async def _hand_over(self, live: LiveRequest, screen: Screen, done: Done) -> Done | Failed:
        """Hand the pictures over and settle, or `Failed` where their files are lost."""
        async with self._handing_over:
            outcome = await self._service.read(done)
            if isinstance(outcome, Done):
                await self._service.delivered(live, await screen.hand_over(outcome))
            return outcome

    async def _progress(self, live: LiveRequest, screen: Screen) -> Done | Failed:
        """Show what happens until the outcome is there."""
        async for event in paced(live, screen.turn, screen.look):
            if isinstance(event, Done | Failed):
                return event
            try:
                await screen.show(event)
            except (Unreachable, UnknownRequest, UnknownJob):
                raise
            except Exception:  # a status that cannot be shown must not cost the picture
                log.exception("delivery.not_shown", platform=self._platform)
        raise AssertionError("events end with an outcome")

    async def _give_up(self, live: LiveRequest, error: Unreachable) -> bool:
        """Draw nothing in vain; keep what is drawn for whoever may fetch it. Whether anything is drawn."""
        theirs = isinstance(error, Gone) and error.members_doing
        by = CancelledBy.MEMBER if theirs else CancelledBy.SYSTEM
        self._service.requests.cancel(live.request_id, None, by=by)
        outcome = await live.outcome()
        if isinstance(outcome, Failed):
            if not outcome.kept:
                self._service.requests.closed(live)
            return False
        if isinstance(error, Gone):
            await self._service.undeliverable(live, str(error), members_doing=error.members_doing)
        else:
            await self._service.park(live)
        return True

    def _new_screen(self, live: LiveRequest) -> Screen:
        return self._screen_for(live, translator(live.language))
