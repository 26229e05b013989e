"""Commands of the bot's owners: `/stats`, `/tier`, `/grant`, `/ban`, `/unban`, `/pause`, `/resume`.

Who is meant: the author of the message that is replied to, a mentioned person without a username, or an
account number. Telegram tells bots nothing about a bare @name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telegram import MessageEntity

from bot.commands import general, gpu, owners
from bot.messages import UserError, say
from bot.telegram.delivery import PLATFORM
from storage.records import Identity

if TYPE_CHECKING:
    from telegram import Message

    from bot.telegram.face import Caller, Face

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Owners:
    """Each method answers one command; `words` is what stood after it."""

    def __init__(self, face: Face) -> None:
        self._face = face

    async def stats(self, caller: Caller, words: str) -> None:
        """`/stats cost [period]`, `/stats queue`, `/stats gpu`, `/stats page`."""
        service, asker, t = self._face.service, caller.asker, caller.t
        owners.require_owner(service, asker)
        what, _, period = words.partition(" ")
        match what.lower():
            case "queue":
                card = await gpu.stats_queue(service, asker, t)
            case "gpu":
                card = await gpu.stats_gpu(service, asker, t)
            case "page":
                if not caller.is_private:
                    raise UserError(say("page-private"))
                card = await owners.page_link(service.store, service.config, asker, t)
            case _:
                await self._cost(caller, period if what.lower() == "cost" else words)
                return
        await self._face.card(caller, card)

    async def _cost(self, caller: Caller, period: str) -> None:
        """The report in words, and as a chart."""
        service = self._face.service
        await self._face.card(caller, await general.stats(service.store, period, caller.t, service.config))
        chart = await general.stats_chart(service.store, period, caller.t, service.config)
        await self._face.bot.send_photo(
            caller.chat.id, chart, message_thread_id=caller.thread_id, filename="cost.png"
        )

    async def tier(self, caller: Caller, words: str) -> None:
        """`/tier [who] NAME [until 2026-12-31] [why]`."""
        owners.require_owner(self._face.service, caller.asker)
        who, rest = who_is_meant(caller.message, words)
        name, _, rest = rest.partition(" ")
        until, why = "", rest.strip()
        if match := _DATE.match(why):
            until, why = match.group(), why[match.end() :].strip()
        service, asker = self._face.service, caller.asker
        await self._face.card(
            caller, await owners.tier(service, asker, who, name, caller.t, until=until, why=why)
        )

    async def grant(self, caller: Caller, words: str) -> None:
        """`/grant [who] IMAGES [why]`; a redelivered update credits once."""
        owners.require_owner(self._face.service, caller.asker)
        who, rest = who_is_meant(caller.message, words, numbers_after=1)
        images, _, why = rest.partition(" ")
        service, asker, key = self._face.service, caller.asker, f"{PLATFORM}:{caller.key}"
        card = await owners.grant(service, asker, who, images, caller.t, why=why.strip(), key=key)
        await self._face.card(caller, card)

    async def ban(self, caller: Caller, words: str) -> None:
        """`/ban [who] [why]`."""
        owners.require_owner(self._face.service, caller.asker)
        who, why = who_is_meant(caller.message, words)
        await self._face.card(
            caller, await owners.ban(self._face.service, caller.asker, who, caller.t, why=why)
        )

    async def unban(self, caller: Caller, words: str) -> None:
        """`/unban [who] [why]`."""
        owners.require_owner(self._face.service, caller.asker)
        who, why = who_is_meant(caller.message, words)
        await self._face.card(
            caller, await owners.unban(self._face.service, caller.asker, who, caller.t, why=why)
        )

    async def pause(self, caller: Caller, words: str) -> None:
        await self._face.card(caller, await owners.pause(self._face.service, caller.asker, caller.t))

    async def resume(self, caller: Caller, words: str) -> None:
        await self._face.card(caller, await owners.resume(self._face.service, caller.asker, caller.t))


def who_is_meant(message: Message | None, words: str, *, numbers_after: int = 0) -> tuple[Identity, str]:
    """The account a command is about, and the words that are left.

    `numbers_after`: how many numbers the command itself takes, so that `/grant 5` in a reply is five images.
    Raises UserError where nobody is named.
    """
    if message is None:
        raise UserError(say("error-who"))
    for entity in message.entities:
        if entity.type == MessageEntity.TEXT_MENTION and entity.user:
            named = message.parse_entity(entity)
            return Identity(PLATFORM, str(entity.user.id)), words.replace(named, "", 1).strip()
    first, _, rest = words.partition(" ")
    numbers = sum(word.isdecimal() for word in words.split()[: numbers_after + 1])
    if re.fullmatch(r"-?\d{1,20}", first) and (numbers > numbers_after or message.reply_to_message is None):
        return Identity(PLATFORM, first), rest.strip()
    replied = message.reply_to_message
    if replied is not None and replied.from_user is not None and not replied.from_user.is_bot:
        return Identity(PLATFORM, str(replied.from_user.id)), words.strip()
    raise UserError(say("error-who"))
