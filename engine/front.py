"""The front: the only engine the bot knows. It owns the queue, the tickets and the results.

Jobs wait in the fair queue and go, one by one, to workers with room: a step loop in this process or in one of
its own, Ray's, somebody's servers.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from engine.cache import Pictures
from engine.dispatch import Dispatcher
from engine.events import Action, Announcer, LogObserver
from engine.families.profile import Profile
from engine.fleet.autoscale import Autoscaler
from engine.fleet.settings import FleetSettings
from engine.inputs import careful, nothing_kept
from engine.models import Models
from engine.request import (
    Draining,
    ModelAway,
    ModelLost,
    Progress,
    TooLarge,
)
from engine.settings import EngineConfig
from engine.snapshot import EngineSnapshot
from engine.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.events import Observer
    from engine.fleet.fleet import Fleet
    from engine.inputs import Reader
    from engine.request import DrawRequest
    from engine.tickets import News
    from engine.worker.accounting import Clock


class Front:
    """Has jobs drawn by a fleet's workers. `start`, `submit`, `stop`; all on one event loop.

    `read` gives the files of pictures that requests come with.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        profile: Profile | None = None,
        others: Sequence[Profile] = (),
        config: EngineConfig | None = None,
        settings: FleetSettings | None = None,
        clock: Clock = time.monotonic,
        observers: Sequence[Observer] = (),
        read: Reader = nothing_kept,
    ) -> None:
        config, settings = config or EngineConfig(), settings or FleetSettings()
        self._settings = settings
        models = Models(profile or Profile(""), others)
        self._clock = clock
        self._says = Announcer([LogObserver(), *observers])
        self._pictures = Pictures(config.result_cache_bytes)
        self._dispatcher = Dispatcher(
            fleet,
            config,
            settings,
            models=models,
            clock=clock,
            says=self._says,
            keep=self._pictures.keep,
            read=careful(read),
            broke=self._break,
        )
        self._models = models
        self._jobs, self._queue = self._dispatcher.jobs, self._dispatcher.queue
        self._roster = self._dispatcher.roster
        self._autoscaler = Autoscaler(settings.scale)
        self._scaling: asyncio.Task[None] | None = None
        self._stopped: asyncio.Future[None] | None = None
        self._draining = False

    # The outside

    @property
    def profile(self) -> Profile:
        """What is known of the model; a machine's only worker brings its own."""
        return self._models.first.profile

    async def start(self) -> None:
        """Begin to look for workers. A machine with one worker waits until that can draw.

        Elsewhere jobs wait until one has come. Raises ModelLost where this machine's cannot start.
        """
        self._stopped = asyncio.get_running_loop().create_future()
        self._stopped.add_done_callback(lambda stopped: stopped.exception())
        self._roster.start()
        if self._settings.local:
            try:
                self._models.adopt(await self._roster.first)
            except BaseException:
                await self._roster.stop()
                raise
        self._scaling = asyncio.create_task(self._scale(), name="autoscaler")
        self._says.tell(Action.STARTED, model=self.profile.name)

    async def stop(self, drain_timeout_s: float = 30.0) -> tuple[str, ...]:
        """Let what is being drawn finish within the time given. Returns the ids still open, oldest first.

        The tickets of those raise Draining: they were accepted, and the next process is to be given them.
        Cancelling it ends the wait for what is being drawn, and nothing else.
        """
        self._draining = True
        self._dispatcher.hold()
        draws = self._dispatcher.draws
        try:
            if draws:
                await asyncio.wait(draws, timeout=drain_timeout_s)
        finally:
            left = self._jobs.let_go("the engine is shutting down")
            tasks = [*draws, *([self._scaling] if self._scaling is not None else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._roster.stop()
            if self._stopped is not None and not self._stopped.done():
                self._stopped.set_result(None)
            self._says.tell(Action.STOPPED, left=len(left))
        return left

    async def wait(self) -> None:
        """Return when it has stopped; raise what it broke on, if it broke."""
        if self._stopped is not None:
            await asyncio.wait([self._stopped, self._roster.hiring], return_when=asyncio.FIRST_COMPLETED)
            (self._stopped if self._stopped.done() else self._roster.hiring).result()

    async def __aenter__(self) -> Front:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(0.0)

    def submit(self, request: DrawRequest, *, accepted_before: bool = False) -> Ticket:
        """Queue a job. Raises QueueFull, TooLarge, Undrawable, Draining; ValueError for an id it has already.

        `accepted_before`: taken on by an earlier life of the process. The backlog caps let it pass, and it
        waits for a worker with its model.
        """
        if self._draining:
            raise Draining("the engine is shutting down")
        if request.job_id in self._jobs:
            raise ValueError(f"job {request.job_id} is here already")
        plan = self._models.predictor(request.model).profile.plan(request)
        if not accepted_before and not self._roster.ever_serves(request):
            raise ModelAway(request.model or self.profile.name)
        if not self._roster.fits(request, plan):
            raise TooLarge(f"{request.width}x{request.height} does not fit the memory budget")
        ticket = Ticket(request, self)
        if (drawing := self._pictures.again(request)) is not None:
            self._jobs.answer(ticket, drawing)
            self._says.tell(Action.DONE, request.job_id, cached=True)
            return ticket
        self._dispatcher.add(ticket, plan, accepted_before=accepted_before)
        return ticket

    @property
    def news(self) -> News:
        """For tickets: what a waiting job's position and ETA follow."""
        return self._jobs.news

    def progress(self, job_id: str) -> Progress:
        """Where a job stands. Raises KeyError for a job not known, or long over."""
        return self._dispatcher.progress(job_id)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at its next step boundary. False where it is over, or not known."""
        return self._dispatcher.cancel(job_id)

    def clear_caches(self) -> None:
        """Forget every kept caption and picture, here and on each worker."""
        self._pictures.clear()
        for member in self._roster.members.values():
            member.forget_captions()
            self._roster.ask(member, member.worker.clear_caches)

    def pause_admission(self) -> None:
        """Take jobs into the queue, but start none; those that were begun go on."""
        self._dispatcher.pause()

    def resume_admission(self) -> None:
        """Start jobs again."""
        self._dispatcher.paused = False
        if not self._draining:
            self._dispatcher.resume()

    async def drain(self, worker: str) -> None:
        """Send this worker no more; return when it has finished what it holds and left.

        Raises KeyError where there is none of that name.
        """
        member = self._roster.members[worker]
        self._roster.drain(member)
        self._dispatcher.dispatch()
        await member.left.wait()

    def snapshot(self) -> EngineSnapshot:
        """The front and its workers at this moment; O(n) in waiting jobs."""
        now, counts = self._clock(), self._says.counts
        workers = tuple(member.snapshot(now) for member in self._roster.members.values())
        return EngineSnapshot(
            model=self.profile.name,
            waiting=self._queue.depths(),
            oldest_wait_by_tier_s=self._queue.longest_waits(now),
            queued_s=self._dispatcher.queued_s,
            active=sum(worker.held for worker in workers),
            cap=sum(worker.window for worker in workers),
            done=counts[Action.DONE],
            failed=counts[Action.FAILED],
            cancelled=counts[Action.CANCELLED],
            result_hits=self._pictures.hits,
            admission_paused=self._dispatcher.paused,
            draining=self._draining,
            loaded=self._roster.manned(now),
            totals=self._roster.totals(),
            device=workers[0].device if self._settings.local and workers else None,
            workers=workers,
            clustered=not self._settings.local,
        )

    def _break(self, reason: str) -> None:
        """Only a new process can draw again: it is given every job that is open."""
        if self._stopped is not None and not self._stopped.done():
            self._draining = True
            self._dispatcher.hold()
            self._jobs.let_go("the engine broke")
            self._says.tell(Action.CRASHED, reason=reason)
            self._stopped.set_exception(ModelLost(reason))

    async def _scale(self) -> None:
        """Once in a while: as many workers as the work at hand asks for, and a word where there is none."""
        while True:
            wanted = self._autoscaler.decide(self._clock(), self._dispatcher.queued_s + self._roster.load_s)
            self._roster.want(wanted)
            self._roster.look_for_hands(waiting=len(self._queue))
            await asyncio.sleep(self._settings.scale_every_s)
