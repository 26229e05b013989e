"""A platform in a list, to show what a new face needs: a `Screen`, and a loop over the commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bot import render
from bot.commands import allowance, button_ids, buttons, edits, questions, table
from bot.commands.button_ids import Action
from bot.commands.command import typed
from bot.commands.details import details_card
from bot.faces.caller import Origin, Who, caller_of
from bot.faces.delivery import Delivery
from bot.faces.screen import Screen, Unreachable
from bot.imagine.parse import parse_imagine
from bot.messages import UserError

if TYPE_CHECKING:
    from bot.faces.caller import Caller
    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.inputs import Brought
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Card


PLATFORM = "toy"
PRIVATE = "private"
"""In a request's address: only its asker sees it."""


class Chat:
    """The platform: what was said, what was shown, which buttons there are, and whether it can be reached."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.refused: list[str] = []
        self.overheard: list[str] = []
        self.pictures: list[bytes] = []
        self.buttons: list[str] = []
        self.closed_for_pictures = False
        self.acknowledges = True
        self.spoken = asyncio.Event()

    def say(self, text: str, *, alone: bool = False) -> None:
        """Show something to all, or to its asker `alone`."""
        self.words.append(text)
        if not alone:
            self.overheard.append(text)
        self.spoken.set()


class ToyScreen(Screen):
    """Shows one request in the chat."""

    def __init__(self, face: ToyFace, live: LiveRequest, t: Translator) -> None:
        self._face, self._live, self._t = face, live, t

    def look(self, event: Event) -> object:
        return render.status(event, self._t)

    async def show(self, event: Event) -> None:
        self._face.chat.buttons.append(button_ids.button_id(Action.CANCEL, self._live.request_id))
        self._say(render.status(event, self._t))

    async def hand_over(self, done: Done) -> str:
        face, live, t = self._face, self._live, self._t
        if face.chat.closed_for_pictures:
            raise Unreachable("pictures are not allowed here")
        if not face.chat.acknowledges:
            await asyncio.Event().wait()
        notes = render.notes(live.accepted, done, t)
        self._say("\n".join([live.request.prompt, render.result_line(live.request, done, t), *notes]))
        face.chat.pictures += [picture.png for picture in done.pictures]
        face.chat.buttons = [button_ids.button_id(action, live.request_id) for action in Action]
        return f"message {len(face.chat.words)}"

    async def tell(self, failed: Failed) -> None:
        self._say(self._t(failed.message))

    def _say(self, text: str) -> None:
        self._face.chat.say(text, alone=bool(self._live.address.get(PRIVATE)))


class ToyFace:
    """The adapter: from a typed line or a pressed button to an answer."""

    def __init__(self, service: Service, chat: Chat, platform: str = PLATFORM) -> None:
        self.service = service
        self.chat = chat
        self.platform = platform
        self.delivery = Delivery(service, platform, self.screen)
        self._events = 0

    def screen(self, live: LiveRequest, t: Translator) -> Screen:
        """Where a request is shown."""
        return ToyScreen(self, live, t)

    def address(self, caller: Caller) -> dict[str, object]:
        """Where what this caller asks for is delivered."""
        return {}

    async def type(
        self, user: str, line: str, *, event: str = "", brought: Brought | None = None, **where: Any
    ) -> None:
        """Somebody types a line, with a picture perhaps. The same `event` again is a redelivery."""
        caller = await self._caller(user, event, **where)
        name, _, words = line.removeprefix("/").partition(" ")
        try:
            if name == "imagine":
                await self._imagine(caller, words, brought)
                return
            command, rest = table.named(self.service.config, name, words)
            self._card(await command.run(self.service, caller, typed(command, rest, self.platform)))
        except UserError as error:
            self._refuse(caller, error)

    async def press(self, user: str, id_: str, *, event: str = "", **where: Any) -> None:
        """Somebody presses a button."""
        caller = await self._caller(user, event, **where)
        try:
            if (asked := button_ids.replied(id_)) is not None:
                self._card(await questions.answer(self.service, caller, asked))
            elif (press := button_ids.pressed(id_)) is not None:
                await self._on_picture(caller, press)
        except UserError as error:
            self._refuse(caller, error)

    async def _on_picture(self, caller: Caller, press: button_ids.Press) -> None:
        service, asker, target, key = self.service, caller.asker, press.target, caller.key
        address = self.address(caller)
        match press.action:
            case action if action in edits.DRAWING:
                self.delivery.follow(await edits.draw(service, asker, press, key=key, address=address))
            case Action.AREA if press.area:
                self.delivery.follow(await edits.in_area(service, asker, press, key=key, address=address))
            case Action.AREA:
                self.chat.buttons += [
                    b.id for b in (await edits.areas(service, asker, target, caller.t)).buttons
                ]
            case Action.CANCEL:
                await buttons.cancel(service, asker, target, moderator=await caller.may(Who.MANAGER))
            case Action.DETAILS:
                self._card(await details_card(service, asker, target, caller.t))
            case Action.SINGLE:
                self.chat.pictures.append((await buttons.single(service, asker, target)).png)
            case Action.FETCH:
                self.delivery.follow(await buttons.fetch(service, asker, target))
            case Action.DELETE:
                await buttons.delete(service, asker, target, moderator=await caller.may(Who.MANAGER))

    async def _imagine(self, caller: Caller, words: str, brought: Brought | None) -> None:
        options = parse_imagine(words)
        address = {**self.address(caller), PRIVATE: options.private}
        live = await self.service.imagine(
            caller.asker, options, key=caller.key, address=address, brought=brought
        )
        self.delivery.follow(live)

    async def _caller(self, user: str, event: str = "", **where: Any) -> Caller:
        self._events += 1
        key = event or f"{id(self)}-{self._events}"
        return await caller_of(self.service, Origin(self.platform, user, key, **where))

    def _refuse(self, caller: Caller, error: UserError) -> None:
        self.chat.refused.append(caller.t(error.message))
        self.chat.say(caller.t(error.message), alone=True)
        self.chat.buttons += [button.id for button in allowance.ways_on(error, self.service.config, caller)]

    def _card(self, card: Card) -> None:
        lines = [card.title, *(f"{label}: {value}" for label, value in card.facts), card.text, card.link]
        self.chat.say("\n".join(line for line in lines if line))
        self.chat.buttons += [button.id for button in card.buttons]
        if card.picture is not None:
            self.chat.pictures.append(card.picture)
        for part in card.parts:
            self._card(part)
