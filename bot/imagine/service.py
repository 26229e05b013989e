"""Accepts requests and keeps them until they are delivered. Every face goes through it.

One request's way: resolve -> reserve and write down (one transaction) -> engine -> stored image -> the face
delivers -> acknowledged: settled. Between any two of these the process may die; `start` goes on from
what is written. Nothing is charged before a platform has acknowledged the picture.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

import structlog

from bot.imagine import refusals
from bot.imagine.checks import Checks
from bot.imagine.control import KINDS
from bot.imagine.control_maps import Maps
from bot.imagine.drawing import JobRunner, OpenRequest
from bot.imagine.events import Done
from bot.imagine.inputs import Inputs
from bot.imagine.live import LiveRequest
from bot.imagine.loras import Loras
from bot.imagine.members import Members
from bot.imagine.open_requests import OpenRequests, written_address
from bot.imagine.pausing import Pausing
from bot.imagine.safety import Safety
from bot.messages import Reason, UserError, say
from bot.sales.shop import Shop
from engine.request import ControlKind, Draining, EngineError
from storage.errors import Refusal, StoreUnavailable
from storage.records.requests import NewInput, NewJob, NewRequest, Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from bot.config.schema import Config
    from bot.imagine.asker import Asker
    from bot.imagine.events import Failed
    from bot.imagine.inputs import Brought
    from bot.imagine.models import Models
    from bot.imagine.options import Named, Options
    from bot.imagine.pricing import Pricing
    from storage.records.requests import CancelledBy, RequestRecord
    from storage.store import Store

log = structlog.get_logger(__name__)


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
        self.members = Members(config, store)
        self.pausing = Pausing(models, store)
        self._checks = Checks(config, models, store, self.inputs, self.loras)
        self._runner = JobRunner(config, models, store, safety, self.loras)
        self.requests = OpenRequests(config, store, self._runner, signal)
        self._accepting: dict[tuple[str, str], asyncio.Event] = {}

    @property
    def named(self) -> Named:
        """What members may choose of what bot.toml names."""
        return {
            "style": tuple(self.config.styles),
            "model": self.models.names,
            "lora": tuple(self.loras.of()),
            "control": tuple(kind for kind in KINDS if ControlKind(kind) in self.models.controls),
        }

    async def start(self, *, begin: bool = True) -> None:
        """Go on with what an earlier process left. Without `begin`, draw once `pausing.begin` is called."""
        await self.pausing.start(begin=begin)
        log.info("service.started", resumed=await self.requests.resume())

    async def stop(self) -> None:
        """Stop following requests. What is unfinished stays in the database, for the next start.

        Comes after the engine's stop: what that still drew is stored first.
        """
        await self.requests.stop()

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
        member = await self.members.of(asker)
        language = self.members.language_of(member, asker)
        try:
            tier = self.members.tier_of(member, asker)
            made = await self._checks.passed(asker, member, tier, options, brought)
        except (Refusal, StoreUnavailable) as error:
            raise refusals.explain(error, language) from error
        live = LiveRequest(
            request_id=secrets.token_hex(8),
            member=member.key,
            platform=asker.platform,
            request=made.request,
            address=address,
            language=language,
            notes=made.notes,
            signal=self.requests.signal,
        )
        new = self._written(live, asker, Source(asker.platform, key, digest))
        # Shielded: a caller that is cancelled half-way must not leave a request stored and not queued.
        return await asyncio.shield(self.requests.start(self._accept(new, live, made.files)))

    async def picture_limit(self, asker: Asker) -> int:
        """How many bytes a picture may have that the asker brings.

        Raises `UserError` where they may bring none: nothing need be downloaded then.
        """
        member = await self.members.of(asker)
        try:
            return await self._checks.picture_limit(asker, member, self.members.tier_of(member, asker))
        except StoreUnavailable as error:
            raise refusals.explain(error, self.members.language_of(member, asker)) from error

    async def admit(self, asker: Asker) -> None:
        """Raises `UserError` where [access] does not let the asker have anything drawn."""
        await self._checks.admit(await self.members.of(asker), asker)

    def _written(self, live: LiveRequest, asker: Asker, source: Source) -> NewRequest:
        """A request as the store takes it."""
        request, id_ = live.request, live.request_id
        return NewRequest(
            request_id=id_,
            source=source,
            member=live.member,
            platform_server=asker.server_id,
            payload=request.to_json(),
            address=written_address(live.address, live.language),
            jobs=tuple(NewJob(f"{id_}-{n}", request.seed + n) for n in range(request.images)),
            account_age_s=asker.account_age_s,
            tier=asker.tier,
            tier_bought=asker.tier_bought,
            inputs=tuple(
                NewInput(role, digest, request.brought(role)) for role, digest in request.files.items()
            ),
            kind=request.workflow,
            counts_as=self.models.named(request.model).counts_as,
        )

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
                return await self.requests.known(record)
            live.tier = record.tier
            open_request = OpenRequest(live)
            try:
                for job in record.jobs:
                    self._runner.submit(open_request, record, job)
            except Draining:
                raise UserError(say("error-draining-kept").because(Reason.DRAINING)) from None
            except Exception as error:
                await self._take_back(open_request, record)
                if isinstance(error, EngineError):
                    raise refusals.explain_engine(error) from error
                raise
            self.requests.follow(open_request)
            return live

    async def _take_back(self, open_request: OpenRequest, record: RequestRecord) -> None:
        """Undo an acceptance that the engine refused, as if it had never been."""
        for ticket in open_request.tickets.values():
            ticket.cancel()
        await self.store.requests.take_back(record.request_id)
        await self.inputs.discard(open_request.live.request.files.values())

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

    # delivering

    async def moved(self, live: LiveRequest, **address: object) -> None:
        """Remember more of where the request is shown (a message id): a restart edits that message."""
        live.address.update(address)
        await self.store.requests.set_address(live.request_id, written_address(live.address, live.language))

    async def read(self, done: Done) -> Done | Failed:
        """The outcome with the bytes of its pictures. Called when they are handed over: many may wait.

        `Failed` where no file is left.
        """
        return await self._runner.read(done)

    async def delivered(self, live: LiveRequest, receipt: str) -> None:
        """The platform acknowledged the pictures: settle, write the ledger, close the jobs."""
        await self.store.jobs.acknowledge(live.request_id, receipt)
        self.requests.closed(live)

    async def undeliverable(self, live: LiveRequest, reason: str, *, members_doing: bool) -> None:
        """The pictures can never be delivered. The member pays only if that is their own doing."""
        await self.store.jobs.undeliverable(_jobs(live), reason, members_doing=members_doing)
        self.requests.closed(live)

    async def taken(self, job_id: str, receipt: str) -> None:
        """The platform acknowledged one picture of several that it gets one by one; that one is charged."""
        await self.store.jobs.acknowledge([job_id], receipt)

    async def abandoned(self, live: LiveRequest, *, by: CancelledBy) -> None:
        """Nobody waits for the pictures any more: refunded as often as a cancel `by` them is, or charged."""
        refunds_a_day = self.config.limits.refunded_cancels_a_day
        for job_id in _jobs(live):
            await self.store.jobs.cancelled(job_id, by=by, refunds_a_day=refunds_a_day)
        self.requests.closed(live)

    async def park(self, live: LiveRequest) -> None:
        """Keep the pictures in the member's history, uncharged until they are fetched."""
        await self.store.jobs.park(_jobs(live))
        self.requests.closed(live)


def _jobs(live: LiveRequest) -> tuple[str, ...]:
    return tuple(picture.job_id for picture in live.latest.pictures) if isinstance(live.latest, Done) else ()
