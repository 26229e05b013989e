"""The store: one object, the verbs of members, jobs, money and pictures. Each verb is one transaction, or one reading."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from . import admin, ledger, members, quota, requests
from . import jobs as job_life
from .clock import utc_us
from .connection import Connection
from .images import ImageFolder
from .months import Calendar
from .policy import Policy
from .schema import upgrade
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from .clock import Clock
    from .errors import StoreUnavailable
    from .months import Period
    from .records import (
        Acceptance,
        ApiKey,
        AuditRow,
        DrawUsage,
        Finding,
        Forgotten,
        Identity,
        JobRecord,
        LedgerRow,
        LinkOffer,
        Member,
        MeterSlice,
        NewRequest,
        Quota,
        Rate,
        RequestRecord,
        Stats,
        TierTerms,
    )


class Store:
    """Open it with `async with await Store.open(...) as store`.

    Any verb may raise StoreUnavailable (disk full, read-only, locked, corrupt): then nothing of it was written. The
    verbs that end a job (drawn, failed, cancelled, acknowledge, undeliverable, park) do not raise that: they wait
    until the cause is gone, so that no reservation leaks.
    """

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        tiers: Mapping[str, TierTerms],
        default_tier: str,
        rates: Sequence[Rate],
        currency: str,
        time_zone: str,
        clock: Clock = utc_us,
        images_dir: Path | None = None,
        secret: bytes | None = None,
        serving: bool = True,
        on_trouble: Callable[[StoreUnavailable], None] | None = None,
        backups_keep_days: int = 30,
    ) -> Store:
        """Open or create the database at `path`, bring it up to date and repair what a crash left.

        `tiers` run from the lowest to the highest. `images_dir` is by default a folder beside the database. `secret`
        keys the hashes of forgotten members; by default it is kept in a file beside the database. `serving` is for
        the one process that draws (False for command-line errands beside it). `on_trouble` is called, on the event
        loop, for each StoreUnavailable. Raises CannotOpen (DatabaseTooNew, AlreadyServing) or StoreUnavailable.
        """
        policy = Policy(dict(tiers), default_tier, tuple(rates), currency, Calendar(time_zone))
        policy.terms(default_tier)
        folder = ImageFolder(images_dir or path.parent / "images")
        writing = await Connection.open(path)
        try:
            await writing.run(upgrade)
            await asyncio.to_thread(folder.prepare)
            reading = await Connection.open(path, query_only=True)
        except BaseException:
            await writing.close()
            raise
        return cls(policy, clock, folder, writing, reading, Writer(writing, on_trouble=on_trouble))

    def __init__(
        self,
        policy: Policy,
        clock: Clock,
        folder: ImageFolder,
        writing: Connection,
        reading: Connection,
        writer: Writer,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._folder = folder
        self._writing = writing
        self._reading = reading
        self._writer = writer

    @property
    def calendar(self) -> Calendar:
        """Months and days in the configured time zone."""
        return self._policy.calendar

    async def close(self) -> None:
        """Write what is waiting, fold the log into the database and let go of it."""
        await self._writer.close()
        await self._reading.close()
        await self._writing.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Members and quotas

    async def member(self, platform: str, user_id: str) -> Member:
        """The member behind a platform identity, created when unknown."""
        row = await self._reading.read(lambda db: members.find(db, platform, user_id))
        if row is None:
            row = await self._writer.write(
                lambda db: members.find_or_create(db, platform, user_id, self._clock())
            )
        return members.record(row, self._policy, self._clock())

    async def member_by_key(self, member: str) -> Member:
        """The member with this key. Raises UnknownMember."""
        row = await self._reading.read(lambda db: members.by_key(db, member))
        return members.record(row, self._policy, self._clock())

    async def identities(self, member: str) -> tuple[Identity, ...]:
        """The platform identities of a member."""
        return await self._reading.read(lambda db: members.identities(db, members.by_key(db, member)["id"]))

    async def quota(self, member: str) -> Quota:
        """What the member used and has left this calendar month. Raises UnknownMember."""
        now_us = self._clock()
        where = await self._reading.read(lambda db: quota.standing(db, self._policy, now_us, member))
        return quota.quota(where, self._policy, now_us)

    # The life of a request

    async def accept(self, request: NewRequest) -> Acceptance:
        """Reserve the images and write request and jobs, all or nothing.

        The same source again returns the first request with `replayed=True` and changes nothing. Raises
        QuotaExceeded, SpendingCapReached, MemberBanned, DailyCapReached, AccountTooYoung, UnknownMember.
        """
        return await self._writer.write(lambda db: job_life.accept(db, self._policy, self._clock(), request))

    async def running(self, job_id: str) -> None:
        """The job has begun to draw. Raises UnknownJob, WrongState."""
        await self._writer.write(lambda db: job_life.running(db, self._clock(), job_id))

    async def requeue(self, job_id: str) -> None:
        """The job waits again (preempted for long, its worker died); its waiting time keeps its start."""
        await self._writer.write(lambda db: job_life.requeue(db, job_id))

    async def drawn(self, job_id: str, image: str, usage: DrawUsage) -> None:
        """The picture is on disk under `image` (from put_image); its cost is fixed at the rate valid now."""
        await self._writer.write(
            lambda db: job_life.drawn(db, self._policy, self._clock(), job_id, image, usage), lasting=True
        )

    async def failed(self, job_id: str, reason: str, usage: DrawUsage | None = None) -> None:
        """Close the job uncharged: its reservation returns to where it came from. Idempotent once closed."""
        await self._writer.write(
            lambda db: job_life.failed(db, self._policy, self._clock(), job_id, reason, usage), lasting=True
        )

    async def cancelled(
        self, job_id: str, usage: DrawUsage | None = None, *, charged: bool = False, by: str = ""
    ) -> None:
        """Close the job as cancelled by `by`, charged or not. Idempotent once closed."""
        await self._writer.write(
            lambda db: job_life.cancelled(
                db, self._policy, self._clock(), job_id, usage, charged=charged, by=by
            ),
            lasting=True,
        )

    async def acknowledge(self, jobs: str | Iterable[str], receipt: str = "") -> None:
        """The platform has taken the pictures: settle, ledger row and closing in one transaction.

        `jobs` is a request id (all its drawn jobs) or job ids; `receipt` is the platform's message id. Idempotent.
        """
        wanted = jobs if isinstance(jobs, str) else tuple(jobs)
        await self._writer.write(
            lambda db: job_life.acknowledge(db, self._policy, self._clock(), wanted, receipt), lasting=True
        )

    async def undeliverable(self, jobs: str | Iterable[str], reason: str, *, members_doing: bool) -> None:
        """Delivery failed for good: charged when it was the member's own doing (blocked the bot), else released."""
        wanted = jobs if isinstance(jobs, str) else tuple(jobs)
        await self._writer.write(
            lambda db: job_life.undeliverable(
                db, self._policy, self._clock(), wanted, reason, members_doing=members_doing
            ),
            lasting=True,
        )

    async def park(self, jobs: str | Iterable[str]) -> None:
        """Keep drawn pictures in the history, uncharged, until fetched (then `acknowledge`) or expired."""
        wanted = jobs if isinstance(jobs, str) else tuple(jobs)
        await self._writer.write(lambda db: job_life.park(db, wanted), lasting=True)

    async def expire(self, *, unfinished_s: int, parked_s: int) -> list[JobRecord]:
        """Release what nobody will finish: jobs undrawn for `unfinished_s`, drawn or parked ones after `parked_s`."""
        return await self._writer.write(
            lambda db: job_life.expire(
                db, self._policy, self._clock(), unfinished_s=unfinished_s, parked_s=parked_s
            )
        )

    async def set_address(self, request_id: str, address: str) -> None:
        """Replace the delivery address (a message id became known). Raises UnknownRequest."""
        await self._writer.write(lambda db: job_life.set_address(db, request_id, address))

    # Reading requests

    async def unfinished(self) -> list[RequestRecord]:
        """Requests with queued or running jobs, oldest first, holding just those jobs."""
        return await self._reading.read(lambda db: requests.unfinished(db, self._clock()))

    async def undelivered(self, platform: str) -> list[RequestRecord]:
        """Requests of one platform with drawn, unacknowledged, unparked jobs, oldest first, holding just those."""
        return await self._reading.read(lambda db: requests.undelivered(db, platform, self._clock()))

    async def request(self, request_id: str) -> RequestRecord:
        """A request with all its jobs. Raises UnknownRequest."""
        return await self._reading.read(lambda db: requests.one(db, request_id, self._clock()))

    async def job(self, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        return await self._reading.read(lambda db: requests.of_job(db, job_id, self._clock()))

    async def history(self, member: str, limit: int, before: str | None = None) -> list[RequestRecord]:
        """The member's requests, newest first; `before` is the request id at which the last page ended."""
        return await self._reading.read(lambda db: requests.history(db, member, limit, before, self._clock()))

    async def refunds_today(self, member: str) -> int:
        """Images cancelled after the first step and refunded since midnight (configured time zone)."""
        since_us = self.calendar.today(self._clock()).start_us
        return await self._reading.read(lambda db: ledger.refunds_since(db, member, since_us))

    async def ledger(
        self, *, after: int = 0, limit: int = 1000, member: str | None = None
    ) -> list[LedgerRow]:
        """Ledger rows in order of entry, from the one after `after`."""
        return await self._reading.read(lambda db: ledger.rows(db, after=after, limit=limit, member=member))

    # Pictures

    async def put_image(self, content: bytes, suffix: str) -> str:
        """Keep a picture on disk, durably, under the name of its content. `suffix` is like ".png"."""
        return await asyncio.to_thread(self._folder.put, content, suffix)

    async def image(self, ref: str) -> bytes:
        """The bytes of a picture. Raises ImageGone."""
        return await asyncio.to_thread(self._folder.get, ref)

    async def delete_image(self, job_id: str) -> None:
        """Take the picture of a job away for good. Raises UnknownJob."""
        raise NotImplementedError

    async def retain(self, *, max_age_s: int | None = None, total_mb: int | None = None) -> int:
        """Delete the oldest pictures beyond an age or a total size; undelivered ones stay. Returns how many."""
        raise NotImplementedError

    # Administration; each change is written to the audit log with who, when and why

    async def set_tier(
        self, member: str, tier: str, until: datetime | None = None, *, by: str, why: str = ""
    ) -> None:
        """Raises UnknownMember, UnknownTier."""
        await self._writer.write(
            lambda db: admin.set_tier(db, self._policy, self._clock(), member, tier, until, by, why)
        )

    async def grant(
        self, member: str, images: int, *, by: str, why: str = "", key: str | None = None
    ) -> None:
        """Add images that last until used. The same `key` (a payment's id) credits once."""
        await self._writer.write(lambda db: admin.grant(db, self._clock(), member, images, by, why))

    async def ban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        await self._writer.write(lambda db: admin.ban(db, self._clock(), member, by, why))

    async def unban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        await self._writer.write(lambda db: admin.unban(db, self._clock(), member, by, why))

    async def set_language(self, member: str, language: str | None) -> None:
        """Raises UnknownMember."""
        await self._writer.write(lambda db: members.set_language(db, member, language))

    async def audit(self, *, subject: str | None = None, limit: int = 100) -> list[AuditRow]:
        """Newest first. `subject` is a member key, or a settings scope."""
        return await self._reading.read(lambda db: admin.audit(db, subject, limit))

    # Linking and forgetting

    async def link_code(self, member: str) -> str:
        """A one-time code of at least 60 bits, good for ten minutes; a new one replaces the old."""
        raise NotImplementedError

    async def redeem(self, member: str, code: str) -> LinkOffer:
        """Type in a code on the other side. Both sides must then confirm. Raises LinkRefused."""
        raise NotImplementedError

    async def link_offers(self, member: str) -> list[LinkOffer]:
        """Open offers this member is a party to."""
        raise NotImplementedError

    async def confirm(self, member: str, offer_id: str) -> LinkOffer:
        """One side says yes; after the second the two are one member, the issuer, with use and top-ups added up."""
        raise NotImplementedError

    async def decline(self, member: str, offer_id: str) -> None:
        """One side says no; the offer and its code are gone."""
        raise NotImplementedError

    async def unlink(self, platform: str, user_id: str) -> Member:
        """Take an identity off its member. It starts anew, with this month's use counted against it as well."""
        raise NotImplementedError

    async def forget(self, platform: str, user_id: str) -> Forgotten:
        """Erase the member: mapping, prompts, pictures. A keyed hash keeps a ban and this month's use."""
        raise NotImplementedError

    # Settings of a server or a group; values are JSON

    async def settings(self, scope: str) -> dict[str, Any]:
        """All settings of a scope such as "discord:1234"."""
        return await self._reading.read(lambda db: admin.settings(db, scope))

    async def set_setting(self, scope: str, key: str, value: Any, *, by: str, why: str = "") -> None:
        """None takes the setting back."""
        await self._writer.write(lambda db: admin.set_setting(db, self._clock(), scope, key, value, by, why))

    # API keys

    async def create_key(
        self,
        label: str,
        *,
        scopes: frozenset[str],
        tier: str,
        by: str,
        expires_at: datetime | None = None,
        spend_cap_micro: int | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key and its secret text, which is not kept and cannot be shown again."""
        raise NotImplementedError

    async def find_key(self, secret_text: str) -> ApiKey | None:
        """The live key with this secret: None when unknown, expired or revoked. Compared in constant time."""
        raise NotImplementedError

    async def keys(self) -> list[ApiKey]:
        """All keys, newest first."""
        raise NotImplementedError

    async def revoke_key(self, prefix: str, *, by: str, why: str = "") -> bool:
        """False when there is no such live key."""
        raise NotImplementedError

    # Figures

    async def book(self, piece: MeterSlice) -> None:
        """Write a slice of a device's time. Time already booked is not booked again."""
        raise NotImplementedError

    async def stats(self, period: Period) -> Stats:
        """The figures of a period, from rollups. `period` comes from `store.calendar`."""
        raise NotImplementedError

    # Keeping the database

    async def backup(self, path: Path) -> None:
        """Write a consistent copy of the database to `path` while the bot runs."""
        raise NotImplementedError

    async def check(self) -> list[Finding]:
        """The file's integrity and every invariant of the house; empty when all is well."""
        raise NotImplementedError
