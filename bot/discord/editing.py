"""A message's menu "Edit picture": a modal for words, and what is drawn from that message's picture.

Which picture it is about is kept in memory until the modal comes back: the id of a modal is too short for it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import discord

from bot.commands import edits
from bot.imagine.inputs import Brought
from bot.imagine.options import MAX_PROMPT_CHARS, Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.discord.face import Face, Interaction
    from bot.imagine.asker import Asker
    from bot.imagine.live import LiveRequest
    from bot.messages import Translator

EDIT = "edit"
"""First part of a modal's id."""
LIFE_S = 15 * 60.0


class EditModal(discord.ui.Modal):
    """Asks what to make of a picture: an attachment, or the result of a request of ours."""

    def __init__(
        self, face: Face, picture: discord.Attachment | str, t: Translator, *, private: bool = False
    ) -> None:
        """`picture`: an attachment, or a request's id."""
        super().__init__(
            title=t("action-edit-title"), custom_id=f"{EDIT}:{secrets.token_hex(8)}", timeout=LIFE_S
        )
        self._face, self._picture, self._private = face, picture, private
        self._words = discord.ui.TextInput[EditModal](
            style=discord.TextStyle.paragraph, custom_id="prompt", max_length=MAX_PROMPT_CHARS
        )
        self._strength = discord.ui.TextInput[EditModal](custom_id="strength", required=False, max_length=8)
        self._area = discord.ui.TextInput[EditModal](custom_id="area", required=False, max_length=64)
        self._mask = discord.ui.FileUpload[EditModal](custom_id="mask", required=False)
        self._control = discord.ui.TextInput[EditModal](custom_id="control", required=False, max_length=16)
        parts: dict[str, discord.ui.Item[EditModal]] = {
            "prompt": self._words,
            "strength": self._strength,
            "area": self._area,
            "mask": self._mask,
        }
        if follows := face.service.named["control"]:
            self._control.placeholder = ", ".join(follows)
            parts["control"] = self._control
        for name, part in parts.items():
            about = None if name == "prompt" else t(f"opt-{name}-about")
            text = t(f"action-edit-{name}")
            self.add_item(discord.ui.Label(text=text, description=about, component=part))
        face.editing.add(self.custom_id)

    async def on_timeout(self) -> None:
        """It never came back."""
        self._face.editing.discard(self.custom_id)

    async def on_submit(self, interaction: Interaction) -> None:  # type: ignore[override]
        """What was typed is drawn."""
        try:
            await self._face.ask(interaction, self._begin, private=self._private)
        except Exception as error:  # discord.py would log it and leave whoever submitted waiting
            await self._face.failed(interaction, error)
        finally:
            self._face.editing.discard(self.custom_id)

    async def _begin(self, who: Asker, key: str, where: Mapping[str, object]) -> LiveRequest:
        face = self._face
        options = Options(
            self._words.value,
            strength=self._strength.value or None,
            area=self._area.value or None,
            control=self._control.value or None,
            private=self._private,
        )
        mask = await face.download(who, self._mask.values[0]) if self._mask.values else None
        if isinstance(self._picture, str):
            return await edits.change(face.service, who, self._picture, options, mask, key=key, address=where)
        brought = Brought(await face.download(who, self._picture), mask)
        return await face.service.imagine(who, options, key=key, address=where, brought=brought)
