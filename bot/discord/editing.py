"""A message's menu "Edit picture": a modal for words, and what is drawn from that message's picture.

A modal may come back to another process than the one that opened it, so its ids say what it is about: a
request of ours, or an attachment, whose address is divided among the fields.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

import discord

from bot.commands import edits
from bot.discord.library import attachment_at, files_in, typed_into
from bot.discord.uploads import IMAGES
from bot.imagine.inputs import Brought
from bot.imagine.options import MAX_PROMPT_CHARS, Options
from bot.messages import Reason, UserError, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.discord.face import Face, Interaction
    from bot.imagine.asker import Asker
    from bot.imagine.live import LiveRequest
    from bot.messages import Translator

EDIT = "edit"
"""First part of a modal's id."""
LIFE_S = 15 * 60.0
ID_CHARS = 100
"""The most that an id of Discord's holds."""
FIELDS = ("strength", "area", "mask")
"""Whose ids hold the pieces of an address, each behind a bar."""
PRIVATE = "private"


class EditModal(discord.ui.Modal):
    """Asks what to make of a picture. Its submission is an event of its own (`submitted`)."""

    def __init__(
        self, face: Face, picture: discord.Attachment | str, t: Translator, *, private: bool = False
    ) -> None:
        """`picture`: an attachment, or a request's id."""
        once = f"{PRIVATE}{secrets.token_hex(4)}" if private else secrets.token_hex(4)
        about, pieces = _told(picture)
        super().__init__(title=t("action-edit-title"), custom_id=f"{EDIT}:{about}:{once}", timeout=LIFE_S)
        self._face = face
        parts: dict[str, discord.ui.Item[EditModal]] = {
            "prompt": _line("prompt", MAX_PROMPT_CHARS, style=discord.TextStyle.paragraph, required=True),
            "strength": _line(f"strength{pieces[0]}", 8),
            "area": _line(f"area{pieces[1]}", 64),
            "mask": discord.ui.FileUpload[EditModal](custom_id=f"mask{pieces[2]}", required=False),
        }
        if follows := face.service.named["control"]:
            parts["control"] = _line("control", 16, placeholder=", ".join(follows))
        for name, part in parts.items():
            described = None if name == "prompt" else t(f"opt-{name}-about")
            text = t(f"action-edit-{name}")
            self.add_item(discord.ui.Label(text=text, description=described, component=part))
        if isinstance(picture, discord.Attachment):  # its address may be longer than the ids hold
            face.editing[self.custom_id] = picture

    async def on_timeout(self) -> None:
        """Nobody sent the modal back."""
        self._face.editing.pop(self.custom_id, None)


async def submitted(face: Face, interaction: Interaction) -> None:
    """Draw what was typed, whichever process asked for it."""
    data = cast("dict[str, Any]", interaction.data)
    _, about, once = data["custom_id"].split(":")
    private = once.startswith(PRIVATE)
    options = Options(
        typed_into(data, "prompt"),
        strength=typed_into(data, "strength") or None,
        area=typed_into(data, "area") or None,
        control=typed_into(data, "control") or None,
        private=private,
    )
    known = face.editing.pop(data["custom_id"], None)

    async def begin(who: Asker, key: str, where: Mapping[str, object]) -> LiveRequest:
        masks = files_in(interaction, "mask")
        mask = await face.download(who, masks[0]) if masks else None
        if "." not in about:
            return await edits.change(face.service, who, about, options, mask, key=key, address=where)
        picture = known or _attachment(interaction, data, about)
        brought = Brought(await face.download(who, picture), mask)
        return await face.service.imagine(who, options, key=key, address=where, brought=brought)

    await face.ask(interaction, begin, private=private)


def _line(id_: str, most: int, *, required: bool = False, **more: Any) -> discord.ui.TextInput[EditModal]:
    return discord.ui.TextInput[EditModal](custom_id=id_, required=required, max_length=most, **more)


def _told(picture: discord.Attachment | str) -> tuple[str, tuple[str, ...]]:
    """What a modal's id says of a picture, and what the fields' ids do: its address, where that fits."""
    if isinstance(picture, str):
        return picture, ("",) * len(FIELDS)
    kind = (picture.content_type or "").partition(";")[0]
    about = f"{IMAGES.index(kind)}.{picture.size}"
    left, pieces = picture.url, []
    for name in FIELDS:
        room = ID_CHARS - len(name) - 1
        pieces.append(f"|{left[:room]}")
        left = left[room:]
    return about, ("",) * len(FIELDS) if left else tuple(pieces)


def _attachment(interaction: Interaction, data: dict[str, Any], about: str) -> discord.Attachment:
    """The picture that an earlier process was asked about. Raises `UserError` where nobody knows any more."""
    kind, size = about.split(".")
    rows = (row.get("component") or {} for row in data["components"])
    url = "".join(str(one.get("custom_id", "")).partition("|")[2] for one in rows)
    if not url:
        raise UserError(say("error-picture-gone").because(Reason.GONE))
    return attachment_at(interaction, url, size_bytes=int(size), content_type=IMAGES[int(kind)])
