"""What happens when a button is pressed, or a message's menu used: the shared actions, answered here."""

from __future__ import annotations

import asyncio
import contextlib
import io
import secrets
from typing import TYPE_CHECKING, Any, cast

import discord

from bot.commands import button_ids, buttons, edits
from bot.commands.button_ids import Action
from bot.commands.details import details_card
from bot.discord import editing
from bot.discord.address import address_of
from bot.discord.caller import caller, is_moderator, spoken_to
from bot.discord.files import Upload, file_name, fit
from bot.discord.keyboards import single_rows
from bot.discord.library import typed_into
from bot.discord.pages import layout, prompt_of, single_page
from bot.imagine.options import MAX_PROMPT_CHARS, Options
from bot.messages import UserError
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.commands.button_ids import Press
    from bot.discord.face import Face, Interaction
    from bot.imagine.asker import Asker
    from bot.imagine.live import LiveRequest
    from bot.messages import Translator

REFUSALS = (UserError, StorageError)
MODAL_LIFE_S = 15 * 60.0
MODAL_WITHIN_S = 1.5
PROMPT_FIELD = "prompt"
PRIVATE = "private-"
"""In a modal's id: what it leads to is for its asker alone."""


async def pressed(face: Face, interaction: Interaction, press: Press) -> None:
    """A button of ours, perhaps of an earlier process."""
    target, private = press.target, _is_private(interaction)
    match press.action:
        case action if action in edits.DRAWING:
            await draw(face, interaction, press, private=private)
        case Action.AREA if press.area:
            words, private = await _asked(face, interaction, target)
            t = spoken_to(face.service, interaction)
            await face.open_form(interaction, WordsModal(press, words, t, private=private))
        case Action.AREA:
            await face.answer(
                interaction, lambda asking: edits.areas(face.service, asking.asker, target, asking.t)
            )
        case Action.VARY:
            words, t = await _prompt(face, interaction, target), spoken_to(face.service, interaction)
            await face.open_form(interaction, WordsModal(press, words, t))
        case Action.SINGLE:
            await single(face, interaction, target)
        case Action.DETAILS:
            await details(face, interaction, target)
        case Action.FETCH:
            await fetch(face, interaction, target)
        case Action.DELETE:
            await delete(face, interaction, target)
        case Action.CANCEL:
            await cancel(face, interaction, target)


async def draw(face: Face, interaction: Interaction, press: Press, *, private: bool) -> None:
    """Draw a request once more, or from its picture."""
    await face.ask(
        interaction,
        lambda who, key, where: edits.draw(face.service, who, press, key=key, address=where),
        private=private,
    )


async def single(face: Face, interaction: Interaction, job_id: str) -> None:
    """One file out of a grid, for whoever pressed."""
    await face.acknowledge(interaction, private=True)
    try:
        asking = await caller(face.service, interaction)
        picked = await buttons.single(face.service, asking.asker, job_id)
    except REFUSALS as error:
        await face.tell(interaction, error)
        return
    request_id, _, number = job_id.rpartition("-")
    name = file_name(request_id, int(number) + 1, spoiler=picked.spoiler)
    upload = Upload(name, picked.png)
    encoded = await asyncio.to_thread(fit, upload, interaction.filesize_limit)
    file = discord.File(io.BytesIO(encoded.content), encoded.name)
    page = single_page(picked, asking.t, single_rows(picked, asking.t), upload)
    await interaction.edit_original_response(attachments=[file], view=layout(page, file))


async def details(face: Face, interaction: Interaction, target: str) -> None:
    """A request's parameters, for whoever asks."""
    await face.answer(interaction, lambda asking: details_card(face.service, asking.asker, target, asking.t))


async def fetch(face: Face, interaction: Interaction, target: str) -> None:
    """Out of the history: delivered like a new picture, and then it counts."""
    message_id = await face.acknowledge(interaction, private=True)
    try:
        asking = await caller(face.service, interaction)
        live = await buttons.fetch(face.service, asking.asker, target)
    except REFUSALS as error:
        await face.tell(interaction, error)
        return
    where = address_of(interaction, message_id, private=True, preview=False)
    await face.service.moved(live, **where.to_json())
    face.delivery.follow(live)


async def delete(face: Face, interaction: Interaction, target: str) -> None:
    """The pictures from the store, then the message."""
    await face.acknowledge_press(interaction)
    try:
        asking = await caller(face.service, interaction)
        moderator = is_moderator(asking, interaction)
        await buttons.delete(face.service, asking.asker, target, moderator=moderator)
    except REFUSALS as error:
        await face.whisper(interaction, error)
        return
    await interaction.delete_original_response()


async def cancel(face: Face, interaction: Interaction, target: str) -> None:
    """The message itself tells how it ended, once the step under way is over."""
    await face.acknowledge_press(interaction)
    try:
        asking = await caller(face.service, interaction)
        moderator = is_moderator(asking, interaction)
        await buttons.cancel(face.service, asking.asker, target, moderator=moderator)
    except REFUSALS as error:
        await face.whisper(interaction, error)


class WordsModal(discord.ui.Modal):
    """Asks for other words: to the same seed, or for a part of a picture.

    Its submission is an event of its own (`submitted`).
    """

    def __init__(self, press: Press, prompt: str, t: Translator, *, private: bool = False) -> None:
        once = secrets.token_hex(4)  # discord.py forgets a modal once it is submitted, and two may be open
        once = f"{PRIVATE}{once}" if private else once
        super().__init__(
            title=t(f"action-{press.action}-title"), custom_id=f"{press.id}:{once}", timeout=MODAL_LIFE_S
        )
        self.add_item(
            discord.ui.TextInput(
                label=t(f"action-{press.action}-prompt"),
                style=discord.TextStyle.paragraph,
                custom_id=PROMPT_FIELD,
                default=prompt or None,
                max_length=MAX_PROMPT_CHARS,
            )
        )


async def submitted(face: Face, interaction: Interaction) -> None:
    """A modal came back, perhaps one that an earlier process had opened: it says itself what it was about."""
    data = cast("dict[str, Any]", interaction.data)
    what, _, once = data["custom_id"].rpartition(":")
    if what.startswith(f"{editing.EDIT}:"):
        await editing.submitted(face, interaction)
        return
    press = button_ids.pressed(what)
    if press is None:
        return
    service, typed = face.service, Options(typed_into(data, PROMPT_FIELD))

    async def begin(who: Asker, key: str, where: Mapping[str, object]) -> LiveRequest:
        if press.action is Action.AREA:
            return await edits.in_area(service, who, press, typed, key=key, address=where)
        return await buttons.vary(service, who, press.target, typed, key=key, address=where)

    # a picture's parts are chosen in a message that only their chooser sees, whoever sees the picture
    private = once.startswith(PRIVATE) if press.action is Action.AREA else _is_private(interaction)
    await face.ask(interaction, begin, private=private)


def _is_private(interaction: Interaction) -> bool:
    """An answer to a message that only its reader sees is for that reader alone."""
    return interaction.message is not None and interaction.message.flags.ephemeral


async def _prompt(face: Face, interaction: Interaction, target: str) -> str:
    """The words to change, off the message: a modal must be the first answer and cannot wait for the store.

    A message that shows only their beginning leaves no other way, though not for long.
    """
    shown = prompt_of(interaction.message) if interaction.message else None
    return shown if shown is not None else (await _asked(face, interaction, target))[0]


async def _asked(face: Face, interaction: Interaction, target: str) -> tuple[str, bool]:
    """A request's words and whether it is private, out of the store; where that is too slow, no words."""
    with contextlib.suppress(*REFUSALS, TimeoutError):
        async with asyncio.timeout(MODAL_WITHIN_S):
            asking = await caller(face.service, interaction)
            request = await buttons.seen(face.service, asking.asker, target)
            return request.prompt, request.private
    return "", True
