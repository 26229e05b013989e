"""`/loras`: what pictures can be drawn with, and how each looks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.commands.command import Command
from bot.faces.platforms import PLATFORMS
from bot.imagine.loras import configured
from bot.imagine.options import number_text
from bot.imagine.picture import thumbnail
from bot.render import Card

if TYPE_CHECKING:
    from pathlib import Path

    from bot.commands.command import Given
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service

MOST = 9
"""How many LoRAs are shown with a picture; of any more, only the names are listed."""


async def _loras(service: Service, caller: Caller, _: Given) -> Card:
    member = await service.members.of(caller.asker)
    offered = service.loras.of(service.members.tier_of(member, caller.asker).name)
    if not offered:
        return Card(caller.t("loras-title"), text=caller.t("error-no-loras"))
    parts = []
    for name, lora in list(offered.items())[:MOST]:
        shown = next((label for language, label in lora.names.items() if language == caller.t.language), name)
        text = caller.t("lora-line", lora=name, strength=number_text(lora.strength))
        picture = await asyncio.to_thread(_thumbnail, service.loras.sample(name))
        parts.append(Card(shown, text=text, picture=picture))
    first, *others = offered
    both = f"{first}:{number_text(offered[first].strength)}{f', {others[0]}' if others else ''}"
    platform, option = PLATFORMS.get(caller.origin.platform), caller.t("opt-lora")
    typed = f"{option}:" if platform and platform.fields else f"--{option}"
    how = caller.t("loras-how", example=f"/imagine … {typed} {both}")
    more = ", ".join(list(offered)[MOST:])
    text = f"{how}\n{caller.t('loras-more', loras=more)}" if more else how
    return Card(caller.t("loras-title"), text=text, parts=tuple(parts))


def _thumbnail(file: Path) -> bytes | None:
    return thumbnail([file.read_bytes()]) if file.exists() else None


def _offered(config: Config) -> bool:
    return bool(configured(config))


COMMANDS = (Command("loras", _loras, when=_offered),)
