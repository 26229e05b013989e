"""`/mydata`: all that is kept of the caller, as a file: data.json, and pictures as far as they fit."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

from bot.commands.command import Command
from bot.render import Card, Document
from storage.errors import ImageGone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.commands.command import Given
    from bot.faces.caller import Caller
    from bot.imagine.service import Service

FILE, DATA = "easel-my-data.zip", "data.json"
MOST_BYTES = 9 * 1024 * 1024
"""How many bytes of pictures a file has at most: one platform takes no file above 10 MiB."""


async def answer(service: Service, caller: Caller, _: Given, *, most_bytes: int = MOST_BYTES) -> Card:
    """The file, and how many of the latest pictures are in it: as many as `most_bytes` hold."""
    t, store = caller.t, service.store
    kept = await store.members.export(caller.member.key)
    pictures: dict[str, bytes] = {}
    left_bytes = most_bytes
    for ref in reversed(kept.pictures):
        with contextlib.suppress(ImageGone):
            png = await store.pictures.get(ref)
            if len(png) > left_bytes:
                break
            pictures[ref] = png
            left_bytes -= len(png)
    content = await asyncio.to_thread(_packed, kept.data, pictures)
    text = t("mydata-all", pictures=len(pictures))
    if len(pictures) < len(kept.pictures):
        text = t("mydata-some", pictures=len(pictures), all=len(kept.pictures))
    return Card(t("mydata-title"), text=text, document=Document(FILE, content))


def _packed(data: Mapping[str, object], pictures: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        written = json.dumps(data, ensure_ascii=False, indent=2) + "\n"
        archive.writestr(DATA, written, zipfile.ZIP_DEFLATED)
        for name, png in pictures.items():
            archive.writestr(name, png)
    return buffer.getvalue()


COMMANDS = (Command("mydata", answer, alone=True),)
