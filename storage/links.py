"""One person on several platforms, with one allowance: linking adds up what was used, unlinking restores
nothing.

A code is made on one side and typed in on the other; then both sides confirm. The code is known to its member
alone (the database holds its hash), has 65 bits, lives ten minutes, and after five wrong ones no code is
taken for ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from . import goods, member_rows
from .clock import SECOND_US, from_us
from .core import Subject, reads, writes
from .errors import LinkProblem, LinkRefused
from .records.members import LinkOffer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from .policy import Policy
    from .records.members import Member

CODE_LETTERS = 13  # of base32, 5 bits each
CODE_LIFE_US = 600 * SECOND_US
TRIES = 5

_SUMMED = (
    "used, carried, reserved, held_micro, images, failed, cancelled, undeliverable, refunded,"
    " gpu_us, energy_mj, cost_micro, revenue_micro"
)
_ADDED = ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMMED.split(", ") if name.strip())


def new_code(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """Thirteen letters and digits that nobody mistakes for each other, in groups."""
    letters = base64.b32encode(random_bytes(10)).decode()[:CODE_LETTERS]
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


class Links(Subject):
    """`store.links`."""

    @writes
    def code(self, db: sqlite3.Connection, member: str) -> str:
        """A one-time code of 65 bits, good for ten minutes; a new one replaces it. Raises UnknownMember."""
        code = new_code()
        row = member_rows.by_key(db, member)
        db.execute("DELETE FROM link_code WHERE member = ? OR expires_us <= ?", (row["id"], self.now_us))
        db.execute(
            "INSERT INTO link_code VALUES (?, ?, ?)", (_digest(code), row["id"], self.now_us + CODE_LIFE_US)
        )
        return code

    async def redeem(self, member: str, code: str) -> LinkOffer:
        """Type in a code on the other side; then both must confirm. Raises LinkRefused, UnknownMember."""
        result = await self._redeem(member, code)
        if isinstance(result, LinkProblem):
            raise LinkRefused(result)
        return result

    @writes
    def _redeem(self, db: sqlite3.Connection, member: str, code: str) -> LinkOffer | LinkProblem:
        """A problem is returned, not raised: a wrong try must be kept."""
        now_us = self.now_us
        redeemer = member_rows.by_key(db, member)
        if tried_too_often(db, now_us, redeemer["id"]):
            return LinkProblem.TOO_MANY_TRIES
        found = db.execute(
            "SELECT member.* FROM link_code JOIN member ON member.id = link_code.member"
            " WHERE digest = ? AND expires_us > ?",
            (_digest(code), now_us),
        ).fetchone()
        if found is None:
            note_wrong_try(db, now_us, redeemer["id"])
            return LinkProblem.UNKNOWN
        if found["id"] == redeemer["id"]:
            return LinkProblem.OWN_CODE
        if found["banned_us"] is not None or redeemer["banned_us"] is not None:
            return LinkProblem.BANNED
        db.execute("DELETE FROM link_code WHERE member = ?", (found["id"],))
        offer_id = secrets.token_hex(8)
        db.execute(
            "INSERT INTO link_offer (offer_id, issuer, redeemer, expires_us) VALUES (?, ?, ?, ?)",
            (offer_id, found["id"], redeemer["id"], now_us + CODE_LIFE_US),
        )
        return _record(db, _find(db, now_us, offer_id, redeemer["id"]))

    @reads
    def offers(self, db: sqlite3.Connection, member: str) -> list[LinkOffer]:
        """Open offers this member is a party to. Raises UnknownMember."""
        party = member_rows.by_key(db, member)["id"]
        rows = db.execute(
            "SELECT * FROM link_offer WHERE ? IN (issuer, redeemer) AND expires_us > ? ORDER BY expires_us",
            (party, self.now_us),
        ).fetchall()
        return [_record(db, row) for row in rows]

    @writes
    def confirm(self, db: sqlite3.Connection, member: str, offer_id: str) -> LinkOffer:
        """One side says yes; after the second the two are one member, the issuer, with use and top-ups added
        up.

        Raises LinkRefused, UnknownMember.
        """
        party = member_rows.by_key(db, member)["id"]
        offer = _find(db, self.now_us, offer_id, party)
        side = "issuer_confirmed" if party == offer["issuer"] else "redeemer_confirmed"
        db.execute(f"UPDATE link_offer SET {side} = 1 WHERE offer_id = ?", (offer_id,))  # noqa: S608 - one of two words
        offer = _find(db, self.now_us, offer_id, party)
        both = bool(offer["issuer_confirmed"] and offer["redeemer_confirmed"])
        record = _record(db, offer, linked=both)
        if both:
            _merge(db, self.policy, self.now_us, offer["issuer"], offer["redeemer"])
        return record

    @writes
    def decline(self, db: sqlite3.Connection, member: str, offer_id: str) -> None:
        """One side says no; the offer and its code are gone. Raises LinkRefused, UnknownMember."""
        party = member_rows.by_key(db, member)["id"]
        _find(db, self.now_us, offer_id, party)
        db.execute("DELETE FROM link_offer WHERE offer_id = ?", (offer_id,))

    @writes
    def unlink(self, db: sqlite3.Connection, platform: str, user_id: str) -> Member:
        """Take an identity off its member. It starts anew, with this month's use counted against it as well.

        Raises UnknownMember, LinkRefused (the only identity).
        """
        common = member_rows.find(db, platform, user_id)
        if common is None:
            raise member_rows.unknown(platform)
        if len(member_rows.identities(db, common["id"])) < 2:
            raise LinkRefused(LinkProblem.LAST_IDENTITY)
        own = member_rows.create(db, self.now_us)
        db.execute(
            "UPDATE member SET split_from = ?, language = ?, banned_us = ?, ban_reason = ?, joined_us = ?"
            " WHERE id = ?",
            (*(common[c] for c in ("id", "language", "banned_us", "ban_reason", "joined_us")), own),
        )
        db.execute(
            "INSERT INTO account (month, member, used, carried)"
            " SELECT month, ?, used + reserved, used + reserved FROM account WHERE month = ? AND member = ?",
            (own, self.policy.calendar.month(self.now_us), common["id"]),
        )
        db.execute(
            "UPDATE identity SET member = ? WHERE platform = ? AND user_id = ?", (own, platform, user_id)
        )
        row = db.execute("SELECT * FROM member WHERE id = ?", (own,)).fetchone()
        return member_rows.record(db, row, self.policy, self.now_us)


def tried_too_often(db: sqlite3.Connection, now_us: int, member: int) -> bool:
    """Whether a member has typed so many wrong codes lately that none is taken."""
    # Those of the future were before the clock was set back.
    db.execute("DELETE FROM link_try WHERE at_us <= ? OR at_us > ?", (now_us - CODE_LIFE_US, now_us))
    tries = db.execute("SELECT count(*) FROM link_try WHERE member = ?", (member,)).fetchone()[0]
    return int(tries) >= TRIES


def note_wrong_try(db: sqlite3.Connection, now_us: int, member: int) -> None:
    """A member typed a wrong code."""
    db.execute("INSERT INTO link_try VALUES (?, ?)", (member, now_us))


def same_code(one: str, other: str) -> bool:
    """Whether two codes are the same, however they are grouped, in time that tells nothing."""
    return hmac.compare_digest(_digest(one), _digest(other))


def _merge(db: sqlite3.Connection, policy: Policy, now_us: int, keeper: int, joining: int) -> None:
    """Make one member of two: what was used, reserved and topped up is added, the higher tier stays."""
    one, other = (
        db.execute("SELECT * FROM member WHERE id = ?", (member,)).fetchone() for member in (keeper, joining)
    )
    if one["banned_us"] is not None or other["banned_us"] is not None:
        raise LinkRefused(LinkProblem.BANNED)
    _forgive_what_was_carried_between(db, one, other)
    db.execute(
        f"INSERT INTO account (month, member, {_SUMMED})"  # noqa: S608 - our own column names
        f" SELECT month, ?, {_SUMMED} FROM account WHERE member = ?"
        f" ON CONFLICT DO UPDATE SET {_ADDED}",
        (keeper, joining),
    )
    db.execute("DELETE FROM account WHERE member = ?", (joining,))
    for table in (
        "identity",
        "request",
        "api_key",
        "credit",
        "debit",
        "orders",
        "period",
        "session_link",
        "session",
    ):
        db.execute(f"UPDATE {table} SET member = ? WHERE member = ?", (keeper, joining))  # noqa: S608 - named above
    db.execute("UPDATE OR IGNORE tier_month SET member = ? WHERE member = ?", (keeper, joining))
    db.execute("DELETE FROM tier_month WHERE member = ?", (joining,))
    goods.lay_end_to_end(db, now_us, keeper)
    _take_the_higher_tier(db, policy, now_us, one, other)
    db.execute(
        "UPDATE member SET topup = topup + ?, language = coalesce(language, ?),"
        " joined_us = coalesce(joined_us, ?) WHERE id = ?",
        (other["topup"], other["language"], other["joined_us"], keeper),
    )
    db.execute("UPDATE member SET topup = 0 WHERE id = ?", (joining,))
    db.execute(
        f"UPDATE member SET merged_into = :keeper WHERE id IN ({member_rows.IDS})",  # noqa: S608 - a constant
        {"keeper": keeper, "member": joining},
    )
    db.execute(
        "DELETE FROM link_offer WHERE ?1 IN (issuer, redeemer) OR ?2 IN (issuer, redeemer)", (keeper, joining)
    )
    db.execute("DELETE FROM link_code WHERE member IN (?, ?)", (keeper, joining))


def _forgive_what_was_carried_between(db: sqlite3.Connection, one: sqlite3.Row, other: sqlite3.Row) -> None:
    """Two that were one before: what the one carried along from the other would otherwise count twice."""
    for younger, elder in ((one, other), (other, one)):
        if younger["split_from"] == elder["id"]:
            db.execute(
                "UPDATE account SET used = used - carried, carried = 0 WHERE member = ?", (younger["id"],)
            )


def _take_the_higher_tier(
    db: sqlite3.Connection, policy: Policy, now_us: int, one: sqlite3.Row, other: sqlite3.Row
) -> None:
    mine = policy.tier_in_force(one["tier"], one["tier_until_us"], now_us)
    theirs = policy.tier_in_force(other["tier"], other["tier_until_us"], now_us)
    if mine != theirs and policy.higher(mine, theirs) == theirs:
        member_rows.set_tier(db, now_us, one["id"], other["tier"], other["tier_until_us"], by=other["key"])
    if other["tier"] is not None:  # held once, by what is now one member
        member_rows.set_tier(db, now_us, other["id"], None, None, by=other["key"])


def _find(db: sqlite3.Connection, now_us: int, offer_id: str, party: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM link_offer WHERE offer_id = ? AND expires_us > ?", (offer_id, now_us)
    ).fetchone()
    if row is None:
        raise LinkRefused(LinkProblem.UNKNOWN)
    if party not in (row["issuer"], row["redeemer"]):
        raise LinkRefused(LinkProblem.NOT_YOURS)
    return row


def _record(db: sqlite3.Connection, offer: sqlite3.Row, *, linked: bool = False) -> LinkOffer:
    keys = dict(
        db.execute("SELECT id, key FROM member WHERE id IN (?, ?)", (offer["issuer"], offer["redeemer"]))
    )
    return LinkOffer(
        offer_id=offer["offer_id"],
        issuer=keys[offer["issuer"]],
        redeemer=keys[offer["redeemer"]],
        issuer_identities=member_rows.identities(db, offer["issuer"]),
        redeemer_identities=member_rows.identities(db, offer["redeemer"]),
        issuer_confirmed=bool(offer["issuer_confirmed"]),
        redeemer_confirmed=bool(offer["redeemer_confirmed"]),
        linked=linked,
        expires_at=from_us(offer["expires_us"]),
    )


def _digest(code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
