"""What all parts of the Discord face share: acknowledge first, then do the work, and say what went wrong.

An interaction must be answered within three seconds, so it is deferred before store or engine are asked. What
goes wrong afterwards is told in its message.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.commands import allowance, questions
from bot.commands.button_ids import Replied, Reply
from bot.discord.address import address_of
from bot.discord.caller import PLATFORM, caller, require_channel, spoken_to
from bot.discord.keyboards import card_view
from bot.discord.pages import card_embeds, card_files, escaped, sentence
from bot.discord.recent import PROMPTS, Recent
from bot.discord.screen import EDIT_EVERY_S, DiscordScreen
from bot.discord.uploads import CDN, download
from bot.faces.delivery import Delivery
from bot.imagine import refusals
from bot.imagine.request import ImageRequest
from bot.messages import UserError, say
from bot.render import Card
from bot.tasks import Tasks
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.commands.button_ids import Press
    from bot.faces.caller import Caller
    from bot.imagine.asker import Asker
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator

log = structlog.get_logger(__name__)

T = TypeVar("T")

INTENTS = discord.Intents(guilds=True)
"""Roles and channels come with interactions and guilds; nothing privileged, no message is ever read."""

TOO_LATE, ANSWERED_BEFORE = 10062, 40060
"""Discord's codes for an interaction that is gone, and for one that was replayed."""

REFUSALS = (UserError, StorageError)
"""What is told in a sentence, and nothing was changed."""

RETRY_WITHIN = dt.timedelta(seconds=2)
"""Discord waits three seconds for an acknowledgement."""

Interaction = discord.Interaction["Face"]


class Face(discord.AutoShardedClient, ABC):
    """The library's client with what commands, buttons and menus share. It knows none of them."""

    def __init__(self, service: Service, *, edit_every_s: float = EDIT_EVERY_S, **options: Any) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            **options,
        )
        self.service = service
        self.tree = Tree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        self.delivery = Delivery(
            service, PLATFORM, lambda live, t: DiscordScreen(self, service, live, t, edit_every_s, self.tasks)
        )
        self.tasks = Tasks(PLATFORM)
        self.recent = Recent()
        self.cdn = CDN
        self.editing: dict[str, discord.Attachment] = {}
        """The pictures that modals are about which may still come back, by the modal's id."""
        self.command_ids: dict[str, int] = {}

    @abstractmethod
    async def pressed(self, interaction: Interaction, press: Press) -> None:
        """A button under a picture was pressed, perhaps one of an earlier process."""

    async def ask(
        self,
        interaction: Interaction,
        begin: Callable[[Asker, str, Mapping[str, object]], Awaitable[LiveRequest]],
        *,
        private: bool = False,
    ) -> None:
        """Have something drawn: acknowledge, accept, follow. A refusal is told in the same message."""
        message_id = await self.acknowledge(interaction, private=private)
        try:
            asking = await caller(self.service, interaction)
            require_channel(asking, interaction)
            where = address_of(
                interaction,
                message_id,
                private=private,
                preview=asking.rules.preview,
            )
            live = await begin(asking.asker, asking.key, where.to_json())
        except REFUSALS as error:
            await self.refuse(interaction, error, private=private)
            return
        await self._remember(interaction.user.id, live)
        self.delivery.follow(live)

    async def _remember(self, user_id: int, live: LiveRequest) -> None:
        """Keep the prompt for autocomplete; the first after a restart brings the earlier ones back."""
        if not self.recent.knows(user_id):
            with contextlib.suppress(StorageError):
                for record in reversed(await self.service.store.requests.history(live.member, PROMPTS)):
                    self.recent.add(user_id, ImageRequest.from_json(record.payload).prompt)
        self.recent.add(user_id, live.request.prompt)

    async def download(self, asker: Asker, attachment: discord.Attachment) -> bytes:
        """The bytes of a picture that somebody attached. Raises `UserError`."""
        return await download(self.service, asker, attachment, self.cdn)

    async def answer(
        self, interaction: Interaction, work: Callable[[Caller], Awaitable[Card]], *, clickable: bool = False
    ) -> None:
        """Answer a command, seen by its asker alone. `clickable`: the commands it names can be clicked on."""
        await self.acknowledge(interaction, private=True)
        try:
            asking = await caller(self.service, interaction)
            card = await work(asking)
        except REFUSALS as error:
            await self.tell(interaction, error)
            return
        await self._show(interaction, card, self._mentions(asking.names) if clickable else {})

    def _mentions(self, names: Translator | None) -> dict[str, str]:
        """What stands for a command in a text, by the name under which its reader knows it."""
        found = {}
        for command in self.tree.walk_commands(type=discord.AppCommandType.chat_input):
            id_ = self.command_ids.get(command.qualified_name.split()[0])
            name = command.qualified_name
            if names is not None and " " not in name:
                name = names(f"cmd-{name}")
            if id_ is not None and isinstance(command, app_commands.Command):
                found[name] = f"</{name}:{id_}>"
        return found

    async def replied(self, interaction: Interaction, replied: Replied) -> None:
        """A question's button was pressed: answer in the place of the question."""
        await self.acknowledge_press(interaction)
        try:
            card = await questions.answer(self.service, await caller(self.service, interaction), replied)
        except REFUSALS as error:
            await self.whisper(interaction, error)
            return
        if replied.reply is Reply.FORGET:
            self.recent.forget(interaction.user.id)
        await self._show(interaction, card)

    async def _show(
        self, interaction: Interaction, card: Card, mentions: Mapping[str, str] | None = None
    ) -> None:
        files = [discord.File(io.BytesIO(content), name) for name, content in card_files(card).items()]
        await interaction.edit_original_response(
            content=None, embeds=card_embeds(card, mentions), view=card_view(card), attachments=files
        )

    async def acknowledge(self, interaction: Interaction, *, private: bool) -> int | None:
        """Within three seconds, whatever else is slow. The id of the message that will hold the answer.

        Where the call arrived and its answer was lost, the next try is told that it comes second, and the id
        is asked for; None where only Discord knows it. To go on is right even for an interaction that Discord
        replayed, because its id makes it the same request.
        """
        defer = partial(interaction.response.defer, ephemeral=private, thinking=True)
        try:
            answer = await self._first(interaction, defer)
        except discord.HTTPException as error:
            if error.code != ANSWERED_BEFORE:
                raise
            log.info("discord.acknowledged_before", interaction=interaction.id)
            with contextlib.suppress(discord.DiscordException, aiohttp.ClientError, OSError):
                return (await interaction.original_response()).id
            return None
        return answer.message_id if answer else None

    async def acknowledge_press(self, interaction: Interaction) -> None:
        """Acknowledge a button whose answer is seen in its message, which stays as it is for now."""
        await self._once(interaction, interaction.response.defer)

    async def open_form(self, interaction: Interaction, form: discord.ui.Modal) -> None:
        """Answer a button or a menu with a form to fill in."""
        await self._once(interaction, partial(interaction.response.send_modal, form))

    async def _once(self, interaction: Interaction, give: Callable[[], Awaitable[object]]) -> None:
        """Give the first answer; that it was given before, and its own answer lost, is as good."""
        try:
            await self._first(interaction, give)
        except discord.HTTPException as error:
            if error.code != ANSWERED_BEFORE:
                raise
            log.info("discord.acknowledged_before", interaction=interaction.id)

    async def _first(self, interaction: Interaction, give: Callable[[], Awaitable[T]]) -> T:
        """Give the first answer, once more where the line broke and there is time left."""
        try:
            return await give()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if discord.utils.utcnow() - interaction.created_at > RETRY_WITHIN:
                raise
            log.info("discord.acknowledged_again", why=type(error).__name__)
            return await give()

    async def tell(self, interaction: Interaction, error: Exception) -> None:
        """Why not, in the message that was promised."""
        text, view = await self._refusal(interaction, error)
        await interaction.edit_original_response(content=text, embeds=[], view=view)

    async def refuse(self, interaction: Interaction, error: Exception, *, private: bool) -> None:
        """Why nothing is drawn, to the asker alone: a quota or a ban is nobody else's business."""
        if private:
            await self.tell(interaction, error)
            return
        text, view = await self._refusal(interaction, error)
        # an answer was promised to everybody: it must be there before another message may be for one reader
        await interaction.edit_original_response(content="…")
        await _whisper(interaction, text, view)
        await interaction.delete_original_response()

    async def whisper(self, interaction: Interaction, error: Exception) -> None:
        """Why not, seen only by whoever pressed a button under a message."""
        await _whisper(interaction, *await self._refusal(interaction, error))

    async def failed(self, interaction: Interaction, error: BaseException) -> None:
        """Something nobody expected: into the log, and in a sentence to whoever waits."""
        if isinstance(error, discord.HTTPException) and error.code in (TOO_LATE, ANSWERED_BEFORE):
            log.warning("discord.too_late", code=error.code)
            return
        log.error("discord.interaction_failed", kind=str(interaction.type), exc_info=error)
        text = escaped(spoken_to(self.service, interaction)("error-internal"))
        try:
            if interaction.response.is_done():
                await interaction.followup.send(text, ephemeral=True)
            else:
                await interaction.response.send_message(text, ephemeral=True)
        except discord.HTTPException as trouble:
            log.warning("discord.not_told", status=trouble.status, code=trouble.code)

    async def _refusal(
        self, interaction: Interaction, error: Exception
    ) -> tuple[str, discord.ui.View | None]:
        """Why not, in the reader's language, or in their client's where the store cannot say; and buttons for
        what they can do about it.
        """
        t, ways = spoken_to(self.service, interaction), Card("")
        with contextlib.suppress(*REFUSALS):
            asking = await caller(self.service, interaction)
            t, ways = asking.t, Card("", buttons=allowance.ways_on(error, self.service.config, asking))
        if isinstance(error, StorageError):
            error = refusals.explain(error, t.language)
        message = error.message if isinstance(error, UserError) else say("error-internal")
        return sentence(message, t), card_view(ways)


async def _whisper(interaction: Interaction, text: str, view: discord.ui.View | None) -> None:
    """A message for whoever asked alone, besides the answer."""
    if view is None:  # the library tells "no view" by its absence
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.followup.send(text, view=view, ephemeral=True)


class Tree(app_commands.CommandTree[Face]):
    """Slash commands and context menus."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Anything that no command expected."""
        await interaction.client.failed(interaction, getattr(error, "original", error))
