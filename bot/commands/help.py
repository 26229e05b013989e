"""`/help`: how to ask for a picture where the reader is, and the commands they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from bot.config.faces import TERMINAL
from bot.faces.caller import Who
from bot.faces.platforms import PLATFORMS
from bot.imagine.options import about, shown
from bot.messages import LANGUAGES
from bot.render import Card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.commands.command import Command
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Translator


def card(service: Service, caller: Caller, commands: Sequence[Command]) -> Card:
    """How to ask on this platform, with the options where they are typed, and the commands."""
    t, names = caller.t, caller.names
    platform = PLATFORMS.get(caller.origin.platform)
    shown = [command for command in commands if command.who is Who.MEMBER or caller.owner]
    lines = [
        f"/{names(c.message_id) if names and ' ' not in c.name else c.name} · {t(f'{c.message_id}-about')}"
        for c in shown
    ]
    how = t(platform.help if platform else "help-typed", imagine=names("cmd-imagine") if names else "imagine")
    text = "\n".join([how, "", *lines])
    if platform is None or not platform.fields:
        text = "\n".join(
            [t("help-imagine"), *_options(service, t, aligned=caller.origin.platform == TERMINAL), "", text]
        )
    return Card("Easel", text=text)


def _options(service: Service, t: Translator, *, aligned: bool) -> list[str]:
    """Every option as it is typed, with the values there are; `aligned` where letters are equally wide."""
    model, named = service.models.default.capabilities, service.named
    options = shown(named)
    names = [option.shown if t.language == LANGUAGES[0] else option.called(t.language) for option in options]
    width = max(map(cell_len, names))
    names = [f"  --{set_cell_size(name, width)} " if aligned else f"--{name} ·" for name in names]
    return [f"{name} {about(option, model, named, t)}" for name, option in zip(names, options, strict=True)]
