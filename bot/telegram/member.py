"""Commands of members: quota, queue, cancel, history, help, link, forget, language; a group's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import InlineKeyboardMarkup, Message
from telegram.error import TelegramError

from bot.commands import general, members, server
from bot.commands.general import Card
from bot.commands.server import Nsfw
from bot.messages import UserError, say
from bot.telegram import html, keyboards
from bot.telegram.delivery import PLATFORM
from bot.telegram.imagine import after_command
from bot.telegram.keyboards import button
from bot.telegram.names import PRIVATE

if TYPE_CHECKING:
    from telegram import CallbackQuery

    from bot.telegram.face import Caller, Face

HERE = "here"
"""The setting that keeps the bot to this topic, or lets it go again."""


class Members:
    """Each method answers one command; `words` is what stood after it."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def help(self, caller: Caller, words: str) -> None:
        t = caller.t
        listed = [f"/{name} · {t(f'telegram-command-{name}')}" for name in PRIVATE if name != "imagine"]
        more = "\n".join([t("help-telegram"), "", *listed])
        await self._face.card(caller, general.help_text(self._face.service, t, more))

    async def quota(self, caller: Caller, words: str) -> None:
        await self._face.card(caller, await general.quota(self._face.service, caller.asker, caller.t))

    async def cancel(self, caller: Caller, words: str) -> None:
        await self._face.card(caller, await general.cancel(self._face.service, caller.asker, caller.t))

    async def queue(self, caller: Caller, words: str) -> None:
        await self._face.card(caller, await members.queue(self._face.service, caller.asker, caller.t))

    async def history(self, caller: Caller, words: str) -> None:
        await self.show_history(caller, None)

    async def language(self, caller: Caller, words: str) -> None:
        if words:
            await self._face.card(caller, await members.set_language(self._face.service, caller.asker, words))
            return
        await self._face.card(caller, members.language_question(caller.t), keyboards.languages(caller.t))

    async def link(self, caller: Caller, words: str) -> None:
        """In private only: whoever reads a code could use it."""
        _require_private(caller)
        step = await members.link(self._face.service, caller.asker, words, caller.t)
        t = caller.t
        answers = (
            keyboards.yes_no(keyboards.LINK, step.offer_id, t("link-yes"), t("link-no"))
            if step.offer_id
            else None
        )
        await self._face.card(caller, step.card, answers)

    async def forget(self, caller: Caller, words: str) -> None:
        _require_private(caller)
        t = caller.t
        answers = keyboards.yes_no(keyboards.FORGET, "", t("forget-yes"), t("forget-no"))
        await self._face.card(caller, members.forget_question(t), answers)

    async def settings(self, caller: Caller, words: str) -> None:
        """`/settings`, or `/settings NAME VALUE`; for a group's admins."""
        await self._face.require_admin(caller)
        if words:
            name, _, value = words.partition(" ")
            card = await server.set_option(self._face.service, caller.asker, name, value, caller.t)
        else:
            card = await self._settings_card(caller)
        fresh = await self._fresh(caller)
        await self._face.card(caller, card, _settings_keyboard(fresh))

    async def decide(self, caller: Caller, first: str, rest: str) -> Card:
        """The answer to a question of `/link` or `/forget`."""
        answer, _, target = rest.partition(":")
        yes = answer == "y"
        if first == keyboards.LINK:
            return await members.answer_link(self._face.service, caller.asker, target, yes=yes, t=caller.t)
        if not yes:
            return Card(caller.t("forget-kept"))
        return await members.forget(self._face.service, caller.asker, caller.t)

    async def show_history(self, caller: Caller, before: str | None) -> None:
        """A page of the member's own requests; in a group only those that are not private."""
        page = await members.history(
            self._face.service, caller.asker, before, caller.t, with_private=caller.is_private
        )
        parts = [html.bold(page.title)]
        for n, entry in enumerate(page.entries, 1):
            facts = " · ".join(value for _, value in entry.card.facts)
            parts.append(f"{n}. {html.code(entry.card.title)}\n{html.escape(facts)}")
        await self._face.answer(caller, "\n\n".join(parts), keyboards.history(page, caller.t))

    async def change_setting(self, caller: Caller, query: CallbackQuery, rest: str) -> None:
        """A button of the settings card."""
        await self._face.require_admin(caller)
        name, _, value = rest.partition(":")
        service, t = self._face.service, caller.t
        if name == HERE:
            place = str(caller.thread_id or caller.chat.id)
            card = await server.set_channel(service, caller.asker, place, allowed=value == "on", t=t)
        else:
            card = await server.set_option(service, caller.asker, name, value, t)
        fresh = await self._fresh(caller)
        if isinstance(query.message, Message):
            try:
                await query.edit_message_text(
                    html.card(card), parse_mode="HTML", reply_markup=_settings_keyboard(fresh)
                )
            except TelegramError:
                return  # somebody pressed the same twice

    async def _settings_card(self, caller: Caller) -> Card:
        assert caller.asker.server_id is not None
        return await server.settings_card(self._face.service, PLATFORM, caller.asker.server_id, caller.t)

    async def _fresh(self, caller: Caller) -> tuple[Caller, server.ServerSettings]:
        rules = await server.server_settings(self._face.service, PLATFORM, caller.asker.server_id)
        return caller, rules


def _settings_keyboard(state: tuple[Caller, server.ServerSettings]) -> InlineKeyboardMarkup:
    """Each button says what pressing it sets."""
    caller, rules = state
    t = caller.t
    first = keyboards.SETTING
    place = str(caller.thread_id or caller.chat.id)
    here = place in rules.channels
    flip = "off" if rules.preview else "on"
    nsfw = Nsfw.BLOCK if rules.nsfw is Nsfw.ALLOW else Nsfw.ALLOW
    languages = [*members.LANGUAGE_NAMES, members.AUTO]
    current = languages.index(rules.language or members.AUTO)
    following = languages[(current + 1) % len(languages)]
    spoken = members.LANGUAGE_NAMES.get(following, t("settings-auto"))
    rows = [
        [button(f"{t('settings-preview')} → {t(f'settings-{flip}')}", f"{first}:preview:{flip}")],
        [button(f"{t('settings-language')} → {spoken}", f"{first}:language:{following}")],
        [button(f"{t('settings-nsfw')} → {t(f'settings-nsfw-{nsfw}')}", f"{first}:nsfw:{nsfw}")],
    ]
    if caller.thread_id is not None or here:
        label = "settings-here-off" if here else "settings-here-on"
        rows.append([button(t(label), f"{first}:{HERE}:{'off' if here else 'on'}")])
    return InlineKeyboardMarkup(rows)


def _require_private(caller: Caller) -> None:
    if not caller.is_private:
        raise UserError(say("error-private-chat"))


__all__ = ["Members", "after_command"]
