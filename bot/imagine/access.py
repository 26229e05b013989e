"""Who may have something drawn, as [access] in bot.toml says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.config.faces import AccessMode
from bot.messages import Reason, UserError, say

if TYPE_CHECKING:
    from bot.config.faces import Access
    from storage.records.members import Member
    from storage.settings import Scope
    from storage.store import Store


async def require_access(
    access: Access, store: Store, member: Member, user_id: str, server: Scope | None
) -> None:
    """Raises `UserError` where this member is not let in, nor everybody in the `server` asked in.

    `user_id` is their account's, which a refusal tells them.
    """
    if access.mode is AccessMode.OPEN or str(server) in access.servers:
        return
    if access.mode is AccessMode.CODE and member.joined:
        return
    accounts = await store.members.identities(member.key)
    if any(f"{account.platform}:{account.user_id}" in access.members for account in accounts):
        return
    if access.mode is AccessMode.CODE:
        raise UserError(say("error-access-code").because(Reason.NOT_ALLOWED))
    raise UserError(say("error-access-listed", account=user_id).because(Reason.NOT_ALLOWED))
