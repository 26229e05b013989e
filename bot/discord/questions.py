"""Buttons that answer a question or turn a page (link, forget, history, settings), also after a restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import discord

from bot.commands.button_ids import Replied, Reply

if TYPE_CHECKING:
    from bot.render import Button

QUESTION_ID = re.compile(rf"(?P<reply>{'|'.join(Reply)})[:?](?P<target>[\w=.-]{{0,64}})")
"""A question mark stood in the middle in earlier versions, and their messages are still there."""


class Answers(Protocol):
    """The client, as far as a question's button needs it."""

    async def replied(self, interaction: discord.Interaction[Any], replied: Replied) -> None: ...

    async def failed(self, interaction: discord.Interaction[Any], error: BaseException) -> None: ...


class QuestionButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=QUESTION_ID):
    """One answer to a question."""

    def __init__(self, replied: Replied, button: Button | None = None) -> None:
        self._replied = replied
        danger = button is not None and button.danger
        super().__init__(
            discord.ui.Button(
                style=discord.ButtonStyle.danger if danger else discord.ButtonStyle.secondary,
                label=button.label if button else "…",
                custom_id=f"{replied.reply}:{replied.target}",
            )
        )

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[discord.Client],
        item: discord.ui.Item[discord.ui.View | discord.ui.LayoutView],
        match: re.Match[str],
    ) -> Self:
        """The button that was pressed; its label stays what it is on the message."""
        return cls(Replied(Reply(match["reply"]), match["target"]))

    async def callback(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Pressed: the client knows what to do."""
        client = cast("Answers", interaction.client)
        try:
            await client.replied(interaction, self._replied)
        except Exception as error:  # discord.py would log it and leave whoever pressed waiting
            await client.failed(interaction, error)
