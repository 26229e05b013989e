"""Members: who they are, what their tier allows, what they have left, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


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
class MemberName:
    """Who a member is, to an owner: a number that stays, their accounts, and an API key's label."""

    number: int
    identities: tuple[Identity, ...]
    label: str | None = None


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
class AuditRow:
    """Who changed what about whom, when and why."""

    at: datetime
    by: str
    action: str
    subject: str
    detail: str
    why: str


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


class KeyScope(StrEnum):
    """What a key may be for."""

    IMAGES = "images"
    USAGE = "usage"
    """Reading what its own images took and cost."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret. `member` is the member its images are charged to."""

    prefix: str
    member: str
    label: str
    scopes: frozenset[KeyScope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    spend_cap_micro: int | None


@dataclass(frozen=True, slots=True)
class DayUse:
    """A member's day: charged images and their price, and the machine time of all that was drawn."""

    day: int
    images: int
    gpu_us: int
    price_micro: int
