"""Reservations: reserve, then settle or release, each exactly once.

The invariant: for every member and month, `reserved` is how many images its open jobs count as and `used` how
many were charged to its allowance; `topup` is what was granted, less what was charged to it, less what is
reserved of it. Only `reserve` takes from what is left, in one conditional statement, so that no interleaving
passes the allowance. To settle or to release is to write the job's ledger row: the schema's trigger
`ledger_settles` moves the reservation with it, and the ledger takes one row a job.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .clock import from_us
from .errors import (
    AccountTooYoung,
    CapScope,
    DailyCapReached,
    MemberBanned,
    QuotaExceeded,
    SpendingCapReached,
    UnknownMember,
)
from .records.members import Quota, TierTerms

if TYPE_CHECKING:
    import sqlite3

    from .policy import Policy
    from .records.requests import NewRequest


_STANDING = """
SELECT member.*, used, reserved, slow, revenue_micro + held_micro AS spent_micro,
       (SELECT min(spend_cap_micro) FROM api_key
        WHERE api_key.member = member.id
        AND (revoked_us IS NULL OR :source_key LIKE prefix || ':%')) AS spend_cap_micro,
       (SELECT group_concat(tier, char(31)) FROM held
        WHERE held.member = member.id AND start_us <= :now AND end_us > :now) AS bought,
       (SELECT id FROM request
        WHERE platform = :platform AND source_key = :source_key) AS first_request
FROM person JOIN member ON member.id = person.member
LEFT JOIN account ON account.month = :month AND account.member = member.id
WHERE person.key = :member AND forgotten_us IS NULL
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides on a request, read in one statement."""

    member: int
    key: str
    tier: str
    terms: TierTerms
    used: int
    reserved: int
    topup: int
    banned: bool
    ban_reason: str
    spend_cap_micro: int | None
    spent_micro: int  # this month, what is held included
    given_tier: bool  # the tier is one they were given by name, or bought
    chose_slow: bool
    first_request: int | None  # the request that this source made before

    @property
    def allowance_left(self) -> int | None:
        """Images of the month that are neither used nor reserved; None where there is no cap."""
        if self.terms.allowance is None:
            return None
        return max(0, self.terms.allowance - self.used - self.reserved)

    @property
    def left(self) -> int | None:
        """With the top-up."""
        return None if self.allowance_left is None else self.allowance_left + self.topup

    @property
    def slow_left(self) -> int:
        """Images that may be drawn slowly, once the allowance is used."""
        if self.terms.allowance is None:
            return 0
        begun = max(self.terms.allowance, self.used + self.reserved)
        return max(0, self.terms.allowance + self.terms.slow - begun)


@dataclass(frozen=True, slots=True)
class Reservation:
    """Images held for a request: the first ones are the month's, the others the top-up's.

    `prices_micro` are those of the month's, in their order.
    """

    month: int
    prices_micro: tuple[int, ...]
    from_topup: int
    capped_day: int | None
    slow: bool = False


def standing(
    db: sqlite3.Connection,
    policy: Policy,
    now_us: int,
    member: str,
    *,
    platform: str = "",
    source_key: str = "",
    tier: str | None = None,
) -> Standing:
    """Where a member stands this month. Raises UnknownMember.

    A request that was let in with a key keeps to its cap, though the key is taken back before it is accepted.
    """
    row = db.execute(
        _STANDING,
        {
            "member": member,
            "month": policy.calendar.month(now_us),
            "now": now_us,
            "platform": platform,
            "source_key": source_key,
        },
    ).fetchone()
    if row is None:
        raise UnknownMember(f"no member {member}")
    own = policy.tier_in_force(row["tier"], row["tier_until_us"], now_us)
    bought = (row["bought"] or "").split("\x1f")
    in_force = functools.reduce(policy.higher, [tier, *bought], own)
    return Standing(
        member=row["id"],
        key=row["key"],
        tier=in_force,
        terms=policy.terms(in_force),
        used=row["used"] or 0,
        reserved=row["reserved"] or 0,
        topup=row["topup"],
        banned=row["banned_us"] is not None,
        ban_reason=row["ban_reason"] or "",
        spend_cap_micro=row["spend_cap_micro"],
        spent_micro=row["spent_micro"] or 0,
        given_tier=in_force in bought or in_force == own == row["tier"],
        chose_slow=bool(row["slow"]),
        first_request=row["first_request"],
    )


def quota(where: Standing, policy: Policy, now_us: int) -> Quota:
    """What the member is told."""
    return Quota(
        tier=where.tier,
        allowance=where.terms.allowance,
        used=where.used,
        reserved=where.reserved,
        topup=where.topup,
        left=where.left,
        slow_left=where.slow_left,
        slow=where.chose_slow,
        resets_at=from_us(policy.calendar.month_end_us(policy.calendar.month(now_us))),
    )


def reserve(
    db: sqlite3.Connection, policy: Policy, now_us: int, where: Standing, request: NewRequest
) -> Reservation:
    """Hold what each job counts as, from the month's allowance first and the top-up after, or hold nothing.

    Raises MemberBanned, AccountTooYoung, QuotaExceeded, SpendingCapReached, DailyCapReached.
    """
    wanted = request.counted
    resets_at = from_us(policy.calendar.month_end_us(policy.calendar.month(now_us)))
    if where.banned:
        raise MemberBanned(where.ban_reason)
    if request.account_age_s is not None and request.account_age_s < where.terms.min_account_age_s:
        raise AccountTooYoung(request.account_age_s, where.terms.min_account_age_s)
    slow = where.left == 0 and where.chose_slow and wanted <= where.slow_left
    if where.left is not None and wanted > where.left and not slow:  # `_hold` finds the same, and decides
        raise QuotaExceeded(wanted, where.left, resets_at, slow_left=where.slow_left, slow=where.chose_slow)
    from_allowance = wanted if slow or where.allowance_left is None else min(wanted, where.allowance_left)
    had = where.used + where.reserved
    prices_micro = tuple(0 if slow else where.terms.price_of_next(had + n) for n in range(from_allowance))
    price_micro = sum(prices_micro)
    if where.spend_cap_micro is not None and where.spent_micro + price_micro > where.spend_cap_micro:
        raise SpendingCapReached(price_micro, max(0, where.spend_cap_micro - where.spent_micro), resets_at)
    reservation = Reservation(
        month=policy.calendar.month(now_us),
        prices_micro=prices_micro,
        from_topup=wanted - from_allowance,
        capped_day=_count_under_daily_caps(db, policy, now_us, where, request),
        slow=slow,
    )
    if not _hold(db, where, reservation):
        raise QuotaExceeded(wanted, where.left or 0, resets_at)
    sold = where.given_tier or (request.tier_bought and where.tier == request.tier)
    if where.terms.price_micro and not sold:
        subscriber = (reservation.month, where.tier, where.member)
        db.execute("INSERT INTO tier_month VALUES (?, ?, ?) ON CONFLICT DO NOTHING", subscriber)
    return reservation


def uncount_daily(
    db: sqlite3.Connection, *, day: int, tier: str, platform: str, server: str | None, images: int
) -> None:
    """Refunded images no longer count under the day's caps."""
    db.execute(
        "UPDATE daily SET images = images - ? WHERE day = ? AND tier = ? AND scope IN ('', ?)",
        (images, day, tier, server_scope(platform, server)),
    )


def _hold(db: sqlite3.Connection, where: Standing, reservation: Reservation) -> bool:
    limit = where.terms.allowance
    if limit is not None and reservation.slow:
        limit += where.terms.slow
    held = db.execute(
        """
        INSERT INTO account (month, member, reserved, held_micro) VALUES (:month, :member, :images, :price)
        ON CONFLICT DO UPDATE SET
          reserved = reserved + excluded.reserved, held_micro = held_micro + excluded.held_micro
        WHERE :allowance IS NULL OR excluded.reserved = 0 OR used + reserved + excluded.reserved <= :allowance
        """,
        {
            "month": reservation.month,
            "member": where.member,
            "images": len(reservation.prices_micro),
            "price": sum(reservation.prices_micro),
            "allowance": limit,
        },
    ).rowcount
    if reservation.from_topup:
        held &= db.execute(
            "UPDATE member SET topup = topup - ?1 WHERE id = ?2 AND topup >= ?1",
            (reservation.from_topup, where.member),
        ).rowcount
    return bool(held)


def _count_under_daily_caps(
    db: sqlite3.Connection, policy: Policy, now_us: int, where: Standing, request: NewRequest
) -> int | None:
    terms = where.terms
    if terms.daily_cap_server is None and terms.daily_cap_total is None:
        return None
    day = policy.calendar.day(now_us)
    wanted = request.counted
    server = server_scope(request.source.platform, request.platform_server)
    scopes = [("", CapScope.TOTAL, terms.daily_cap_total)]
    if server is not None:
        scopes.append((server, CapScope.SERVER, terms.daily_cap_server))
    for scope, kind, cap in scopes:
        counted = db.execute(
            """
            INSERT INTO daily VALUES (:day, :tier, :scope, :wanted)
            ON CONFLICT DO UPDATE SET images = images + excluded.images
            RETURNING images
            """,
            {"day": day, "tier": where.tier, "scope": scope, "wanted": wanted},
        ).fetchone()[0]
        if cap is not None and counted > cap:
            left = max(0, cap - (counted - wanted))
            raise DailyCapReached(kind, cap, left, from_us(policy.calendar.day_end_us(now_us)))
    return day


def server_scope(platform: str, server: str | None) -> str | None:
    """A server's name under the daily caps."""
    return None if server is None else f"{platform}:{server}"
