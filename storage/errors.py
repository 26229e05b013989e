"""What the store refuses and what can befall it.

Refusals are the member's to read, troubles the admin's as well.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class StorageError(Exception):
    """Anything the store raises on purpose."""


class Refusal(StorageError):
    """A rule said no. Nothing was changed, nothing is charged."""


class QuotaExceeded(Refusal):
    """The member wanted more images than the month and the top-up have left."""

    def __init__(
        self, wanted: int, left: int, resets_at: datetime, *, slow_left: int = 0, slow: bool = False
    ) -> None:
        super().__init__(f"{wanted} images wanted, {left} left until {resets_at.isoformat()}")
        self.slow_left = slow_left  # so many may be drawn slowly this month
        self.slow = slow  # they chose to go on so
        self.wanted = wanted
        self.left = left
        self.resets_at = resets_at


class SpendingCapReached(Refusal):
    """The API key's spending cap of this month would be passed. Amounts in micro-units."""

    def __init__(self, wanted_micro: int, left_micro: int, resets_at: datetime) -> None:
        super().__init__(
            f"{wanted_micro} micro-units wanted, {left_micro} left until {resets_at.isoformat()}"
        )
        self.wanted_micro = wanted_micro
        self.left_micro = left_micro
        self.resets_at = resets_at


class SourceReused(Refusal):
    """The caller's key of this request came before, with another request."""


class MemberBanned(Refusal):
    """The member is banned."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"banned: {reason}" if reason else "banned")
        self.reason = reason


class CapScope(StrEnum):
    """What a daily cap counts over."""

    SERVER = "server"
    TOTAL = "total"


class DailyCapReached(Refusal):
    """The tier's images of today are used up, in this server or in all."""

    def __init__(self, scope: CapScope, cap: int, left: int, resets_at: datetime) -> None:
        super().__init__(f"daily cap of {cap} ({scope}) reached, {left} left until {resets_at.isoformat()}")
        self.scope = scope
        self.cap = cap
        self.left = left
        self.resets_at = resets_at


class AccountTooYoung(Refusal):
    """The platform account is younger than the tier asks. Both ages in seconds."""

    def __init__(self, age_s: int, needed_s: int) -> None:
        super().__init__(f"account is {age_s} s old, {needed_s} s needed")
        self.age_s = age_s
        self.needed_s = needed_s


class UnknownMember(Refusal):
    """No member has this key (any more)."""


class UnknownTier(Refusal):
    """The configuration names no such tier."""


class UnknownRequest(Refusal):
    """No request has this id."""


class UnknownJob(Refusal):
    """No job has this id."""


class WrongState(Refusal):
    """The job is not in a state from which this step is possible."""

    def __init__(self, job_id: str, state: str, wanted: str) -> None:
        super().__init__(f"job {job_id} is {state}, cannot become {wanted}")
        self.job_id = job_id
        self.state = state
        self.wanted = wanted


class LinkRefused(Refusal):
    """The link code is wrong, used, expired, one's own, or tried too often; `why` says which."""

    def __init__(self, why: LinkProblem) -> None:
        super().__init__(str(why))
        self.why = why


class LinkProblem(StrEnum):
    """Why a link code or offer was refused."""

    UNKNOWN = "unknown or expired code"
    OWN_CODE = "own code"
    TOO_MANY_TRIES = "too many tries"
    NOT_YOURS = "not a party to this offer"
    LAST_IDENTITY = "the only identity cannot be unlinked"
    BANNED = "a banned member cannot link"


class UnknownOrder(Refusal):
    """No order has this id."""


class NothingToRefund(Refusal):
    """The order has no payment that could be paid back."""


class VoucherRefused(Refusal):
    """The code brings nothing; `why` says why."""

    def __init__(self, why: VoucherProblem) -> None:
        super().__init__(str(why))
        self.why = why


class VoucherProblem(StrEnum):
    """Why a voucher's code was refused."""

    UNKNOWN = "unknown code"
    USED = "used already"
    TOO_MANY_TRIES = "too many tries"
    BANNED = "a banned member cannot redeem"
    NO_SUCH_TIER = "its tier is no longer there"
    HELD = "the member has its tier for good, or a higher one"


class GiftRefused(Refusal):
    """Images cannot be given: there are only `left`, or they would go to the giver."""

    def __init__(self, left: int, *, to_oneself: bool) -> None:
        super().__init__("a gift to oneself" if to_oneself else f"only {left} images to give")
        self.left = left
        self.to_oneself = to_oneself


class ImageGone(StorageError):
    """The image was deleted, by its owner or by retention."""


class Reason(StrEnum):
    """What keeps the store from writing or reading."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    LOCKED = "locked"
    CORRUPT = "corrupt"
    IO = "io"
    CLOSED = "closed"


class StoreUnavailable(StorageError):
    """The store cannot do this now. Nothing of the operation was written; it may be tried again."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Problem(StrEnum):
    """Why a database or a backup cannot be used as it is."""

    NO_DATABASE = "no-database"
    EMPTY = "empty"
    FOREIGN = "foreign"
    TOO_NEW = "too-new"
    CURRENCY = "currency"
    DAMAGED = "damaged"
    SERVED = "served"
    OLD_SQLITE = "old-sqlite"
    KEY_GONE = "key-gone"
    KEY_FOREIGN = "key-foreign"
    KEY_UNREADABLE = "key-unreadable"
    KEY_DAMAGED = "key-damaged"
    BACKUP_AMONG_PICTURES = "backup-among-pictures"
    BACKUP_NO_FOLDER = "backup-no-folder"
    BACKUP_NOT_EMPTY = "backup-not-empty"
    BACKUP_LINK = "backup-link"
    BACKUP_NOT_MADE = "backup-not-made"
    BACKUP_BUSY = "backup-busy"
    BACKUP_INCOMPLETE = "backup-incomplete"
    BACKUP_DAMAGED = "backup-damaged"
    BACKUP_KEY_FOREIGN = "backup-key-foreign"


class CannotOpen(StorageError):
    """A database or a backup cannot be used as it is. `about` names files, versions and the like."""

    def __init__(self, problem: Problem, **about: str | int) -> None:
        super().__init__(": ".join([problem, ", ".join(f"{name} {value}" for name, value in about.items())]))
        self.problem = problem
        self.about = about


class DatabaseTooNew(CannotOpen):
    """The database was written by a newer Easel."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(Problem.TOO_NEW, found=found, known=known)


class AlreadyServing(CannotOpen):
    """Another process serves this database."""

    def __init__(self, file: str) -> None:
        super().__init__(Problem.SERVED, file=file)
