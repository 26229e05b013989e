"""One-time codes for what is sold, and images given from one member to another.

A code has 60 bits, and the database holds its hash. After five wrong ones no code is taken from a member for
ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

from . import goods, member_rows
from .audit import note
from .clock import SECOND_US
from .core import Subject, writes
from .errors import GiftRefused, MemberBanned, VoucherProblem, VoucherRefused
from .goods import Brought, Goods

if TYPE_CHECKING:
    import sqlite3

CODE_LETTERS = 12  # of base32, 5 bits each
TRIES = 5
TRIES_US = 600 * SECOND_US


class Vouchers(Subject):
    """`store.vouchers`."""

    @writes
    def create(self, db: sqlite3.Connection, offer: str, what: Goods, count: int, *, by: str) -> list[str]:
        """Make `count` new codes, which are not kept and cannot be shown again. Raises UnknownTier."""
        if what.tier is not None:
            self.policy.terms(what.tier)
        codes = [_new_code() for _ in range(count)]
        db.executemany(
            "INSERT INTO voucher VALUES (?, ?, ?, ?, ?, ?)",
            [(_digest(code), offer, what.images, what.tier, what.days, self.now_us) for code in codes],
        )
        detail = {"count": count}
        note(db, self.now_us, by=by, action="create_vouchers", subject=offer, detail=detail, why="")
        return codes

    async def redeem(self, member: str, code: str) -> Brought:
        """What a code brings, once. Raises VoucherRefused, UnknownMember."""
        result = await self._redeem(member, code)
        if isinstance(result, VoucherProblem):
            raise VoucherRefused(result)
        return result

    @writes
    def _redeem(self, db: sqlite3.Connection, member: str, code: str) -> Brought | VoucherProblem:
        """A problem is returned, not raised: a wrong try must be kept."""
        row, now_us = member_rows.by_key(db, member), self.now_us
        if row["banned_us"] is not None:
            return VoucherProblem.BANNED
        # Those of the future were before the clock was set back.
        db.execute("DELETE FROM redeem_try WHERE at_us <= ? OR at_us > ?", (now_us - TRIES_US, now_us))
        (tries,) = db.execute("SELECT count(*) FROM redeem_try WHERE member = ?", (row["id"],)).fetchone()
        if tries >= TRIES:
            return VoucherProblem.TOO_MANY_TRIES
        found = db.execute("SELECT * FROM voucher WHERE digest = ?", (_digest(code),)).fetchone()
        if found is None:
            db.execute("INSERT INTO redeem_try VALUES (?, ?)", (row["id"], now_us))
            return VoucherProblem.UNKNOWN
        if found["tier"] is not None and found["tier"] not in self.policy.tiers:
            return VoucherProblem.NO_SUCH_TIER
        what = Goods(found["images"], found["tier"], found["days"])
        if what.tier is not None and self._holds(db, row, what.tier):
            return VoucherProblem.HELD
        first = db.execute(
            "INSERT INTO redemption VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (found["digest"], row["id"], now_us),
        ).rowcount
        if not first:
            return VoucherProblem.USED
        return goods.bring(db, now_us, row["id"], what, voucher=found["digest"])

    def _holds(self, db: sqlite3.Connection, row: sqlite3.Row, tier: str) -> bool:
        """Whether a member has a higher tier, or this one for good, so that more of it brings nothing."""
        own, until_us = member_rows.tier_in_force(db, row, self.policy, self.now_us)
        return self.policy.higher(own, tier) == own and (own != tier or until_us is None)

    @writes
    def give(self, db: sqlite3.Connection, member: str, to: str, images: int, *, key: str) -> bool:
        """Move images from one top-up to another, all or nothing. The same `key` (the event's id) gives once:
        False the second time.

        Raises GiftRefused, MemberBanned, UnknownMember, ValueError for less than one image.
        """
        if images < 1:
            raise ValueError("a gift is of one image or more")
        giver, receiver = member_rows.by_key(db, member), member_rows.by_key(db, to)
        if db.execute("SELECT 1 FROM debit WHERE key = ?", (f"given:{key}",)).fetchone():
            return False
        if giver["banned_us"] is not None:
            raise MemberBanned(giver["ban_reason"])
        if giver["topup"] < images or giver["id"] == receiver["id"]:
            raise GiftRefused(giver["topup"], to_oneself=giver["id"] == receiver["id"])
        goods.debit(db, self.now_us, giver["id"], f"given:{key}", images)
        goods.credit(db, self.now_us, receiver["id"], f"given:{key}", images)
        return True


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(10)).decode()[:CODE_LETTERS]
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def _digest(code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
