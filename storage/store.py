"""The store: one object, the verbs of members, jobs, money and pictures. Each verb is one transaction, or one reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .clock import utc_us

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
    """Open it with `await Store.open(...)`, or `async with Store.open(...) as store`.

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
        raise NotImplementedError

    async def close(self) -> None:
        """Write what is waiting, fold the log into the database and let go of it."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Members and quotas

    async def member(self, platform: str, user_id: str) -> Member:
        """The member behind a platform identity, created when unknown."""
        raise NotImplementedError

    async def member_by_key(self, member: str) -> Member:
        """The member with this key. Raises UnknownMember."""
        raise NotImplementedError

    async def identities(self, member: str) -> tuple[Identity, ...]:
        """The platform identities of a member."""
        raise NotImplementedError

    async def quota(self, member: str) -> Quota:
        """What the member used and has left this calendar month. Raises UnknownMember."""
        raise NotImplementedError

    # The life of a request

    async def accept(self, request: NewRequest) -> Acceptance:
        """Reserve the images and write request and jobs, all or nothing.

        The same source again returns the first request with `replayed=True` and changes nothing. Raises
        QuotaExceeded, SpendingCapReached, MemberBanned, DailyCapReached, AccountTooYoung, UnknownMember.
        """
        raise NotImplementedError

    async def running(self, job_id: str) -> None:
        """The job has begun to draw. Raises UnknownJob, WrongState."""
        raise NotImplementedError

    async def requeue(self, job_id: str) -> None:
        """The job waits again (preempted for long, its worker died); its waiting time keeps its start."""
        raise NotImplementedError

    async def drawn(self, job_id: str, image: str, usage: DrawUsage) -> None:
        """The picture is on disk under `image` (from put_image); its cost is fixed at the rate valid now."""
        raise NotImplementedError

    async def failed(self, job_id: str, reason: str, usage: DrawUsage | None = None) -> None:
        """Close the job uncharged: its reservation returns to where it came from. Idempotent once closed."""
        raise NotImplementedError

    async def cancelled(
        self, job_id: str, usage: DrawUsage | None = None, *, charged: bool = False, by: str = ""
    ) -> None:
        """Close the job as cancelled by `by`, charged or not. Idempotent once closed."""
        raise NotImplementedError

    async def acknowledge(self, jobs: str | Iterable[str], receipt: str = "") -> None:
        """The platform has taken the pictures: settle, ledger row and closing in one transaction.

        `jobs` is a request id (all its drawn jobs) or job ids; `receipt` is the platform's message id. Idempotent.
        """
        raise NotImplementedError

    async def undeliverable(self, jobs: str | Iterable[str], reason: str, *, members_doing: bool) -> None:
        """Delivery failed for good: charged when it was the member's own doing (blocked the bot), else released."""
        raise NotImplementedError

    async def park(self, jobs: str | Iterable[str]) -> None:
        """Keep drawn pictures in the history, uncharged, until fetched (then `acknowledge`) or expired."""
        raise NotImplementedError

    async def expire(self, *, unfinished_s: int, parked_s: int) -> list[JobRecord]:
        """Release what nobody will finish: jobs undrawn for `unfinished_s`, drawn or parked ones after `parked_s`."""
        raise NotImplementedError

    async def set_address(self, request_id: str, address: str) -> None:
        """Replace the delivery address (a message id became known). Raises UnknownRequest."""
        raise NotImplementedError

    # Reading requests

    async def unfinished(self) -> list[RequestRecord]:
        """Requests with queued or running jobs, oldest first, holding just those jobs."""
        raise NotImplementedError

    async def undelivered(self, platform: str) -> list[RequestRecord]:
        """Requests of one platform with drawn, unacknowledged, unparked jobs, oldest first, holding just those."""
        raise NotImplementedError

    async def request(self, request_id: str) -> RequestRecord:
        """A request with all its jobs. Raises UnknownRequest."""
        raise NotImplementedError

    async def job(self, job_id: str) -> JobRecord:
        """Raises UnknownJob."""
        raise NotImplementedError

    async def history(self, member: str, limit: int, before: str | None = None) -> list[RequestRecord]:
        """The member's requests, newest first; `before` is the request id at which the last page ended."""
        raise NotImplementedError

    async def refunds_today(self, member: str) -> int:
        """Images cancelled after the first step and refunded since midnight (configured time zone)."""
        raise NotImplementedError

    async def ledger(
        self, *, after: int = 0, limit: int = 1000, member: str | None = None
    ) -> list[LedgerRow]:
        """Ledger rows in order of entry, from the one after `after`."""
        raise NotImplementedError

    # Pictures

    async def put_image(self, content: bytes, suffix: str) -> str:
        """Keep a picture on disk, durably, under the name of its content. `suffix` is like ".png"."""
        raise NotImplementedError

    async def image(self, ref: str) -> bytes:
        """The bytes of a picture. Raises ImageGone."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def grant(
        self, member: str, images: int, *, by: str, why: str = "", key: str | None = None
    ) -> None:
        """Add images that last until used. The same `key` (a payment's id) credits once."""
        raise NotImplementedError

    async def ban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        raise NotImplementedError

    async def unban(self, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        raise NotImplementedError

    async def set_language(self, member: str, language: str | None) -> None:
        """Raises UnknownMember."""
        raise NotImplementedError

    async def audit(self, *, subject: str | None = None, limit: int = 100) -> list[AuditRow]:
        """Newest first. `subject` is a member key, or a settings scope."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def set_setting(self, scope: str, key: str, value: Any, *, by: str, why: str = "") -> None:
        """None takes the setting back."""
        raise NotImplementedError

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
