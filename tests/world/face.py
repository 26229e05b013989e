"""The adapter of a world's platform: the toy face, with a screen that is edited over a bad network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot import render
from bot.faces.pacing import Pacer
from bot.faces.screen import Gone, Screen, Unreachable
from bot.messages import UserError
from bot.tasks import Tasks
from storage.errors import StorageError
from tests.bot.faces.toy import Chat, ToyFace
from tests.world.platform import Forbidden, Post, ServerError, TooMany
from tests.world.till import WorldProvider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.faces.caller import Caller
    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from tests.world.people import Deed, Street
    from tests.world.platform import Platform

EDIT_EVERY_S = 2.0
AGAIN_AFTER_S = 3.0
RECONCILED_EVERY_S = 60.0
"""An hour in the field, which would be long to live through."""
BLOCKED = "blocked"
"""Whose chat's name begins so shuts the bot out themselves, where it is closed."""


class WorldScreen(Screen):
    """A status message that is edited, and one of its own for the pictures."""

    def __init__(self, service: Service, platform: Platform, live: LiveRequest, t: Translator) -> None:
        self._service, self._platform, self._live, self._t = service, platform, live, t
        self._chat = str(live.address["chat"])
        self._pacer = Pacer(EDIT_EVERY_S)

    async def turn(self) -> None:
        await self._pacer.turn()

    def look(self, event: Event) -> object:
        return render.status(event, self._t)

    async def show(self, event: Event) -> None:
        try:
            await self._put(event)
        except (TooMany, ServerError, TimeoutError):
            return
        except Forbidden:
            raise self._gone() from None

    async def hand_over(self, done: Done) -> str:
        nonce = f"{self._live.request_id}-pictures"
        post = Post(self._chat, self._live.request_id, done, render.status(done, self._t), results=True)
        receipt = await self._surely(lambda: self._platform.post(nonce, post))
        try:
            await self._surely(lambda: self._put(done))
        except Unreachable:  # the pictures are there
            return receipt
        return receipt

    async def tell(self, failed: Failed) -> None:
        await self._surely(lambda: self._put(failed))

    async def _put(self, event: Event) -> str:
        """Edit the status message; post it where there is none yet."""
        post = Post(self._chat, self._live.request_id, event, render.status(event, self._t))
        if message := self._live.address.get("message"):
            await self._platform.edit(str(message), post)
            return str(message)
        message = await self._platform.post(f"{self._live.request_id}-status", post)
        if self._platform.posts[message] is not post:
            await self._platform.edit(message, post)
        await self._service.moved(self._live, message=message)
        return message

    async def _surely(self, call: Callable[[], Awaitable[str]]) -> str:
        """Again and again, until the platform has answered."""
        while True:
            try:
                return await call()
            except TooMany as error:
                await asyncio.sleep(error.retry_after_s)
            except (ServerError, TimeoutError):
                await asyncio.sleep(AGAIN_AFTER_S)
            except Forbidden:
                raise self._gone() from None

    def _gone(self) -> Unreachable:
        if self._chat.startswith(BLOCKED):
            return Gone("the bot is blocked", members_doing=True)
        return Unreachable("the chat is closed")


class WorldFace(ToyFace):
    """Takes what people do on one platform, for as long as the process lives."""

    def __init__(self, service: Service, platform: Platform, street: Street) -> None:
        super().__init__(service, Chat(), platform.name)
        self._at = platform
        self._street = street
        self._tasks = Tasks(platform.name)

    def screen(self, live: LiveRequest, t: Translator) -> Screen:
        return WorldScreen(self.service, self._at, live, t)

    def address(self, caller: Caller) -> dict[str, object]:
        return {"chat": caller.origin.user_id}

    async def serve(self) -> None:
        """Until cancelled."""
        try:
            await self.delivery.recover()
            provider = WorldProvider(self.service, self._at)
            self.service.shop.open(provider)
            self._tasks.start(self._reconcile(provider))
            self._tasks.start(provider.tell_of_charges())
            while True:
                deed = await self._street.next(self._at)
                self._tasks.start(self._take(deed))
        finally:
            await self._tasks.close()
            await self.delivery.close()

    async def _reconcile(self, provider: WorldProvider) -> None:
        while True:
            await self.service.shop.reconcile(provider)
            await asyncio.sleep(RECONCILED_EVERY_S)

    async def _take(self, deed: Deed) -> None:
        try:
            await self._street.register(self.service, self._at.name, deed.who)
            if deed.replies:
                if deed.replies == "forget:":
                    self._street.forgot.add((self._at.name, deed.who.name))
                await self.press(deed.who.name, deed.replies, event=deed.key)
            elif not deed.presses:
                await self.type(deed.who.name, deed.line, event=deed.key)
            elif (button := self._street.button(self._at, deed)) is not None:
                await self.press(deed.who.name, button, event=deed.key)
        except (UserError, StorageError) as error:  # the member reads that it was not accepted
            self.chat.say(str(error))
        deed.taken = True
