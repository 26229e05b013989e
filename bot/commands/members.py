"""What members ask and do: quota, queue, cancel, history, link, language, forget; each answered with cards.

A face shows the cards and the buttons that go with them; every step works from ids alone, so a button pressed
days later or after a restart still means the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.dates import format_datetime

from bot import render
from bot.commands.command import Argument, Command, Kind
from bot.config.faces import AccessMode
from bot.faces.platforms import PLATFORMS
from bot.imagine.picture import thumbnail
from bot.imagine.request import ImageRequest
from bot.messages import LANGUAGES, Moment, Reason, UserError, say, translator
from bot.render import Card
from storage.errors import ImageGone, LinkProblem, LinkRefused
from storage.records.members import Identity
from storage.records.requests import CancelledBy, JobState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.faces.caller import Caller
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.members import LinkOffer, Member
    from storage.records.requests import RequestRecord

PAGE = 5
PROMPT_CHARS = 120
AUTO = "auto"
"""The language choice that gives the decision back to the platform."""

LANGUAGE_NAMES = {"en": "English", "zh-CN": "简体中文"}


@dataclass(frozen=True, slots=True)
class LinkStep:
    """A step of `/link`. With an `offer_id` the reader is asked yes or no (`answer_link`)."""

    card: Card
    offer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One request in a member's history; `job_ids` are those whose pictures are still kept.

    `waiting`: parked pictures, which are delivered, and counted, when they are fetched (`buttons.fetch`).
    """

    request_id: str
    card: Card
    job_ids: tuple[str, ...]
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page of history, newest first. `after` asks `history` for the next one; None at the end."""

    title: str
    entries: tuple[Entry, ...]
    after: str | None = None


async def cancel(service: Service, asker: Asker, t: Translator) -> Card:
    """Cancel everything the asker has waiting or running."""
    member = await service.members.of(asker)
    cancelled = [
        service.requests.cancel(live.request_id, member, by=CancelledBy.MEMBER)
        for live in service.requests.unfinished(member.key)
    ]
    return Card(t("cancel-asked") if any(cancelled) else t("cancel-nothing"))


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


async def join(service: Service, caller: Caller, code: str) -> Card:
    """`/join CODE`: let a member in who was given the invitation code."""
    access, t = service.config.access, caller.t
    if access.code is None:
        raise UserError(say("error-command", command="/join"))
    try:
        await service.store.members.join(caller.member.key, code, access.code)
    except LinkRefused as error:
        tries = error.why is LinkProblem.TOO_MANY_TRIES
        raise UserError(say("error-link-tries" if tries else "error-join-code")) from None
    return Card(t("join-done"), text=t("help-typed"))


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


def forget_question(t: Translator) -> Card:
    """What `/forget` would erase; the face puts the button below that calls `forget`."""
    return Card(t("forget-title"), text=t("forget-question"))


async def forget(service: Service, member: Member, t: Translator, *, by: str | None = None) -> Card:
    """Erase a member behind all their accounts, with prompts and pictures; open requests are cancelled.

    `by`: the owner who does it.
    """
    for live in service.requests.unfinished(member.key):
        service.requests.cancel(live.request_id, member, by=CancelledBy.MEMBER)
    await service.shop.end_subscriptions(member.key)
    gone = await service.store.members.forget(member.key, by=by)
    for model in service.models:
        model.backend.clear_caches()  # of everybody: whose caption one was is not kept, and caches fill again
    text = t("forget-done", requests=gone.requests, images=gone.images, days=gone.backups_keep_days)
    if not gone.log_folded:
        text = f"{text}\n{t('forget-soon')}"
    return Card(t("forget-title"), text=text)


async def erase(service: Service, asker: Asker, who: Identity, t: Translator) -> Card:
    """An owner has a member forgotten, as their own /forget would: they asked by mail, say."""
    by = (await service.members.of(asker)).key
    return await forget(service, await service.store.members.of(who.platform, who.user_id), t, by=by)


def language_question(t: Translator) -> Card:
    """Asks for a language; `LANGUAGE_NAMES` and `AUTO` are the choices."""
    return Card(t("language-title"), text=t("language-question"))


async def set_language(service: Service, asker: Asker, choice: str) -> Card:
    """Speak `choice` (a language or `auto`) with this member everywhere; the answer is in it already."""
    word = choice.strip().lower()
    names = {language.lower(): language for language in LANGUAGES}
    names |= {name.lower(): language for language, name in LANGUAGE_NAMES.items()}
    names |= {"zh": "zh-CN", "中文": "zh-CN"}
    if word != AUTO and word not in names:
        allowed = ", ".join([*LANGUAGES, AUTO])
        raise UserError(say("error-choice", option="language", found=choice, allowed=allowed))
    member = await service.members.of(asker)
    language = names.get(word)
    await service.store.members.set_language(member.key, language)
    t = translator(language or service.members.language_of(None, asker))
    return Card(t("language-set", language=LANGUAGE_NAMES[t.language]))


async def history(
    service: Service, asker: Asker, before: str | None, t: Translator, *, with_private: bool = True
) -> Page:
    """The member's requests, newest first; `before` is the request at which the last page ended.

    Where others read along, `with_private=False` leaves the private ones out.
    """
    member = await service.members.of(asker)
    records = await service.store.requests.history(member.key, PAGE + 1, before)
    read = [(record, ImageRequest.from_json(record.payload)) for record in records[:PAGE]]
    shown = [(record, request) for record, request in read if with_private or not request.private]
    looks = [await _thumbnail(service, record) for record, _ in shown]
    entries = tuple(
        _entry(service, record, request, look, t)
        for (record, request), look in zip(shown, looks, strict=True)
    )
    after = records[PAGE - 1].request_id if len(records) > PAGE else None
    return Page(t("history-title" if entries else "history-empty"), entries, after)


async def queue(service: Service, asker: Asker, t: Translator) -> Card:
    """What the asker has on the way, and how long the whole queue is."""
    member = await service.members.of(asker)
    facts = [
        (shortened(live.request.prompt, 40), render.status(live.latest, t))
        for live in service.requests.unfinished(member.key)
    ]
    state = service.models.default.backend.snapshot()
    everybody = t(
        "queue-everybody",
        waiting=sum(state.waiting.values()),
        active=state.active,
        eta=render.duration(state.queued_s) if state.queued_s else "0 s",
    )
    return Card(t("queue-title" if facts else "queue-nothing"), tuple(facts), everybody)


def shortened(prompt: str, limit: int = PROMPT_CHARS) -> str:
    """The beginning of a prompt, with an ellipsis where something was left off."""
    return prompt if len(prompt) <= limit else prompt[: limit - 1].rstrip() + "…"


def _entry(
    service: Service, record: RequestRecord, request: ImageRequest, look: bytes | None, t: Translator
) -> Entry:
    kept = tuple(job.job_id for job in record.jobs if job.image)
    facts = [
        (t("history-when"), _moment(record.created_at.astimezone(service.config.zone), t.language)),
        (t("fact-size"), str(request.size)),
        (t("fact-seed"), str(request.seed)),
        (t("history-state"), t(_state(record))),
        (t("history-id"), record.request_id),
    ]
    waiting = any(job.parked for job in record.jobs)
    card = Card(shortened(request.prompt), tuple(facts), picture=look)
    return Entry(record.request_id, card, kept, waiting)


def _state(record: RequestRecord) -> str:
    """One word for a request: the most hopeful of its jobs' states."""
    states = {job.state for job in record.jobs}
    if states & {JobState.QUEUED, JobState.RUNNING}:
        return "history-waiting"
    if any(job.image for job in record.jobs):
        return "history-kept"
    if states & {JobState.DELIVERED, JobState.DRAWN}:
        return "history-gone"
    return "history-cancelled" if JobState.CANCELLED in states else "history-failed"


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


def _moment(moment: datetime, language: str) -> Moment:
    return Moment(moment, format_datetime(moment, "short", locale=language.replace("-", "_")))


async def _thumbnail(service: Service, record: RequestRecord) -> bytes | None:
    """What a request's pictures look like; None where none is kept, or nobody has fetched them yet."""
    pngs = []
    for job in record.jobs:
        if job.image and not job.parked:
            with contextlib.suppress(ImageGone):
                pngs.append(await service.store.pictures.get(job.image))
    return await asyncio.to_thread(thumbnail, pngs)


COMMANDS = (
    Command("queue", lambda service, caller, _: queue(service, caller.asker, caller.t)),
    Command("cancel", lambda service, caller, _: cancel(service, caller.asker, caller.t)),
    Command(
        "join",
        lambda service, caller, given: join(service, caller, given["invitation"]),
        (Argument("invitation", Kind.TEXT, required=True),),
        alone=True,
        when=lambda config: config.access.mode is AccessMode.CODE,
    ),
)
