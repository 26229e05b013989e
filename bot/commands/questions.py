"""Buttons that answer a question or turn a page: their ids, and what a press of one does.

An id is an answer and what it is about (`link:OFFER`, `older:9f86d081884c7d65`), like those of the buttons
under a picture (`bot.commands.buttons`), so a button means the same days later and after a restart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.commands import members, server
from bot.faces.caller import Who
from bot.imagine.server_settings import Nsfw
from bot.render import Button, Card

if TYPE_CHECKING:
    from bot.commands.members import Entry, Page
    from bot.faces.caller import Caller
    from bot.imagine.service import Service


class Reply(StrEnum):
    """What is being answered; the value is the first part of the button's id."""

    LINK = "link"
    LINK_NOT = "unlink"
    FORGET = "forget"
    FORGET_NOT = "keep"
    OLDER = "older"
    LANGUAGE = "language"
    SETTING = "set"


HERE = "here"
"""The setting that keeps the bot to the channel in which its button is pressed."""

QUESTION_ID = re.compile(rf"(?P<reply>{'|'.join(Reply)}):(?P<target>[\w=.-]{{0,52}})")


@dataclass(frozen=True, slots=True)
class Replied:
    """A button of a question that was pressed."""

    reply: Reply
    target: str


def replied(id_: str) -> Replied | None:
    """What a button's id says, or None where it is not one of a question."""
    match = QUESTION_ID.fullmatch(id_)
    return Replied(Reply(match["reply"]), match["target"]) if match else None


async def answer(service: Service, caller: Caller, pressed: Replied) -> Card:
    """What is to be shown in the place of the question. Raises `UserError`."""
    asker, t, target = caller.asker, caller.t, pressed.target
    match pressed.reply:
        case Reply.LINK | Reply.LINK_NOT:
            yes = pressed.reply is Reply.LINK
            return await members.answer_link(service, asker, target, yes=yes, t=t)
        case Reply.FORGET:
            return await members.forget(service, asker, t)
        case Reply.FORGET_NOT:
            return Card(t("forget-title"), text=t("forget-kept"))
        case Reply.OLDER:
            return await history(service, caller, target)
        case Reply.LANGUAGE:
            return await members.set_language(service, asker, target)
        case Reply.SETTING:
            await caller.require(Who.MANAGER)
            name, _, value = target.partition("=")
            return await set_setting(service, caller, name, value)


async def link(service: Service, caller: Caller, code: str) -> Card:
    """A step of `/link`, with yes and no where it asks."""
    t = caller.t
    step = await members.link(service, caller.asker, code, t)
    if step.offer_id is None:
        return step.card
    yes = Button(t("link-yes"), f"{Reply.LINK}:{step.offer_id}")
    no = Button(t("link-no"), f"{Reply.LINK_NOT}:{step.offer_id}")
    return Card(step.card.title, text=step.card.text, buttons=(yes, no))


def forget(caller: Caller) -> Card:
    """Whether everything shall be erased."""
    t = caller.t
    question = members.forget_question(t)
    yes = Button(t("forget-yes"), f"{Reply.FORGET}:", danger=True)
    return Card(
        question.title, text=question.text, buttons=(yes, Button(t("forget-no"), f"{Reply.FORGET_NOT}:"))
    )


async def language(service: Service, caller: Caller, choice: str) -> Card:
    """Speak the chosen language with the caller, or ask which."""
    if choice:
        return await members.set_language(service, caller.asker, choice)
    t = caller.t
    names = {**members.LANGUAGE_NAMES, members.AUTO: t("language-auto")}
    question = members.language_question(t)
    buttons = tuple(Button(name, f"{Reply.LANGUAGE}:{choice}") for choice, name in names.items())
    return Card(question.title, text=question.text, buttons=buttons)


async def history(service: Service, caller: Caller, before: str | None = None) -> Card:
    """A page of the caller's requests; where others read along, only those that are not private."""
    page = await members.history(service, caller.asker, before, caller.t, with_private=caller.origin.alone)
    return _page(page, caller)


async def settings(service: Service, caller: Caller) -> Card:
    """A server's rules, with buttons that each say what pressing it sets."""
    assert caller.asker.server_id is not None
    card = await server.settings_card(service, caller.asker.platform, caller.asker.server_id, caller.t)
    rules = await server.server_settings(service, caller.asker.platform, caller.asker.server_id)
    t, here = caller.t, caller.origin.channel_id
    flip = "off" if rules.preview else "on"
    nsfw = Nsfw.BLOCK if rules.nsfw is Nsfw.ALLOW else Nsfw.ALLOW
    languages = [*members.LANGUAGE_NAMES, members.AUTO]
    following = languages[(languages.index(rules.language or members.AUTO) + 1) % len(languages)]
    spoken = members.LANGUAGE_NAMES.get(following, t("settings-auto"))
    buttons = [
        Button(f"{t('settings-preview')} → {t(f'settings-{flip}')}", f"{Reply.SETTING}:preview={flip}"),
        Button(f"{t('settings-language')} → {spoken}", f"{Reply.SETTING}:language={following}"),
        Button(f"{t('settings-nsfw')} → {t(f'settings-nsfw-{nsfw}')}", f"{Reply.SETTING}:nsfw={nsfw}"),
    ]
    if here is not None:
        listed = here in rules.channels
        label = t("settings-here-off" if listed else "settings-here-on")
        buttons.append(Button(label, f"{Reply.SETTING}:{HERE}={'off' if listed else 'on'}"))
    return Card(card.title, card.facts, card.text, buttons=tuple(buttons))


async def set_setting(service: Service, caller: Caller, name: str, value: str) -> Card:
    """Change one rule of the server asked in, and show them all."""
    if name == HERE and caller.origin.channel_id is not None:
        here, allowed = caller.origin.channel_id, value == "on"
        await server.set_channel(service, caller.asker, here, allowed=allowed, t=caller.t)
    else:
        await server.set_option(service, caller.asker, name, value, caller.t)
    return await settings(service, caller)


def _page(page: Page, caller: Caller) -> Card:
    parts = tuple(
        Card(f"{n}. {entry.card.title}", entry.card.facts, buttons=_of_entry(entry, n, caller))
        for n, entry in enumerate(page.entries, 1)
    )
    more = (Button(f"{caller.t('history-more')} ›", f"{Reply.OLDER}:{page.after}"),) if page.after else ()
    return Card(page.title, parts=parts, buttons=more)


def _of_entry(entry: Entry, number: int, caller: Caller) -> tuple[Button, ...]:
    """What was never handed over is fetched as a whole; the rest is there file by file."""
    if entry.waiting:
        return (Button(f"{number} · {caller.t('button-fetch')}", f"fetch:{entry.request_id}"),)
    one = len(entry.job_ids) == 1
    return tuple(
        Button(f"{number}" if one else f"{number}.{n}", f"single:{job_id}")
        for n, job_id in enumerate(entry.job_ids, 1)
    )
