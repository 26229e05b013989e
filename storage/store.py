"""The store: one object with the verbs of members, jobs, money and pictures; each is one transaction or one
reading.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from contextlib import AsyncExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from . import (
    acceptance,
    admin,
    backup,
    forgetting,
    keys,
    ledger,
    linking,
    members,
    meter,
    opening,
    quota,
    requests,
    rollups,
    sessions,
    trash,
)
from . import jobs as life
from .clock import to_us, utc_us
from .connection import Connection
from .errors import LinkProblem, LinkRefused, StoreUnavailable
from .images import ImageFolder, overdue
from .months import Calendar
from .policy import Policy
from .records import Forgotten
from .secret import load_or_create
from .serving import Serving
from .trouble import diagnose
from .writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from .clock import Clock
    from .months import Period
    from .records import (
        Acceptance,
        ApiKey,
        AuditRow,
        DayUse,
        DrawUsage,
        Finding,
        Identity,
        JobRecord,
        LedgerRow,
        LinkOffer,
        Member,
        MemberLine,
        MeterSlice,
        NewRequest,
        Quota,
        Rate,
        RequestRecord,
        Stats,
        Tally,
        TierTerms,
    )

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """Open it with `async with await Store.open(...) as store`.

    Any verb may raise StoreUnavailable (disk full, read-only, locked, corrupt): then nothing of it was
    written. The verbs that move a job on once work was done for it (drawn, failed, cancelled, acknowledge,
    undeliverable, park) wait instead until the cause is gone, so that no reservation leaks.
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
        on_step: Callable[[str], None] = lambda step: None,
        backups_keep_days: int = 30,
        outage_limit_s: int = 3600,
        retry_s: float = 2.0,
        synchronous: str = "FULL",
        on_statement: Callable[[str], None] | None = None,
    ) -> Self:
        """Open or create the database at `path`, bring it up to date and repair what a crash left.

        `tiers` run from the lowest to the highest. `images_dir` is by default a folder beside the database.
        `secret` keys the hashes of forgotten members; by default it is kept in a file beside the database.
        `serving` is for the one process that draws (False for command-line errands beside it). `on_trouble`
        is called, on the event loop, for each StoreUnavailable; `on_step` at named places between writes, for
        tests that kill there. A killed process's time counts as lost for at most `outage_limit_s`. What must
        not be lost is tried again every `retry_s` while the disk refuses. `synchronous="OFF"` is for
        simulations alone. `on_statement` is told every SQL statement. Raises CannotOpen (DatabaseTooNew,
        AlreadyServing), StoreUnavailable, UnknownTier.
        """
        policy = Policy(
            dict(tiers),
            default_tier,
            tuple(rates),
            currency,
            Calendar(time_zone),
            backups_keep_days=backups_keep_days,
            outage_limit_s=outage_limit_s,
        )
        policy.terms(default_tier)
        folder = ImageFolder(images_dir or path.parent / "images", on_step)
        async with AsyncExitStack() as stack:
            if serving:
                stack.enter_context(await asyncio.to_thread(Serving, path))
            writing = await Connection.open(path, synchronous=synchronous, on_statement=on_statement)
            stack.push_async_callback(writing.close)
            await writing.run(partial(opening.prepare, currency=currency))
            secret = secret if secret is not None else await _in_thread(load_or_create, path)
            await _in_thread(folder.prepare, clear=serving)
            reading = await Connection.open(path, query_only=True, on_statement=on_statement)
            stack.push_async_callback(reading.close)
            reporting = await Connection.open(path, query_only=True, on_statement=on_statement)
            stack.push_async_callback(reporting.close)
            writer = Writer(writing, on_trouble=on_trouble, on_step=on_step, retry_s=retry_s)
            stack.push_async_callback(writer.close)
            store = cls(path, policy, clock, secret, folder, reading, reporting, writer, stack, on_trouble)
            if serving:
                await store._begin_serving()
            store._stack = stack.pop_all()
        return store

    def __init__(
        self,
        path: Path,
        policy: Policy,
        clock: Clock,
        secret: bytes,
        folder: ImageFolder,
        reading: Connection,
        reporting: Connection,
        writer: Writer,
        stack: AsyncExitStack,
        on_trouble: Callable[[StoreUnavailable], None] | None,
    ) -> None:
        """Use `open`."""
        self._path = path
        self._policy = policy
        self._clock = clock
        self._secret = secret
        self._folder = folder
        self._reading = reading  # for quick look-ups, which must not wait behind a report
        self._reporting = reporting
        self._writer = writer
        self._stack = stack
        self._on_trouble = on_trouble

    async def _begin_serving(self) -> None:
        await self._write(lambda db: meter.book_lost(db, self._policy, self._clock()))
        await self._sweep()
        self._stack.push_async_callback(self._end_serving)

    async def _end_serving(self) -> None:
        with suppress(StoreUnavailable):  # then the next start counts the time until it as lost
            await self._write(meter.stop)

    async def close(self) -> None:
        """Write what is waiting, fold the log into the database and let go of it."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def calendar(self) -> Calendar:
        """Months and days in the configured time zone."""
        return self._policy.calendar

    @property
    def currency(self) -> str:
        """What all amounts are micro-units of."""
        return self._policy.currency

    def derived_key(self, purpose: str) -> bytes:
        """32 secret bytes for one purpose, the same at every start; they tell nothing of the key file's."""
        return hmac.digest(self._secret, purpose.encode(), "sha256")

    # Members and quotas

    async def member(self, platform: str, user_id: str) -> Member:
        """The member behind a platform identity, created when unknown."""
        row = await self._read(lambda db: members.find(db, platform, user_id))
        if row is None:
            row = await self._write(
                lambda db: forgetting.find_or_create(
                    db, self._policy, self._secret, self._clock(), platform, user_id
                )
            )
        return members.record(row, self._policy, self._clock())

    async def member_by_key(self, member: str) -> Member:
        """The member with this key. Raises UnknownMember."""
        row = await self._read(lambda db: members.by_key(db, member))
        return members.record(row, self._policy, self._clock())

    async def identities(self, member: str) -> tuple[Identity, ...]:
        """The platform identities of a member. Raises UnknownMember."""
        return await self._read(lambda db: members.identities(db, members.by_key(db, member)["id"]))

    async def quota(self, member: str, *, tier: str | None = None) -> Quota:
        """What the member used and has left this calendar month, with a `tier` as in NewRequest.

        Raises UnknownMember.
        """
        now_us = self._clock()
        with self._watched():  # one statement, so it needs no transaction around it
            where = await self._reading.run(
                lambda db: quota.standing(db, self._policy, now_us, member, tier=tier)
            )
        return quota.quota(where, self._policy, now_us)

    # The life of a request

    async def accept(self, request: NewRequest) -> Acceptance:
        """Reserve the images and write request and jobs, all or nothing.

        The same source again returns the first request with `replayed=True` and changes nothing; where all
        its jobs are closed, with the address given now, since its own is not kept. Raises SourceReused
        (another digest than then), QuotaExceeded, SpendingCapReached, MemberBanned, DailyCapReached,
        AccountTooYoung, UnknownMember.
        """
        return await self._write(lambda db: acceptance.accept(db, self._policy, self._clock(), request))

    async def running(self, job_id: str) -> None:
        """The job has begun to draw. Raises UnknownJob, WrongState."""
        await self._write(lambda db: life.running(db, self._clock(), job_id))

    async def requeue(self, job_id: str) -> None:
        """The job waits again (its worker died); its waiting time keeps its start. Raises UnknownJob,
        WrongState.
        """
        await self._write(lambda db: life.requeue(db, job_id))

    async def drawn(self, job_id: str, image: str, usage: DrawUsage) -> None:
        """The picture is on disk under `image` (from put_image); its cost is fixed at the rate valid now.

        A second time changes nothing. Raises UnknownJob, WrongState (closed in the meantime).
        """
        await self._write_surely(lambda db: life.drawn(db, self._policy, self._clock(), job_id, image, usage))

    async def failed(self, job_id: str, reason: str, usage: DrawUsage | None = None) -> None:
        """Close the job uncharged: its reservation returns to where it came from. Nothing changes once
        closed.

        Raises UnknownJob.
        """
        await self._write_surely(
            lambda db: life.failed(db, self._policy, self._clock(), job_id, reason, usage)
        )

    async def cancelled(
        self, job_id: str, usage: DrawUsage | None = None, *, charged: bool = False, by: str = ""
    ) -> None:
        """Close the job as cancelled by `by`, charged or not; once closed it stays. Raises UnknownJob."""
        await self._write_surely(
            lambda db: life.cancelled(db, self._policy, self._clock(), job_id, usage, charged=charged, by=by)
        )

    async def acknowledge(self, jobs: str | Iterable[str], receipt: str = "") -> None:
        """The platform has taken the pictures: settle, ledger row and closing in one transaction.

        `jobs` is a request id (for all its drawn jobs) or job ids; `receipt` is the platform's message id.
        What is closed stays as it is. Raises UnknownRequest, UnknownJob, WrongState (a job named itself is
        not drawn yet).
        """
        named = _named(jobs)
        await self._write_surely(lambda db: life.acknowledge(db, self._policy, self._clock(), named, receipt))

    async def undeliverable(self, jobs: str | Iterable[str], reason: str, *, members_doing: bool) -> None:
        """Delivery failed for good: charged when it was the member's own doing (blocked the bot), else
        released.

        `jobs` and errors as for `acknowledge`.
        """
        named = _named(jobs)
        await self._write_surely(
            lambda db: life.undeliverable(
                db, self._policy, self._clock(), named, reason, members_doing=members_doing
            )
        )

    async def park(self, jobs: str | Iterable[str]) -> None:
        """Keep drawn pictures in the history, uncharged, until fetched (then `acknowledge`) or expired.

        `jobs` and errors as for `acknowledge`.
        """
        named = _named(jobs)
        await self._write_surely(lambda db: life.park(db, named))

    async def expire(self, *, unfinished_s: int, undelivered_s: int) -> list[JobRecord]:
        """Release what nobody will finish: jobs not drawn, or drawn and not taken, in so many seconds."""
        return await self._write(
            lambda db: life.expire(
                db, self._policy, self._clock(), unfinished_s=unfinished_s, undelivered_s=undelivered_s
            )
        )

    async def set_address(self, request_id: str, address: str) -> None:
        """Replace the delivery address (a message id became known). Raises UnknownRequest."""
        await self._write(lambda db: life.set_address(db, request_id, address))

    # Reading requests

    async def unfinished(self) -> list[RequestRecord]:
        """Requests with queued or running jobs, oldest first, holding just those jobs."""
        return await self._report(lambda db: requests.unfinished(db, self._clock()))

    async def undelivered(self, platform: str) -> list[RequestRecord]:
        """Requests of one platform with drawn, unacknowledged, unparked jobs, oldest first, holding just
        those.
        """
        return await self._report(lambda db: requests.undelivered(db, platform, self._clock()))

    async def request(self, request_id: str) -> RequestRecord:
        """A request with all its jobs. Raises UnknownRequest."""
        return await self._read(lambda db: requests.one(db, request_id, self._clock()))

    async def job(self, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        return await self._read(lambda db: requests.of_job(db, job_id, self._clock()))

    async def history(self, member: str, limit: int, before: str | None = None) -> list[RequestRecord]:
        """The member's requests, newest first; `before` is the request id at which the last page ended."""
        return await self._read(lambda db: requests.history(db, member, limit, before, self._clock()))

    async def refunds_today(self, member: str) -> int:
        """Images cancelled after the first step and refunded since midnight (configured time zone)."""
        since_us = self.calendar.today(self._clock()).start_us
        return await self._read(lambda db: ledger.refunds_since(db, member, since_us))

    async def ledger(
        self, *, after: int = 0, limit: int = 1000, member: str | None = None
    ) -> list[LedgerRow]:
        """Ledger rows in order of entry, from the one after `after`."""
        return await self._report(lambda db: ledger.rows(db, after=after, limit=limit, member=member))

    async def use_by_day(self, member: str, period: Period) -> list[DayUse]:
        """What a member had on each day of a period (configured time zone) on which anything ended."""
        return await self._report(lambda db: ledger.use_by_day(db, self.calendar, member, period))

    # Pictures

    async def put_image(self, content: bytes, suffix: str) -> str:
        """Keep a picture on disk, durably, under the name of its content. `suffix` is like ".png"."""
        return await self._in_thread(self._folder.put, content, suffix, self._clock())

    async def image(self, ref: str) -> bytes:
        """The bytes of a picture. Raises ImageGone."""
        return await self._in_thread(self._folder.get, ref)

    async def delete_image(self, job_id: str) -> None:
        """Take the picture of a closed job away for good. Raises UnknownJob, WrongState."""
        await self._write(lambda db: trash.drop_image(db, self._clock(), job_id))
        await self._sweep()

    async def retain(self, *, max_age_s: int | None = None, total_mb: int | None = None) -> int:
        """Delete the oldest pictures beyond an age or a total size; undelivered ones stay. How many went."""
        since_us = self._clock()  # a picture that is written again while we look stays
        kept = await self._in_thread(self._folder.kept)
        refs = overdue(kept, since_us, max_age_s=max_age_s, total_mb=total_mb)
        await self._write(lambda db: trash.drop_images(db, since_us, refs))
        return await self._sweep()

    # Administration; each change is written to the audit log with who, when and why

    async def set_tier(
        self, member: str, tier: str, until: datetime | None = None, *, by: str, why: str = ""
    ) -> None:
        """Raises UnknownMember, UnknownTier."""
        await self._write(
            lambda db: admin.set_tier(db, self._policy, self._clock(), member, tier, until, by, why)
        )

    async def grant(
        self, member: str, images: int, *, by: str, why: str = "", key: str | None = None
    ) -> bool:
        """Add images that last until used. The same `key` (a payment's id) credits once: False the second
        time.

        Raises UnknownMember, ValueError for less than one image.
        """
        if images < 1:
            raise ValueError("a grant is of one image or more")
        key = key or f"gift:{secrets.token_hex(8)}"
        return await self._write(lambda db: admin.grant(db, self._clock(), member, images, by, why, key))

    async def ban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        await self._write(lambda db: admin.ban(db, self._clock(), member, by, why))

    async def unban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        await self._write(lambda db: admin.unban(db, self._clock(), member, by, why))

    async def set_language(self, member: str, language: str | None) -> None:
        """Raises UnknownMember."""
        await self._write(lambda db: members.set_language(db, member, language))

    async def audit(self, *, subject: str | None = None, limit: int = 100) -> list[AuditRow]:
        """Newest first. `subject` is a member key, or a settings scope."""
        return await self._report(lambda db: admin.audit(db, subject, limit))

    # Linking and forgetting

    async def link_code(self, member: str) -> str:
        """A one-time code of 65 bits, good for ten minutes; a new one replaces it. Raises UnknownMember."""
        code = linking.new_code()
        await self._write(lambda db: linking.issue(db, self._clock(), member, code))
        return code

    async def redeem(self, member: str, code: str) -> LinkOffer:
        """Type in a code on the other side; then both must confirm. Raises LinkRefused, UnknownMember."""
        result = await self._write(lambda db: linking.redeem(db, self._clock(), member, code))
        if isinstance(result, LinkProblem):
            raise LinkRefused(result)
        return result

    async def link_offers(self, member: str) -> list[LinkOffer]:
        """Open offers this member is a party to. Raises UnknownMember."""
        return await self._read(lambda db: linking.offers(db, self._clock(), member))

    async def confirm(self, member: str, offer_id: str) -> LinkOffer:
        """One side says yes; after the second the two are one member, the issuer, with use and top-ups added
        up.

        Raises LinkRefused, UnknownMember.
        """
        return await self._write(
            lambda db: linking.confirm(db, self._policy, self._clock(), member, offer_id)
        )

    async def decline(self, member: str, offer_id: str) -> None:
        """One side says no; the offer and its code are gone. Raises LinkRefused, UnknownMember."""
        await self._write(lambda db: linking.decline(db, self._clock(), member, offer_id))

    async def unlink(self, platform: str, user_id: str) -> Member:
        """Take an identity off its member. It starts anew, with this month's use counted against it as well.

        Raises UnknownMember, LinkRefused (the only identity).
        """
        await self._write(lambda db: linking.unlink(db, self._policy, self._clock(), platform, user_id))
        return await self.member(platform, user_id)

    async def forget(self, platform: str, user_id: str) -> Forgotten:
        """Erase the member with all their identities: mapping, prompts, pictures. Open jobs are cancelled.

        A keyed hash of each identity keeps a ban and this month's use. Raises UnknownMember.
        """
        erased = await self._write(
            lambda db: forgetting.forget(db, self._policy, self._secret, self._clock(), platform, user_id)
        )
        await self._sweep()
        await self._writer.outside(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        return Forgotten(*erased, backups_keep_days=self._policy.backups_keep_days)

    # Settings of a server or a group; values are JSON

    async def settings(self, scope: str) -> dict[str, Any]:
        """All settings of a scope such as "discord:1234"."""
        return await self._read(lambda db: admin.settings(db, scope))

    async def set_setting(self, scope: str, key: str, value: Any, *, by: str, why: str = "") -> None:
        """None takes the setting back."""
        await self._write(lambda db: admin.set_setting(db, self._clock(), scope, key, value, by, why))

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
        """A new key and its text, which is not kept and cannot be shown again. Raises UnknownTier.

        `spend_cap_micro` bounds what its images may cost in a calendar month.
        """
        text = keys.new_text()
        key = await self._write(
            lambda db: keys.create(
                db, self._policy, self._clock(), text, label, scopes, tier, by, expires_at, spend_cap_micro
            )
        )
        return text, key

    async def find_key(self, text: str) -> ApiKey | None:
        """The live key with this text: None when unknown, expired or revoked. Compared in constant time."""
        return await self._read(lambda db: keys.find(db, self._clock(), text))

    async def keys(self) -> list[ApiKey]:
        """All keys, newest first."""
        return await self._read(keys.every)

    async def revoke_key(self, prefix: str, *, by: str, why: str = "") -> bool:
        """False when there is no such live key."""
        return await self._write(lambda db: keys.revoke(db, self._clock(), prefix, by, why))

    # Sessions of the admin page

    async def session_link(self, member: str) -> str:
        """A link's text, good for one session within ten minutes; a new one replaces it.

        Raises UnknownMember.
        """
        link = sessions.new_text()
        await self._write(lambda db: sessions.offer(db, self._clock(), member, link))
        return link

    async def begin_session(self, link: str) -> str | None:
        """Spend a link: the text of a session for twelve hours, None where the link is spent or too old."""
        session = sessions.new_text()
        begun = await self._write(lambda db: sessions.begin(db, self._clock(), link, session))
        return session if begun else None

    async def session(self, text: str) -> Member | None:
        """Whose session this is; None where it is over, or none at all."""
        row = await self._read(lambda db: sessions.find(db, self._clock(), text))
        return None if row is None else members.record(row, self._policy, self._clock())

    async def end_session(self, text: str) -> None:
        """A session is over; nothing changes where it was."""
        await self._write(lambda db: sessions.end(db, text))

    # Figures

    async def book(self, piece: MeterSlice) -> None:
        """Write a slice of a device's time. Time already booked is not booked again; a gap before it is lost.

        Raises ValueError where the parts are more than the whole.
        """
        await self._write_surely(lambda db: meter.book(db, self._policy, piece))

    async def device_left(self, device: str) -> None:
        """It is metered no more: what passes until its next slice is nobody's."""
        await self._write(lambda db: meter.stop(db, device))

    async def held(self, period: Period) -> dict[str, int]:
        """How long members held a tier they were given, in microseconds, all added up, as far as time has
        gone.
        """
        return await self._report(lambda db: admin.held(db, period, self._clock()))

    async def stats(self, period: Period) -> Stats:
        """The figures of a period, from rollups. `period` comes from `store.calendar`."""
        return await self._report(lambda db: rollups.stats(db, self._policy, period))

    async def totals(self) -> dict[tuple[str, str], Tally]:
        """Everything since the database began, by tier and platform; no figure of it ever falls."""
        return await self._report(rollups.totals)

    async def members(self, who: str | None = None, *, limit: int = 100) -> list[MemberLine]:
        """Members with their use of this month, the most first; `who` is a member key or an account's id."""
        return await self._report(
            lambda db: rollups.members_by_use(db, self._policy, self._clock(), who, limit)
        )

    async def failures(self) -> list[RequestRecord]:
        """Among the last thousand requests those with failed jobs, newest first, holding just those."""
        return await self._report(lambda db: requests.failed(db, self._clock()))

    async def pictured(self, since: datetime) -> list[RequestRecord]:
        """The same of requests with pictures that were made since then."""
        return await self._report(lambda db: requests.pictured(db, to_us(since), self._clock()))

    # Keeping the database

    async def probe(self) -> None:
        """Write something, so that whoever asks knows that it can be done. Raises StoreUnavailable."""
        await self._write(lambda db: opening.probe(db, secrets.token_hex(8)))

    async def backup(self, path: Path) -> None:
        """Write a consistent copy of the database to `path` while the bot runs. Raises StoreUnavailable."""
        await self._in_thread(backup.backup, self._path, path)

    async def check(self) -> list[Finding]:
        """The file's integrity and every invariant of the house; empty when all is well."""
        return await self._in_thread(backup.check, self._path, self._folder.has)

    # How it gets there

    async def _write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.write(operation)

    async def _write_surely(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        return await self._writer.write(operation, lasting=True)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._watched():
            return await self._reading.read(work)

    async def _report(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._watched():
            return await self._reporting.read(work)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._watched():
            return await _in_thread(work, *args, **kwargs)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Tell of trouble outside the writer, which tells of its own."""
        try:
            yield
        except StoreUnavailable as trouble:
            if self._on_trouble is not None:
                self._on_trouble(trouble)
            raise

    async def _sweep(self) -> int:
        """Delete the files of pictures that were taken away, and only then strike them from the list."""
        listed = await self._report(trash.listed)
        if not listed:
            return 0
        deleted = await self._in_thread(self._folder.delete, listed)
        await self._write(lambda db: trash.strike(db, listed))
        return deleted


def _named(jobs: str | Iterable[str]) -> str | tuple[str, ...]:
    return jobs if isinstance(jobs, str) else tuple(jobs)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """File work off the event loop. Raises StoreUnavailable where the system is at fault."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise diagnose(error) from error
