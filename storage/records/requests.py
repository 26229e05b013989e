"""Requests and their jobs: what is asked, and how it stands.

In all records, durations are integer microseconds (`_us`) and money is integer micro-units (`_micro`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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
class NewJob:
    """One image of a request, to be drawn from `seed`."""

    job_id: str
    seed: int


@dataclass(frozen=True, slots=True)
class NewInput:
    """A picture that a request is drawn from: what it is for, and the digest from `pictures.put_input`."""

    role: str
    digest: str
    brought: bool = True
    """By a member: not a result that is used again, nor a mask that was made here."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to be accepted: one reservation for all its jobs.

    `payload` and `address` are JSON texts of the caller's; the store keeps them and reads neither. `tier` is
    one that the platform grants for this request (a role), taken where it ranks above the member's own.
    `counts_as`: how many images of the allowance each job is.
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
    tier_bought: bool = False
    counts_as: int = 1
    inputs: tuple[NewInput, ...] = ()
    kind: str = "text"
    """What is asked for: text, vary, inpaint or enlarge. The ledger is added up by it."""

    @property
    def counted(self) -> int:
        """Images of the allowance that the whole request is."""
        return self.counts_as * len(self.jobs)


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
    """Whether a closed job counts as an image, drawn or not."""


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
