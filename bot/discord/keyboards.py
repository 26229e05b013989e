"""The buttons under a picture. A button is its id: after a restart, and after days, it knows what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import discord

from bot.commands import button_ids, buttons
from bot.commands.button_ids import Action, Press, press_of
from bot.discord.questions import QuestionButton

if TYPE_CHECKING:
    import re

    from bot.commands.buttons import Single
    from bot.discord.pages import Rows
    from bot.imagine.events import Done
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Card

STYLES = {
    Action.AGAIN: discord.ButtonStyle.primary,
    Action.DELETE: discord.ButtonStyle.danger,
    Action.CANCEL: discord.ButtonStyle.danger,
}


class Presser(Protocol):
    """The client, as far as a button needs it."""

    async def pressed(self, interaction: discord.Interaction[Any], press: Press) -> None: ...

    async def failed(self, interaction: discord.Interaction[Any], error: BaseException) -> None: ...


class ActionButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=button_ids.BUTTON_ID):
    """Does what its id says to the request or picture that its id names."""

    def __init__(self, press: Press, label: str = "…") -> None:
        self.press = press
        style = STYLES.get(press.action, discord.ButtonStyle.secondary)
        super().__init__(discord.ui.Button(style=style, label=label, custom_id=press.id))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[discord.Client],
        item: discord.ui.Item[discord.ui.View | discord.ui.LayoutView],
        match: re.Match[str],
    ) -> Self:
        """The button that was pressed; its label stays what it is on the message."""
        return cls(press_of(match))

    async def callback(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Pressed: the client knows what to do."""
        client = cast("Presser", interaction.client)
        try:
            await client.pressed(interaction, self.press)
        except Exception as error:  # discord.py would log it and leave whoever pressed waiting
            await client.failed(interaction, error)


def request_rows(request_id: str, t: Translator) -> Rows:
    """Under a request on its way: cancel."""
    return ((_button(Action.CANCEL, request_id, t),),)


def result_rows(live: LiveRequest, done: Done, service: Service, t: Translator) -> Rows:
    """Under a result: what can be done with each picture of a grid, then with all of it."""
    rows = buttons.offered(live, done, service)
    if len(done.pictures) == 1:  # the message holds the file already
        rows = tuple(tuple(offer for offer in row if offer.action is not Action.SINGLE) for row in rows)
    return tuple(
        tuple(ActionButton(Press(offer.action, offer.target), offer.label(t)) for offer in row)
        for row in rows
    )


def single_rows(picked: Single, t: Translator) -> Rows:
    """Under one picture of a grid."""
    rows = ((*picked.larger, Action.VARY, Action.DETAILS), picked.edits)
    return tuple(tuple(_button(action, picked.job_id, t) for action in row) for row in rows if row)


def card_view(card: Card) -> discord.ui.View | None:
    """The buttons of a card and of its parts."""
    view = discord.ui.View(timeout=None)
    for button in [*(one for part in card.parts for one in part.buttons), *card.buttons]:
        if button.sku is not None:
            view.add_item(discord.ui.Button(style=discord.ButtonStyle.premium, sku_id=button.sku))
        elif (press := button_ids.pressed(button.id)) is not None:
            view.add_item(ActionButton(press, button.label))
        elif (replied := button_ids.replied(button.id)) is not None:
            view.add_item(QuestionButton(replied, button))
    return view if view.children else None


def _button(action: Action, target: str, t: Translator) -> ActionButton:
    return ActionButton(Press(action, target), t(f"button-{action}"))
