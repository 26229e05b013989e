"""What members do about themselves and their requests: queue, cancel, join, language, forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import render
from bot.commands.command import Argument, Command, Kind
from bot.commands.history import shortened
from bot.config.faces import AccessMode
from bot.messages import LANGUAGES, Names, UserError, say, translator
from bot.render import Card
from storage.errors import LinkProblem, LinkRefused
from storage.records.requests import CancelledBy

if TYPE_CHECKING:
    from bot.faces.caller import Caller
    from bot.imagine.asker import Asker
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.members import Identity, Member

AUTO = "auto"
"""The language choice that gives the decision back to the platform."""

LANGUAGE_NAMES = {"en": "English", "zh-CN": "简体中文"}


async def cancel(service: Service, asker: Asker, t: Translator) -> Card:
    """Cancel everything the asker has waiting or running."""
    member = await service.members.of(asker)
    cancelled = [
        service.requests.cancel(live.request_id, member, by=CancelledBy.MEMBER)
        for live in service.requests.unfinished(member.key)
    ]
    return Card(t("cancel-asked") if any(cancelled) else t("cancel-nothing"))


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
        raise UserError(say("error-choice", option=Names("opt", "language"), found=choice, allowed=allowed))
    member = await service.members.of(asker)
    language = names.get(word)
    await service.store.members.set_language(member.key, language)
    t = translator(language or service.members.language_of(None, asker))
    return Card(t("language-set", language=LANGUAGE_NAMES[t.language]))


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
        eta=render.duration(state.queued_s, t) if state.queued_s else t("duration-seconds", seconds=0),
    )
    return Card(t("queue-title" if facts else "queue-nothing"), tuple(facts), everybody)


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
