"""Accepts requests, has them drawn, and keeps them until they are delivered. Every face goes through it.

One request's way: resolve -> reserve and write down (one transaction) -> engine -> stored image -> the face
delivers -> acknowledged: settled. Between any two of these the process may die; `start` goes on from
what is written. Nothing is charged before a platform has acknowledged the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from bot.imagine import refusals
from bot.imagine.checks import Checks
from bot.imagine.control import KINDS
from bot.imagine.drawing import Flight, JobRunner
from bot.imagine.events import Done, Failed
from bot.imagine.inputs import Inputs
from bot.imagine.live import LiveRequest
from bot.imagine.loras import Loras
from bot.imagine.maps import Maps
from bot.imagine.request import ImageRequest
from bot.imagine.safety import Safety
from bot.messages import Reason, UserError, best_language, say
from bot.sales.shop import Shop
from engine.request import ControlKind, Draining, EngineError
from storage.errors import Refusal, StoreUnavailable
from storage.records.requests import CancelledBy, NewInput, NewJob, NewRequest, Source
from storage.records.requests import JobState as Row
from storage.settings import BOT, Setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

    from bot.config.money import Tier
    from bot.config.schema import Config
    from bot.imagine.asker import Asker
    from bot.imagine.inputs import Brought
    from bot.imagine.models import Models
    from bot.imagine.options import Named, Options
    from bot.imagine.pricing import Pricing
    from storage.records.members import Member, Quota
    from storage.records.requests import RequestRecord
    from storage.store import Store

log = structlog.get_logger(__name__)

STORING_S = 10.0
"""How long `stop` waits for the last pictures to be stored. One that is not stored by then is drawn again."""
LANGUAGE = "language"
CLOSED = (Row.DELIVERED, Row.FAILED, Row.CANCELLED)
T = TypeVar("T")


class Service:
    """What faces call to have pictures drawn. Built by the composition root; call `start` before use."""

    def __init__(
        self,
        *,
        config: Config,
        models: Models,
        store: Store,
        pricing: Pricing,
        shop: Shop | None = None,
        safety: Safety | None = None,
        loras: Loras | None = None,
        maps: Maps | None = None,
        signal: Callable[[], asyncio.Event] = asyncio.Event,
    ) -> None:
        """`signal` makes what those who follow a request wait on."""
        self.config = config
        self.models = models
        self.store = store
        self.pricing = pricing
        self.shop = shop or Shop(config, store)
        self.loras = loras or Loras(config)
        safety = safety or Safety(config.moderation)
        self.inputs = Inputs(store, safety, maps or Maps(config.control))
        self._checks = Checks(config, models, store, self.inputs, self.loras)
        self._runner = JobRunner(config, models, store, safety, self.loras)
        self._flights: dict[str, Flight] = {}
        self.paused = False
        self._accepting: dict[tuple[str, str], asyncio.Event] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._signal = signal

    @property
    def named(self) -> Named:
        """What members may choose of what bot.toml names."""
        return {
            "style": tuple(self.config.styles),
            "model": self.models.names,
            "lora": tuple(self.loras.of()),
            "control": tuple(kind for kind in KINDS if ControlKind(kind) in self.models.controls),
        }

    # life

    async def start(self, *, begin: bool = True) -> None:
        """Queue what an earlier process accepted and did not finish, in its old order; a pause goes on.

        Without `begin` nothing is drawn before the method of that name is called.
        """
        if not begin:
            for model in self.models:
                model.backend.pause_admission()
        if (await self.store.settings.of(BOT)).get(Setting.PAUSED):
            self.hold(paused=True)
            log.warning("service.paused")
        for record in await self.store.requests.unfinished():
            await self._resume(await self.store.requests.get(record.request_id))
        log.info("service.started", resumed=len(self._flights))

    def begin(self) -> None:
        """Draw, if nobody has paused the bot."""
        self.hold(paused=self.paused)

    async def stop(self) -> None:
        """Stop following requests. What is unfinished stays in the database, for the next start.

        Comes after the engine's stop: what that still drew is stored first.
        """
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=STORING_S)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def undelivered(self, platform: str) -> list[LiveRequest]:
        """Requests of `platform` from before the last stop: being drawn again, or drawn and not delivered."""
        lives = [flight.live for flight in self._flights.values() if flight.live.platform == platform]
        known = {live.request_id for live in lives}
        written = await self.store.requests.undelivered(platform)
        ids = [record.request_id for record in written if record.request_id not in known]
        return lives + [await self._drawn_before(await self.store.requests.get(id_)) for id_ in ids]

    async def untold(self, platform: str) -> list[LiveRequest]:
        """Requests of `platform` that failed or were cancelled, and whose messages do not say so yet."""
        lives = [await self._drawn_before(record) for record in await self.store.requests.untold(platform)]
        for live in lives:
            live.over = False
        return lives

    # asking

    async def imagine(
        self,
        asker: Asker,
        options: Options,
        *,
        key: str,
        address: Mapping[str, object],
        digest: str = "",
        brought: Brought | None = None,
    ) -> LiveRequest:
        """Accept a request. `key` is the platform's id of the event, `address` where to deliver, `brought`
        the picture that came with it.

        Raises `UserError` with one sentence when it cannot be drawn; then nothing was changed. The same
        `key` again is a redelivery and gives the first request back; with another `digest` it is refused.
        """
        member = asker.member or await self.member(asker)
        tier = self.tier_of(member, asker)
        language = self.language_of(member, asker)
        try:
            made = await self._checks.passed(asker, member, tier, options, brought)
        except (Refusal, StoreUnavailable) as error:
            raise refusals.explain(error, language) from error
        request, request_id = made.request, secrets.token_hex(8)
        live = LiveRequest(
            request_id=request_id,
            member=member.key,
            platform=asker.platform,
            request=request,
            address=address,
            language=language,
            notes=made.notes,
            signal=self._signal,
        )
        new = NewRequest(
            request_id=request_id,
            source=Source(asker.platform, key, digest),
            member=member.key,
            platform_server=asker.server_id,
            payload=request.to_json(),
            address=_kept(address, language),
            jobs=tuple(NewJob(f"{request_id}-{n}", request.seed + n) for n in range(request.images)),
            account_age_s=asker.account_age_s,
            tier=asker.tier,
            tier_bought=asker.tier_bought,
            inputs=tuple(NewInput(role, digest) for role, digest in request.files.items()),
            kind=request.workflow,
            counts_as=self.models.named(request.model).counts_as,
        )
        # Shielded: a caller that is cancelled half-way must not leave a request stored and not queued.
        return await asyncio.shield(self._spawn(self._accept(new, live, made.files)))

    async def picture_limit(self, asker: Asker) -> int:
        """How many bytes a picture may have that the asker brings.

        Raises `UserError` where they may bring none: nothing need be downloaded then.
        """
        member = asker.member or await self.member(asker)
        try:
            return await self._checks.picture_limit(asker, member, self.tier_of(member, asker))
        except StoreUnavailable as error:
            raise refusals.explain(error, self.language_of(member, asker)) from error

    async def _accept(self, new: NewRequest, live: LiveRequest, files: Mapping[str, bytes]) -> LiveRequest:
        """Reserve, write down and queue; a redelivery gives the first request back."""
        async with self._alone(new.source):
            try:
                async with self.inputs.stored(files):
                    acceptance = await self.store.requests.accept(new)
            except (Refusal, StoreUnavailable) as error:
                raise refusals.explain(error, live.language) from error
            record = acceptance.request
            if acceptance.replayed:
                await self.inputs.discard(files)
                return self.live(record.request_id) or await self._drawn_before(record)
            live.tier = record.tier
            flight = Flight(live)
            try:
                self._queue(flight, record)
            except Draining:
                raise UserError(say("error-draining-kept").because(Reason.DRAINING)) from None
            except Exception as error:
                await self._take_back(flight, record)
                if isinstance(error, EngineError):
                    raise refusals.explain_engine(error) from error
                raise
            self._follow(flight)
            return live

    def _queue(self, flight: Flight, record: RequestRecord) -> None:
        """Hand every job of a request to the engine."""
        request = flight.live.request
        for job in record.jobs:
            draw = self._runner.draw_request(record, request, job)
            flight.tickets[job.job_id] = self.models.named(request.model).backend.submit(draw)

    @contextlib.asynccontextmanager
    async def _alone(self, source: Source) -> AsyncIterator[None]:
        """Accept an event once at a time: a redelivery must not look before the first attempt is settled."""
        event = (source.platform, source.key)
        while (earlier := self._accepting.get(event)) is not None:
            await earlier.wait()
        over = self._accepting[event] = asyncio.Event()
        try:
            yield
        finally:
            del self._accepting[event]
            over.set()

    async def cancel(self, request_id: str, member: Member | None, *, by: CancelledBy) -> bool:
        """Cancel what is not drawn yet: a `member` their own, None anybody's. `by` decides who answers for
        it.

        False where it is another's or too late.
        """
        flight = self._flights.get(request_id)
        if flight is None or (member is not None and member.key != flight.live.member):
            return False
        flight.cancelled_by = by
        return sum(ticket.cancel() for ticket in flight.tickets.values()) > 0

    def requests(self) -> list[LiveRequest]:
        """All requests that are still being drawn, the oldest first."""
        return [flight.live for flight in self._flights.values() if not flight.live.finished]

    def waiting(self, member_key: str) -> list[LiveRequest]:
        """A member's requests that are still being drawn, the oldest first."""
        return [live for live in self.requests() if live.member == member_key]

    def live(self, request_id: str) -> LiveRequest | None:
        """A request on its way, or None where it is over or unknown."""
        flight = self._flights.get(request_id)
        return flight.live if flight else None

    # pausing

    async def pause(self, by: str) -> None:
        """Start nothing new, also after a restart; what is being drawn goes on, what is asked for waits."""
        await self.store.settings.set(BOT, Setting.PAUSED, True, by=by)
        self.hold(paused=True)

    async def resume(self, by: str) -> None:
        """Draw again."""
        await self.store.settings.set(BOT, Setting.PAUSED, None, by=by)
        self.hold(paused=False)

    def hold(self, *, paused: bool) -> None:
        """Start nothing new, or go on, as the store says already."""
        self.paused = paused
        for model in self.models:
            if paused:
                model.backend.pause_admission()
            else:
                model.backend.resume_admission()

    async def admit(self, asker: Asker) -> None:
        """Raises `UserError` where [access] does not let the asker have anything drawn."""
        await self._checks.admit(await self.member(asker), asker)

    # delivering

    async def moved(self, live: LiveRequest, **address: object) -> None:
        """Remember more of where the request is shown (a message id): a restart edits that message."""
        live.address.update(address)
        await self.store.requests.set_address(live.request_id, _kept(live.address, live.language))

    async def read(self, done: Done) -> Done | Failed:
        """The same outcome with the bytes of its pictures. Not before they are handed over: many may wait.

        `Failed` where no file is left.
        """
        return await self._runner.read(done)

    async def delivered(self, live: LiveRequest, receipt: str) -> None:
        """The platform acknowledged the pictures: settle, write the ledger, close the jobs."""
        await self.store.jobs.acknowledge(live.request_id, receipt)
        self.closed(live)

    async def undeliverable(self, live: LiveRequest, reason: str, *, members_doing: bool) -> None:
        """The pictures can never be delivered. The member pays only if that is their own doing."""
        await self.store.jobs.undeliverable(_jobs(live), reason, members_doing=members_doing)
        self.closed(live)

    async def taken(self, job_id: str, receipt: str) -> None:
        """The platform acknowledged one picture of several that it gets one by one; that one is charged."""
        await self.store.jobs.acknowledge([job_id], receipt)

    async def abandoned(self, live: LiveRequest, *, by: CancelledBy) -> None:
        """Nobody waits for the pictures any more: refunded as often as a cancel `by` them is, or charged."""
        refunds_a_day = self.config.limits.refunded_cancels_a_day
        for job_id in _jobs(live):
            await self.store.jobs.cancelled(job_id, by=by, refunds_a_day=refunds_a_day)
        self.closed(live)

    async def park(self, live: LiveRequest) -> None:
        """Keep the pictures in the member's history, uncharged until they are fetched."""
        await self.store.jobs.park(_jobs(live))
        self.closed(live)

    def closed(self, live: LiveRequest) -> None:
        """The face is done with this request."""
        self._flights.pop(live.request_id, None)
        if isinstance(live.latest, Failed):
            self._spawn(self.store.requests.told(live.request_id))

    async def revisit(self, request_id: str, language: str) -> LiveRequest:
        """A request from the history, to be delivered again, in `language`.

        Raises UnknownRequest.
        """
        live = self.live(request_id) or await self._drawn_before(await self.store.requests.get(request_id))
        live.language = language
        return live

    # members

    async def member(self, asker: Asker) -> Member:
        """The member behind a platform account, made on first sight. Raises `UserError`: storage is down."""
        try:
            return await self.store.members.of(asker.platform, asker.user_id)
        except StoreUnavailable as error:
            raise refusals.explain(error, best_language(asker.locale, self.config.language)) from error

    async def quota(self, asker: Asker) -> Quota:
        """What the asker has used and has left this month."""
        member = await self.member(asker)
        return await self.store.members.quota(member.key, tier=asker.tier)

    def language_of(self, member: Member | None, asker: Asker) -> str:
        """The member's own choice, else the platform's locale, else the configured language."""
        return (member and member.language) or best_language(asker.locale, self.config.language)

    def tier_of(self, member: Member, asker: Asker | None = None) -> Tier:
        """The higher of the member's own tier and the one that the platform grants."""
        order = list(self.config.tiers)
        names = [name for name in (member.tier, asker and asker.tier) if name in order]
        return self.config.tiers[max(names, key=order.index, default=self.config.default_tier)]

    # going on

    def _follow(self, flight: Flight) -> None:
        self._flights[flight.live.request_id] = flight
        self._spawn(self._runner.draw(flight))

    async def _resume(self, record: RequestRecord) -> None:
        flight = Flight(self._live(record))
        backend = self.models.named(flight.live.request.model).backend
        for job in record.jobs:
            if job.state in (Row.QUEUED, Row.RUNNING):
                draw = self._runner.draw_request(record, flight.live.request, job)
                try:
                    flight.tickets[job.job_id] = backend.submit(draw, accepted_before=True)
                except EngineError as error:  # no longer drawable: another model, a smaller budget
                    await self._runner.give_up(flight, job.job_id, error)
        self._flights[record.request_id] = flight
        self._runner.collect(flight, record)
        self._spawn(self._runner.draw(flight))

    async def _drawn_before(self, record: RequestRecord) -> LiveRequest:
        """A request none of whose jobs is open: its pictures come from the store."""
        flight = Flight(self._live(record))
        flight.live.over = all(job.state in CLOSED for job in record.jobs)
        self._runner.collect(flight, record)
        if not flight.pictures and not flight.failures:
            flight.failures.append(Failed(say("error-gone").because(Reason.GONE)))
        await self._runner.conclude(flight)
        self._flights[record.request_id] = flight
        return flight.live

    async def _take_back(self, flight: Flight, record: RequestRecord) -> None:
        """Undo an acceptance that the engine refused, as if it had never been."""
        for ticket in flight.tickets.values():
            ticket.cancel()
        await self.store.requests.take_back(record.request_id)
        await self.inputs.discard(flight.live.request.files.values())

    def _live(self, record: RequestRecord) -> LiveRequest:
        """A request as it stands in the database."""
        address = json.loads(record.address)
        return LiveRequest(
            request_id=record.request_id,
            member=record.member,
            platform=record.source.platform,
            request=ImageRequest.from_json(record.payload),
            address=address,
            language=address.pop(LANGUAGE, self.config.language),
            tier=record.tier,
            signal=self._signal,
        )

    def _spawn(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """A task of our own, not in the context of the event that asked for it: it outlives that."""
        return Context().run(self._start, work)

    def _start(self, work: Coroutine[None, None, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, UserError):
            log.error("task.died", exc_info=error)


def _kept(address: Mapping[str, object], language: str) -> str:
    """An address as the store keeps it, with the language to use after a restart."""
    return json.dumps({**address, LANGUAGE: language})


def _jobs(live: LiveRequest) -> tuple[str, ...]:
    return tuple(picture.job_id for picture in live.latest.pictures) if isinstance(live.latest, Done) else ()
