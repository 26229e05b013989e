"""The buttons under a picture. A button is its id: after a restart, and after days, it knows what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import discord

from bot.commands import button_ids, buttons
from bot.commands.button_ids import Action, Press, button_id
from bot.discord.questions import QuestionButton

if TYPE_CHECKING:
    import re

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

    def __init__(self, press: Press, label: str = "…", row: int | None = None) -> None:
        self.press = press
        style = STYLES.get(press.action, discord.ButtonStyle.secondary)
        super().__init__(
            discord.ui.Button(
                style=style, label=label, custom_id=button_id(press.action, press.target), row=row
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
        return cls(Press(Action(match["action"]), match["target"]))

    async def callback(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Pressed: the client knows what to do."""
        client = cast("Presser", interaction.client)
        try:
            await client.pressed(interaction, self.press)
        except Exception as error:  # discord.py would log it and leave whoever pressed waiting
            await client.failed(interaction, error)


def request_view(request_id: str, t: Translator) -> discord.ui.View:
    """Under a request on its way: cancel."""
    return _view(_button(Action.CANCEL, request_id, t))


def result_view(live: LiveRequest, done: Done, service: Service, t: Translator) -> discord.ui.View:
    """Under a result: the single files of a grid first, then what can be done with it."""
    target = live.request_id
    singles = [
        ActionButton(
            Press(Action.SINGLE, picture.job_id), t("button-single", number=_number(picture.job_id)), row=0
        )
        for picture in done.pictures
        if live.request.images > 1
    ]
    others = [
        _button(action, target, t, row=1)
        for action in buttons.offered(live, service)
        if action is not Action.SINGLE
    ]
    return _view(*singles, *others)


def single_view(job_id: str, *, larger: bool, t: Translator) -> discord.ui.View:
    """Under one picture of a grid."""
    kinds = [Action.LARGER] if larger else []
    return _view(*(_button(action, job_id, t) for action in (*kinds, Action.VARY, Action.DETAILS)))


def card_view(card: Card) -> discord.ui.View | None:
    """The buttons of a card and of its parts."""
    view = discord.ui.View(timeout=None)
    for button in [*(one for part in card.parts for one in part.buttons), *card.buttons]:
        if (press := button_ids.pressed(button.id)) is not None:
            view.add_item(ActionButton(press, button.label))
        elif (replied := button_ids.replied(button.id)) is not None:
            view.add_item(QuestionButton(replied, button))
    return view if view.children else None


def _button(action: Action, target: str, t: Translator, row: int | None = None) -> ActionButton:
    return ActionButton(Press(action, target), t(f"button-{action}"), row)


def _number(job_id: str) -> int:
    """People count from one."""
    return int(job_id.rpartition("-")[2]) + 1


def _view(*buttons: ActionButton) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for button in buttons:
        view.add_item(button)
    return view
