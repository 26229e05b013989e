"""What crosses the seam of the store: frozen records. Money in micro-units, durations in microseconds, both
integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request came from. `key` is the platform's id of the event, so a redelivery is recognised.

    Where callers choose the key themselves, `digest` stands for what they asked: another one under the same
    key is a mistake, not a redelivery.
    """

    platform: str
    key: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """One person's account on one platform."""

    platform: str
    user_id: str


@dataclass(frozen=True, slots=True)
class TierTerms:
    """What a tier may have and what it pays. Tiers are handed in from the lowest to the highest.

    `allowance` is images a calendar month, None for no cap; the daily caps count the images of all members of
    the tier together, in one server and everywhere; `min_account_age_s` holds where the platform tells an
    account's age.
    """

    name: str
    allowance: int | None
    price_micro: int
    daily_cap_server: int | None = None
    daily_cap_total: int | None = None
    min_account_age_s: int = 0
    slow: int = 0
    """Images a month beyond the allowance, for who chose to go on slowly. They cost the member nothing."""
    volume: tuple[tuple[int, int], ...] = ()
    """Lower prices, rising: (a member's charged images of the month before, the price of each one after)."""

    def price_of_next(self, before: int) -> int:
        """What one more image costs a member who has had `before` of them this month."""
        return next((price for beyond, price in reversed(self.volume) if before >= beyond), self.price_micro)


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour of the machine costs from `valid_from` (an aware datetime) until the next rate.

    `gpu` names the cards it holds for; empty, any that has no rate of its own.
    """

    valid_from: datetime
    rent_micro_per_hour: int
    operations_micro_per_hour: int
    gpu: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A person with one allowance, whatever platforms they come from. `tier` is the one in force now."""

    key: str
    tier: str
    tier_until: datetime | None
    language: str | None
    banned: bool
    ban_reason: str | None
    created_at: datetime
    joined: bool = False
    """They typed the bot's invitation code once."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A member's month: `left` counts what a new request may still reserve, top-up included; None means no
    cap.
    """

    tier: str
    allowance: int | None
    used: int
    reserved: int
    topup: int
    left: int | None
    resets_at: datetime
    slow_left: int = 0
    """What may be drawn slowly once nothing else is left."""
    slow: bool = False
    """They chose to go on slowly this month."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """One image of a request, to be drawn from `seed`."""

    job_id: str
    seed: int


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to be accepted: one reservation for all its jobs.

    `payload` and `address` are JSON texts of the caller's; the store keeps them and reads neither. `tier` is
    one that the platform grants for this request (a role), taken where it ranks above the member's own.
    """

    request_id: str
    source: Source
    member: str
    platform_server: str | None
    payload: str
    address: str
    jobs: tuple[NewJob, ...]
    account_age_s: int | None = None
    tier: str | None = None


class JobState(StrEnum):
    """A job's life: queued -> running -> drawn -> delivered, or closed as failed or cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    DRAWN = "drawn"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def closed(self) -> bool:
        """Settled or released, for good."""
        return self in (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)


class CancelledBy(StrEnum):
    """Who gave a job up."""

    MEMBER = "member"
    MODERATOR = "moderator"
    SAFETY = "safety"
    """The picture was one that nobody may see."""
    SYSTEM = "system"
    """There is nobody left to deliver to."""
    FORGOTTEN = "forgotten"
    """The member asked to be forgotten."""

    @property
    def members_doing(self) -> bool:
        """Whether the member answers for it: such jobs are given back only so many times a day."""
        return self in (CancelledBy.MEMBER, CancelledBy.SAFETY)


class Outcome(StrEnum):
    """How a job ended, as the ledger tells it."""

    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One image's job. `waited_us` runs from acceptance until it first ran, or until now while it waits."""

    job_id: str
    request_id: str
    member: str
    seed: int
    state: JobState
    image: str | None
    accepted_at: datetime
    waited_us: int
    parked: bool
    reason: str | None
    usage: DrawUsage | None = None
    """What drawing took, once drawn; of a closed job the ledger keeps the draw time as one figure."""
    cost_micro: int = 0
    """What that cost, at the rate that was valid when it was drawn."""
    charged: bool = False
    """Of a closed job: whether it counts as an image, drawn or not."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request with its jobs in the order of their seeds. `tier` is the one it was accepted under.

    `address` is "{}" once all its jobs are closed: what it held is good for nothing then, and not kept.
    """

    request_id: str
    source: Source
    member: str
    tier: str
    platform_server: str | None
    payload: str
    address: str
    jobs: tuple[JobRecord, ...]
    created_at: datetime
    slow: bool = False
    """Accepted beyond the allowance, to be drawn when nobody else waits."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """An accepted request. `replayed` says that its source was accepted before and nothing changed."""

    request: RequestRecord
    replayed: bool


@dataclass(frozen=True, slots=True)
class DrawUsage:
    """What drawing one image took.

    `gpu_us` is its billed share of the GPU, `energy_mj` None where nothing measures it.
    """

    queue_us: int
    encode_us: int
    denoise_us: int
    decode_us: int
    gpu_us: int
    energy_mj: int | None
    model: str
    width: int
    height: int
    steps: int
    cached: bool = False
    device: str = ""

    @property
    def draw_us(self) -> int:
        """Time from the first encoding to the last decoding, without the queue."""
        return self.encode_us + self.denoise_us + self.decode_us


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One closed job, for good. `price_micro` is what was charged (0 when it was not)."""

    entry: int
    at: datetime
    member: str
    month: int
    outcome: Outcome
    charged: bool
    from_topup: bool
    tier: str
    platform: str
    price_micro: int
    gpu_us: int
    energy_mj: int | None
    cost_micro: int
    wait_us: int | None
    draw_us: int | None
    model: str
    width: int
    height: int
    steps: int
    device: str
    cached: bool


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who changed what about whom, when and why."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: str
    why: str


@dataclass(frozen=True, slots=True)
class MeterSlice:
    """A stretch of a device's time, [start_us, end_us) in UTC: what of it was busy and overhead; the rest was
    idle. A `device` that names its card is booked at that card's rate.
    """

    start_us: int
    end_us: int
    busy_us: int
    overhead_us: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """Two members about to become one: `issuer` made the code, `redeemer` typed it. Merged once both
    confirmed.
    """

    offer_id: str
    issuer: str
    redeemer: str
    issuer_identities: tuple[Identity, ...]
    redeemer_identities: tuple[Identity, ...]
    issuer_confirmed: bool
    redeemer_confirmed: bool
    linked: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What /forget erased, and for how many more days backups made earlier may hold it.

    `log_folded` is False while another reader of the database keeps its log from being emptied: the last
    traces go as soon as it ends.
    """

    identities: int
    requests: int
    images: int
    backups_keep_days: int
    log_folded: bool = True


@dataclass(frozen=True, slots=True)
class MemberData:
    """All that is kept of a member: `data` is ready for JSON, `pictures` are refs (`store.pictures.get`)."""

    data: dict[str, Any]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret. `member` is the member its images are charged to."""

    prefix: str
    member: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    spend_cap_micro: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over closed jobs.

    `images` are the charged ones; the others of `drawn` work cost GPU time all the same.
    """

    images: int = 0
    failed: int = 0
    cancelled: int = 0
    undeliverable: int = 0
    refunded: int = 0
    gpu_us: int = 0
    energy_mj: int = 0
    cost_micro: int = 0
    revenue_micro: int = 0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Times in microseconds, each right within a bucket of the histogram (about 9 %); None where nothing was
    counted.
    """

    count: int
    p50_us: int | None
    p95_us: int | None


@dataclass(frozen=True, slots=True)
class Uptime:
    """Metered machine time in microseconds, and what it cost at the rates that were valid then."""

    busy_us: int
    overhead_us: int
    idle_us: int
    lost_us: int
    rent_micro: int
    operations_micro: int


@dataclass(frozen=True, slots=True)
class DayUse:
    """A member's day: charged images and their price, and the machine time of all that was drawn."""

    day: int
    images: int
    gpu_us: int
    price_micro: int


@dataclass(frozen=True, slots=True)
class MemberMonth:
    """One member's share of a month."""

    member: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A member in a list: who they are on each platform, and their share of this calendar month."""

    member: Member
    identities: tuple[Identity, ...]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of a period, read from rollups alone. `size` keys are "WIDTHxHEIGHT".

    `top_members` are those of the calendar month in which the period ends.
    """

    start: datetime
    end: datetime
    currency: str
    total: Tally
    by_tier: dict[str, Tally]
    by_platform: dict[str, Tally]
    by_size: dict[str, Tally]
    wait: Percentiles
    draw: Percentiles
    wait_by_tier: dict[str, Percentiles]
    draw_by_tier: dict[str, Percentiles]
    uptime: Uptime
    top_members: tuple[MemberMonth, ...]

    def share(self, tier: str) -> float:
        """The tier's part of all charged images, 0 to 1."""
        return self.by_tier.get(tier, Tally()).images / self.total.images if self.total.images else 0.0


class Severity(StrEnum):
    """How bad a finding is: a broken promise, or something worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` found wrong: the invariant's name and a sentence with the figures."""

    invariant: str
    sentence: str
    severity: Severity = Severity.ERROR
