"""`/link` and `/unlink`: several accounts become one member, and one of them leaves again.

Each step works from ids alone, so a button pressed after a restart still means the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.faces.platforms import PLATFORMS
from bot.messages import Reason, UserError, say
from bot.render import Card
from storage.errors import LinkProblem, LinkRefused
from storage.records.members import Identity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.members import LinkOffer


@dataclass(frozen=True, slots=True)
class LinkStep:
    """A step of `/link`. With an `offer_id` the reader is asked yes or no (`answer_link`)."""

    card: Card
    offer_id: str | None = None


async def link(service: Service, asker: Asker, code: str, t: Translator) -> LinkStep:
    """`/link`: an open offer to answer, else a new code. `/link CODE`: redeem a code made elsewhere."""
    member = await service.members.of(asker)
    try:
        if code.strip():
            return _offer_step(await service.store.links.redeem(member.key, code), member.key, t)
    except LinkRefused as error:
        raise _link_refused(error) from None
    for offer in await service.store.links.offers(member.key):
        confirmed = offer.issuer_confirmed if member.key == offer.issuer else offer.redeemer_confirmed
        if not confirmed:
            return _offer_step(offer, member.key, t)
    new_code = await service.store.links.code(member.key)
    return LinkStep(Card(t("link-title"), text=t("link-code", code=new_code)))


async def answer_link(service: Service, asker: Asker, offer_id: str, *, yes: bool, t: Translator) -> Card:
    """One side's yes or no; after the second yes the two accounts are one member."""
    member = await service.members.of(asker)
    try:
        if not yes:
            await service.store.links.decline(member.key, offer_id)
            return Card(t("link-title"), text=t("link-declined"))
        offer = await service.store.links.confirm(member.key, offer_id)
    except LinkRefused as error:
        raise _link_refused(error) from None
    return Card(t("link-title"), text=t("link-done" if offer.linked else "link-wait"))


async def unlink_question(service: Service, asker: Asker, t: Translator) -> Card:
    """What `/unlink` would do; the face puts the button below that calls `unlink`."""
    member = await service.members.of(asker)
    own = Identity(asker.platform, asker.user_id)
    others = [one for one in await service.store.members.identities(member.key) if one != own]
    if not others:
        raise UserError(say("error-unlink-only"))
    return Card(t("unlink-title"), text=t("unlink-question", others=_accounts(others)))


async def unlink(service: Service, asker: Asker, t: Translator) -> Card:
    """Take the asker's account off those it is linked to: it becomes a member of its own."""
    try:
        await service.store.links.unlink(asker.platform, asker.user_id)
    except LinkRefused as error:
        raise _link_refused(error) from None
    return Card(t("unlink-title"), text=t("unlink-done"))


def _offer_step(offer: LinkOffer, reader: str, t: Translator) -> LinkStep:
    others = offer.redeemer_identities if reader == offer.issuer else offer.issuer_identities
    text = t("link-question", other=_accounts(others))
    return LinkStep(Card(t("link-title"), text=text), offer.offer_id)


def _accounts(identities: Sequence[Identity]) -> str:
    return ", ".join(f"{PLATFORMS[one.platform].label} {one.user_id}" for one in identities)


def _link_refused(error: LinkRefused) -> UserError:
    match error.why:
        case LinkProblem.OWN_CODE:
            return UserError(say("error-link-own"))
        case LinkProblem.TOO_MANY_TRIES:
            return UserError(say("error-link-tries"))
        case LinkProblem.LAST_IDENTITY:
            return UserError(say("error-unlink-only"))
        case LinkProblem.BANNED:
            return UserError(say("error-banned").because(Reason.NOT_ALLOWED))
        case _:
            return UserError(say("error-link-code"))
