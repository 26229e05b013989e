"""Members: who stands behind a platform identity, their quota, tier, top-ups, language and bans."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from . import export, forgetting, goods, links, member_rows, quota
from .audit import note
from .clock import to_us
from .core import Subject, reads, reports, writes
from .errors import LinkProblem, LinkRefused
from .records.members import Forgotten, Identity, Member, MemberName, Quota
from .stats import members_by_use

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

    from .core import Core
    from .pictures import Pictures
    from .records.figures import MemberLine
    from .records.members import MemberData


class Members(Subject):
    """`store.members`."""

    def __init__(self, core: Core, pictures: Pictures) -> None:
        super().__init__(core)
        self._pictures = pictures

    async def of(self, platform: str, user_id: str) -> Member:
        """The member behind a platform identity, created when unknown."""
        return await self.find(platform, user_id) or await self._create(platform, user_id)

    @writes
    def _create(self, db: sqlite3.Connection, platform: str, user_id: str) -> Member:
        row = forgetting.find_or_create(db, self.policy, self.core.key, self.now_us, platform, user_id)
        return member_rows.record(db, row, self.policy, self.now_us)

    @reads
    def get(self, db: sqlite3.Connection, member: str) -> Member:
        """The member with this key. Raises UnknownMember."""
        return member_rows.record(db, member_rows.by_key(db, member), self.policy, self.now_us)

    @reads
    def find(self, db: sqlite3.Connection, platform: str, user_id: str) -> Member | None:
        """The member behind a platform identity; None when unknown."""
        row = member_rows.find(db, platform, user_id)
        return None if row is None else member_rows.record(db, row, self.policy, self.now_us)

    @reads
    def identities(self, db: sqlite3.Connection, member: str) -> tuple[Identity, ...]:
        """The platform identities of a member. Raises UnknownMember."""
        return member_rows.identities(db, member_rows.by_key(db, member)["id"])

    @reports
    def names(self, db: sqlite3.Connection, keys: Iterable[str]) -> dict[str, MemberName]:
        """Who the members with these keys are, by key; forgotten ones are left out."""
        return member_rows.names(db, keys)

    @reports
    def banned(self, db: sqlite3.Connection, keys: Iterable[str]) -> set[str]:
        """Which of these members are banned."""
        rows = db.execute(
            "SELECT asked.value FROM json_each(?) AS asked JOIN person ON person.key = asked.value"
            " JOIN member ON member.id = person.member WHERE banned_us IS NOT NULL",
            (json.dumps(list(keys)),),
        )
        return {key for (key,) in rows}

    @reads
    def quota(self, db: sqlite3.Connection, member: str, *, tier: str | None = None) -> Quota:
        """What the member used and has left this calendar month, with a `tier` as in NewRequest.

        Raises UnknownMember.
        """
        where = quota.standing(db, self.policy, self.now_us, member, tier=tier)
        return quota.quota(where, self.policy, self.now_us)

    @reports
    def list(self, db: sqlite3.Connection, who: str | None = None, *, limit: int = 100) -> list[MemberLine]:
        """Members with their use of this month, the most first. `who`: see `members_by_use`."""
        return members_by_use(db, self.policy, self.now_us, who, limit)

    @writes
    def set_language(self, db: sqlite3.Connection, member: str, language: str | None) -> None:
        """None: the platform's. Raises UnknownMember."""
        _update(db, member, "language = ?", language)

    async def join(self, member: str, code: str, wanted: str) -> None:
        """Note that a member knows the invitation code `wanted`. Raises LinkRefused where `code` is another,
        or where they have tried too often; UnknownMember.
        """
        if (problem := await self._join(member, code, wanted)) is not None:
            raise LinkRefused(problem)

    @writes
    def _join(self, db: sqlite3.Connection, member: str, code: str, wanted: str) -> LinkProblem | None:
        """A problem is returned, not raised: a wrong try must be kept."""
        row = member_rows.by_key(db, member)
        if links.tried_too_often(db, self.now_us, row["id"]):
            return LinkProblem.TOO_MANY_TRIES
        if not links.same_code(code, wanted):
            links.note_wrong_try(db, self.now_us, row["id"])
            return LinkProblem.UNKNOWN
        _update(db, member, "joined_us = coalesce(joined_us, ?)", self.now_us)
        return None

    @writes
    def go_slowly(self, db: sqlite3.Connection, member: str, *, yes: bool) -> None:
        """Whether they go on slowly this month once their allowance is used. Raises UnknownMember."""
        month = self.policy.calendar.month(self.now_us)
        db.execute(
            "INSERT INTO account (month, member, slow) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET slow = excluded.slow",
            (month, member_rows.by_key(db, member)["id"], yes),
        )

    # What owners and moderators change; each is written to the audit log

    @writes
    def set_tier(
        self,
        db: sqlite3.Connection,
        member: str,
        tier: str,
        until: datetime | None = None,
        *,
        by: str,
        why: str = "",
    ) -> None:
        """Raises UnknownMember, UnknownTier."""
        self.policy.terms(tier)
        number = member_rows.by_key(db, member)["id"]
        until_us = None if until is None else to_us(until)
        member_rows.set_tier(db, self.now_us, number, tier, until_us, by=by, why=why)

    @writes
    def grant(
        self,
        db: sqlite3.Connection,
        member: str,
        images: int,
        *,
        by: str,
        why: str = "",
        key: str | None = None,
    ) -> bool:
        """Add images that last until used. The same `key` (a payment's id) credits once: False the second
        time.

        Raises UnknownMember, ValueError for less than one image.
        """
        if images < 1:
            raise ValueError("a grant is of one image or more")
        row = member_rows.by_key(db, member)
        credited = goods.credit(db, self.now_us, row["id"], key or f"gift:{secrets.token_hex(8)}", images)
        if credited:
            detail = {"images": images}
            note(db, self.now_us, by=by, action="grant", subject=member, detail=detail, why=why)
        return credited

    @writes
    def ban(self, db: sqlite3.Connection, member: str, *, by: str, why: str = "") -> None:
        """Accept no more requests of theirs. Raises UnknownMember."""
        _update(db, member, "banned_us = ?, ban_reason = ?", self.now_us, why)
        note(db, self.now_us, by=by, action="ban", subject=member, detail={}, why=why)

    @writes
    def unban(self, db: sqlite3.Connection, member: str, *, by: str, why: str = "") -> None:
        """Raises UnknownMember."""
        _update(db, member, "banned_us = NULL, ban_reason = NULL")
        note(db, self.now_us, by=by, action="unban", subject=member, detail={}, why=why)

    # A person's rights

    @reports
    def export(self, db: sqlite3.Connection, member: str) -> MemberData:
        """All that is kept of a member, to be handed to them. Raises UnknownMember."""
        return export.export(db, self.policy, self.now_us, member)

    async def forget(self, member: str, *, by: str | None = None) -> Forgotten:
        """Erase a member with all their identities: mapping, prompts, pictures. Open jobs are cancelled.

        A keyed hash of each identity keeps a ban and this month's use; an owner who does it (`by`) is noted
        in the audit log. Raises UnknownMember.
        """
        identities, requests, images = await self._forget(member, by)
        await self._pictures.empty_trash()
        return Forgotten(
            identities,
            requests,
            images,
            backups_keep_days=self.policy.backups_keep_days,
            log_folded=await self.core.fold_log(),
        )

    @writes
    def _forget(self, db: sqlite3.Connection, member: str, by: str | None) -> tuple[int, int, int]:
        row = member_rows.by_key(db, member)
        if by is not None:
            note(db, self.now_us, by=by, action="erase", subject=member, detail={}, why="")
        return forgetting.forget(db, self.policy, self.core.key, self.now_us, row)


def _update(db: sqlite3.Connection, key: str, assignments: str, *values: object) -> None:
    member = member_rows.by_key(db, key)["id"]
    db.execute(f"UPDATE member SET {assignments} WHERE id = ?", (*values, member))  # noqa: S608 - named above
