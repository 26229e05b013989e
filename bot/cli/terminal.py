"""The terminal face: one picture (`easel imagine`) and a chat (`easel chat`), through the same service."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from typing import TYPE_CHECKING, TextIO

from bot.cli.files import brought, check_out, named_files, write
from bot.cli.screen import OUT, BarScreen, ChatScreen, address_of
from bot.cli.show import show_card, show_facts
from bot.commands import allowance, button_ids, questions
from bot.commands.command import typed
from bot.commands.history import shortened
from bot.commands.table import named
from bot.config.faces import TERMINAL
from bot.faces.caller import Origin, caller_of
from bot.faces.delivery import Delivery
from bot.imagine.parse import parse_imagine
from bot.imagine.refusals import UsedUp
from bot.messages import UserError, best_language, say, translator
from storage.records.requests import CancelledBy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prompt_toolkit import PromptSession
    from rich.console import Console

    from bot.faces.caller import Caller
    from bot.imagine.inputs import Brought
    from bot.imagine.live import LiveRequest
    from bot.imagine.options import Options
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Button

PLATFORM = TERMINAL
LEAVING = ("exit", "quit", "bye", "/exit", "/quit", "退出", "再见")
HELP = ("help", "?", "/?", "帮助", "/帮助")
WORD = re.compile(r"[\w-]+")


class Terminal:
    """Draws for whoever sits at the machine. They own it, so `/stats` is theirs to ask."""

    def __init__(self, service: Service, console: Console, *, user: str, locale: str | None = None) -> None:
        self._service = service
        self._console = console
        self._user, self._locale = user, locale
        self._t = translator(best_language(locale, service.config.language))
        self._delivery = Delivery(service, PLATFORM, self._screen)
        self._prompt: PromptSession[str] | None = None
        self._status: dict[str, str] = {}
        self._choices: tuple[Button, ...] = ()
        """What can be chosen by its number in the next line."""

    @property
    def status_lines(self) -> str:
        """What stands below the prompt: a line for each request on its way."""
        return "\n".join(self._status.values())

    async def imagine(self, options: Options, out: Path, files: Brought | None = None) -> bool:
        """Draw one request, with a progress bar, into `out` (`out-2.png` and so on for further images).

        Also hands out what an earlier command left behind when it was killed. Ctrl-C cancels the request.
        True where every picture is written.
        """
        try:
            await self._go_on()
            return await self._imagine(options, out, files)
        except UserError as error:
            self._say(self._t(error.message))
            if isinstance(error, UsedUp) and error.may_go_slowly:
                self._say(self._t("slow-in-chat"))
            return False
        finally:
            await self._delivery.close(farewell_s=0)

    async def _imagine(self, options: Options, out: Path, files: Brought | None) -> bool:
        caller = await self._caller()
        live = await self._ask(caller, options, out, files)
        screen = BarScreen(self._console, self._service, live, caller.t)
        following = self._delivery.follow(live, screen)
        try:
            await asyncio.shield(following)
        except asyncio.CancelledError:
            self._service.requests.cancel(live.request_id, None, by=CancelledBy.MEMBER)
            await following
            raise
        await self.settled()
        return screen.complete

    async def chat(self, folder: Path) -> None:
        """Read lines until Ctrl-D, or a word that says so.

        Requests are drawn while the prompt waits for the next line; leaving waits for none of them.
        """
        from prompt_toolkit import PromptSession  # only the chat needs it
        from prompt_toolkit.patch_stdout import patch_stdout

        session: PromptSession[str] = PromptSession("easel> ")
        self._prompt = session
        with patch_stdout(raw=True):
            self._say(self._t("chat-welcome"))
            await self._go_on()
            with contextlib.suppress(EOFError, KeyboardInterrupt):
                while (line := (await session.prompt_async()).strip()).lower() not in LEAVING:
                    if line:
                        await self.line(line, folder)
        await self.leave()

    async def leave(self) -> None:
        """Say goodbye. What is being drawn is finished first, and handed out by the next process."""
        self._say(self._t("chat-bye-open" if self._delivery.following else "chat-bye"))
        await self._delivery.close(farewell_s=0)

    async def lines(self, source: TextIO, folder: Path) -> None:
        """Answer the lines of a file or a pipe, each one when the one before is drawn."""
        await self._go_on()
        while line := await asyncio.to_thread(source.readline):
            if line.strip().lower() in LEAVING:
                break
            if line.strip():
                await self.line(line.strip().removeprefix("\ufeff"), folder)
                await self.settled()
        await self.settled()

    async def line(self, line: str, folder: Path) -> None:
        """Answer one line of the chat: a command, the number or words of a choice, or else a prompt."""
        if line.lower() in HELP:
            line = "/help"
        name, _, words = (line if line.startswith("/") else f"/imagine {line}")[1:].partition(" ")
        t, choices, caller = self._t, self._choices, None
        self._choices = ()
        try:
            caller = await self._caller()
            t = caller.t
            if (choice := _chosen(line, choices)) is not None:
                await self._choose(caller, choice)
            elif name.lower() == "imagine":
                out = folder / f"{secrets.token_hex(4)}.png"
                words, named = named_files(words)
                files = await asyncio.to_thread(brought, named.get("image"), named.get("mask"))
                self._delivery.follow(await self._ask(caller, parse_imagine(words), out, files))
            else:
                await self._answer(caller, name, words, folder)
        except UserError as error:
            self._say(t(error.message))
            if caller is not None:
                self._offer(allowance.ways_on(error, self._service.config, caller), t)

    async def _choose(self, caller: Caller, button: Button) -> None:
        """Answer a question that was asked in the line before."""
        replied = button_ids.replied(button.id)
        assert replied is not None
        card = await questions.answer(self._service, caller, replied)
        show_card(self._console, card)
        self._offer(card.buttons, caller.t)

    def _offer(self, buttons: tuple[Button, ...], t: Translator) -> None:
        """List what the next line can choose by a number; buttons about one picture are a chat's."""
        self._choices = tuple(one for one in buttons if button_ids.replied(one.id))
        for n, button in enumerate(self._choices, 1):
            self._say(t("chat-choice", number=n, label=button.label))

    async def settled(self) -> None:
        """Wait until everything asked for in this chat is delivered."""
        await self._delivery.settled()

    async def _go_on(self) -> None:
        """Go on with what an earlier command left, and say so before it is drawn, written and charged."""
        for live in await self._service.requests.undelivered(PLATFORM):
            if not live.over and isinstance(file := live.address.get(OUT), str):
                self._say(self._t("chat-goes-on", prompt=shortened(live.request.prompt), file=file))
            self._delivery.follow(live)
        self._service.pausing.begin()

    async def _caller(self) -> Caller:
        event = secrets.token_hex(8)
        origin = Origin(PLATFORM, self._user, event, locale=self._locale)
        return await caller_of(self._service, origin)

    async def _ask(self, caller: Caller, options: Options, out: Path, files: Brought | None) -> LiveRequest:
        await asyncio.to_thread(check_out, out)
        asker, key, address = caller.asker, caller.key, address_of(out)
        live = await self._service.imagine(asker, options, key=key, address=address, brought=files)
        for note in live.accepted.notes:
            self._say(caller.t(note))
        return live

    async def _answer(self, caller: Caller, name: str, words: str, folder: Path) -> None:
        """Print a command's card; what a terminal cannot show, such as a chart, becomes a file."""
        command, rest = named(self._service.config, name, words)
        card = await command.run(self._service, caller, typed(command, rest, PLATFORM))
        show_card(self._console, card)
        self._offer(card.buttons, caller.t)
        if card.document is not None:
            file, content = folder / card.document.name, card.document.content
        elif card.picture is not None:
            file = folder / f"{'-'.join(WORD.findall(f'{command.name} {rest}'))}.png"
            content = card.picture
        else:
            return
        try:
            await asyncio.to_thread(write, file, content)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(say("error-chart-failed", file=str(file), reason=reason)) from None
        show_facts(self._console, [(caller.t("fact-file"), str(file.resolve()))])

    def _screen(self, live: LiveRequest, t: Translator) -> ChatScreen:
        return ChatScreen(self._console, self._service, live, t, self._stands)

    def _stands(self, request_id: str, line: str | None) -> None:
        if line is None:
            self._status.pop(request_id, None)
        else:
            self._status[request_id] = line
        if self._prompt is not None:
            self._prompt.bottom_toolbar = self.status_lines or None
            self._prompt.app.invalidate()

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def _chosen(line: str, choices: Sequence[Button]) -> Button | None:
    """The choice whose number or words were typed."""
    for n, button in enumerate(choices, 1):
        if line.casefold() in (str(n), button.label.strip(" ›").casefold()):
            return button
    return None
