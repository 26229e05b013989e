"""Buttons that draw from a picture that was drawn here: it is kept, so nobody has to send it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.commands import buttons
from bot.commands.button_ids import Action, Press
from bot.imagine.inputs import Brought
from bot.imagine.options import OPTIONS, Options, altered, number_text
from bot.imagine.region import CELLS, numbered
from bot.imagine.request import replay
from bot.render import Button, Card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.commands.buttons import Single
    from bot.imagine.asker import Asker
    from bot.imagine.live import LiveRequest
    from bot.imagine.models import Models
    from bot.imagine.service import Service
    from bot.messages import Translator

STRENGTHS = {Action.SUBTLE: 0.35, Action.STRONG: 0.75}
DRAWING = frozenset({Action.AGAIN, Action.REDRAW, Action.LARGER, Action.WIDER, *STRENGTHS})
"""What draws at once when it is pressed."""


async def draw(
    service: Service, asker: Asker, press: Press, *, key: str, address: Mapping[str, object]
) -> LiveRequest:
    """Do what one of DRAWING says."""
    if press.action is Action.AGAIN:
        return await buttons.again(service, asker, press.target, key=key, address=address)
    if press.action is Action.REDRAW:
        return await buttons.redraw(service, asker, press.target, key=key, address=address)
    picked = await result(service, asker, press.target)
    options = plain(picked, service.models)
    if press.action is Action.WIDER:
        options = replace(options, seed=None, expand="all")
    elif press.action in STRENGTHS:
        options = replace(options, seed=None, strength=number_text(STRENGTHS[press.action]))
    brought = Brought(picked.png, own=True, enlarge=press.action is Action.LARGER)
    return await service.imagine(asker, options, key=key, address=address, brought=brought)


async def areas(service: Service, asker: Asker, target: str, t: Translator) -> Card:
    """The picture with its nine parts numbered, and a button for each."""
    picked = await result(service, asker, target)
    shown = await asyncio.to_thread(numbered, picked.png)
    chosen = tuple(Button(cell, Press(Action.AREA, picked.job_id, cell).id) for cell in CELLS)
    return Card(t("action-area-title"), text=t("action-area"), picture=shown, buttons=chosen)


async def in_area(
    service: Service,
    asker: Asker,
    press: Press,
    typed: Options | None = None,
    *,
    key: str,
    address: Mapping[str, object],
) -> LiveRequest:
    """Draw one part anew: what was `typed`, or the same words, from another seed."""
    options = altered(Options(area=press.area), typed or Options())
    return await change(service, asker, press.target, options, key=key, address=address)


async def change(
    service: Service,
    asker: Asker,
    target: str,
    typed: Options,
    mask: bytes | None = None,
    *,
    key: str,
    address: Mapping[str, object],
) -> LiveRequest:
    """Draw from a result what was `typed`, from another seed; whatever was not typed stays as it was."""
    picked = await result(service, asker, target)
    options = altered(replace(plain(picked, service.models), seed=None), typed)
    brought = Brought(picked.png, mask, own=True)
    return await service.imagine(asker, options, key=key, address=address, brought=brought)


async def result(service: Service, asker: Asker, target: str) -> Single:
    """One picture that was drawn; of a whole request, its first. Raises `UserError` as `buttons.single`."""
    return await buttons.single(service, asker, target if "-" in target else f"{target}-0")


def plain(picked: Single, models: Models) -> Options:
    """What a picture was drawn from, without what was done with a picture before it."""
    done: dict[str, Any] = {option.name: None for option in OPTIONS if option.needs_picture}
    return replace(replay(picked.request, models), images="1", **done)
