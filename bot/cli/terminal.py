"""The terminal face: one picture (`easel imagine`) and a chat (`easel chat`), through the same service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import structlog
from prompt_toolkit import PromptSession
from prompt_toolkit.patch_stdout import patch_stdout
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from bot import render
from bot.commands.command import typed
from bot.commands.table import named
from bot.faces.caller import Origin, caller_of
from bot.folders import nearest
from bot.imagine.events import Done, Failed
from bot.imagine.events import Progress as Drawing
from bot.imagine.parse import parse_imagine
from bot.imagine.service import Asker
from bot.messages import UserError, say, translator
from storage.errors import StorageError
from storage.records import CancelledBy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bot.imagine.live import LiveRequest
    from bot.imagine.options import Options
    from bot.imagine.picture import Picture
    from bot.imagine.service import Service
    from bot.render import Card, Fact

log = structlog.get_logger(__name__)

PLATFORM = "console"
LEAVING = ("exit", "quit", "bye", "/exit", "/quit", "退出", "再见")
HELP = ("help", "?", "/?", "帮助", "/帮助")


class Terminal:
    """Draws for whoever sits at the machine. They own it, so `/stats` is theirs to ask."""

    def __init__(self, service: Service, console: Console, *, user: str, locale: str | None = None) -> None:
        self._service = service
        self._console = console
        self._asker = Asker(PLATFORM, user, locale=locale, admitted=True)
        self._t = translator(service.language_of(None, self._asker))
        self._drawing: set[asyncio.Task[bool]] = set()
        self._prompt: PromptSession[str] | None = None
        self._on_the_way: dict[str, str] = {}

    async def imagine(self, options: Options, out: Path) -> bool:
        """Draw one request, with a progress bar, into `out` (`out-2.png` and so on for further images).

        Also hands out what an earlier command left behind when it was killed. Ctrl-C cancels the request.
        """
        for earlier in await self._service.undelivered(PLATFORM):
            self._spawn(earlier)
        try:
            live = await self._ask(options, out)
        except UserError as error:
            self._say(self._t(error.message))
            return False
        try:
            drawn = await self._deliver(live, bar=True)
        except asyncio.CancelledError:
            await self._service.cancel(live.request_id, None, by=CancelledBy.MEMBER)
            outcome = await live.outcome()
            self._say(render.status(outcome, self._t))
            raise
        await self.settled()
        return drawn

    async def chat(self, folder: Path) -> None:
        """Read lines until Ctrl-D, or a word that says so.

        Requests draw beside the prompt; leaving waits for none of them.
        """
        session: PromptSession[str] = PromptSession("easel> ")
        self._prompt = session
        with patch_stdout(raw=True):
            self._say(self._t("chat-welcome"))
            for live in await self._service.undelivered(PLATFORM):
                self._spawn(live)
            with contextlib.suppress(EOFError, KeyboardInterrupt):
                while (line := (await session.prompt_async()).strip()).lower() not in LEAVING:
                    if line:
                        await self.line(line, folder)
        self._say(self._t("chat-bye-open" if self._drawing else "chat-bye"))
        for task in self._drawing:
            task.cancel()
        await asyncio.gather(*self._drawing, return_exceptions=True)

    async def lines(self, source: TextIO, folder: Path) -> None:
        """Answer the lines of a file or a pipe, each one when the one before is drawn."""
        for live in await self._service.undelivered(PLATFORM):
            self._spawn(live)
        while line := await asyncio.to_thread(source.readline):
            if line.strip().lower() in LEAVING:
                break
            if line.strip():
                await self.line(line.strip().removeprefix("\ufeff"), folder)
                await self.settled()
        await self.settled()

    async def line(self, line: str, folder: Path) -> None:
        """Answer one line of the chat. A line without a command is a prompt."""
        if line.lower() in HELP:
            line = "/help"
        command, _, rest = line.partition(" ") if line.startswith("/") else ("/imagine", "", line)
        try:
            if command.lower() == "/imagine":
                self._spawn(await self._ask(parse_imagine(rest), folder / f"{secrets.token_hex(4)}.png"))
                return
            asker = self._asker
            origin = Origin(
                PLATFORM, asker.user_id, secrets.token_hex(8), locale=asker.locale, at_the_machine=True
            )
            caller = await caller_of(self._service, origin)
            found, words = named(command.removeprefix("/"), rest)
            show_card(self._console, await found.run(self._service, caller, typed(found, words, PLATFORM)))
        except UserError as error:
            self._say(self._t(error.message))

    async def settled(self) -> None:
        """Wait until everything asked for in this chat is delivered."""
        await asyncio.gather(*self._drawing, return_exceptions=True)

    async def _ask(self, options: Options, out: Path) -> LiveRequest:
        await asyncio.to_thread(check_out, out)
        key = secrets.token_hex(8)
        return await self._service.imagine(self._asker, options, key=key, address=_address(out))

    def _spawn(self, live: LiveRequest) -> None:
        task = asyncio.create_task(self._deliver(live))
        self._drawing.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[bool]) -> None:
        self._drawing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            level = log.warning if isinstance(error, StorageError) else log.error
            level("console.task_died", exc_info=error)

    async def _deliver(self, live: LiveRequest, *, bar: bool = False) -> bool:
        """Follow a request to its end; the written file is the terminal's acknowledgement."""
        for note in live.accepted.notes:
            self._say(self._t(note))
        outcome = await (self._with_bar(live) if bar else self._below_the_prompt(live))
        if isinstance(outcome, Done):
            outcome = await self._service.read(outcome)
        if isinstance(outcome, Failed):
            self._say(self._t(outcome.message))
            self._service.closed(live)
            return False
        paths = _paths(Path(str(live.address["out"])), len(outcome.pictures))
        for n, (path, picture) in enumerate(zip(paths, outcome.pictures, strict=True)):
            try:
                await asyncio.to_thread(_write, path, picture.png)
            except OSError as error:
                reason = error.strerror or str(error)
                await self._give_up(live, outcome.pictures, n, reason)
                self._say(self._t("error-out-failed", file=str(path), reason=reason, seed=str(picture.seed)))
                return False
        await self._service.delivered(live, receipt=str(paths[0]))
        self._result(live, outcome, paths)
        return True

    async def _give_up(
        self, live: LiveRequest, pictures: Sequence[Picture], written: int, reason: str
    ) -> None:
        """Count the first, which are written, and not the rest: a terminal has no history to fetch it from.

        The rest is closed first: whatever dies in between, the next start writes the first where they were.
        """
        lost = [picture.job_id for picture in pictures[written:]]
        await self._service.store.jobs.undeliverable(lost, reason, members_doing=False)
        if written:
            await self._service.delivered(live, receipt=str(live.address["out"]))
        else:
            self._service.closed(live)

    async def _below_the_prompt(self, live: LiveRequest) -> Done | Failed:
        """The outcome; until then the newest state stands below the prompt, a line a request."""
        try:
            async for event in live.events():
                if isinstance(event, Done | Failed):
                    return event
                self._on_the_way[live.request_id] = render.status(event, self._t)
                self._show_on_the_way()
        finally:
            self._on_the_way.pop(live.request_id, None)
            self._show_on_the_way()
        raise AssertionError("events end with an outcome")

    def _show_on_the_way(self) -> None:
        if self._prompt is not None:
            self._prompt.bottom_toolbar = "\n".join(self._on_the_way.values()) or None
            self._prompt.app.invalidate()

    async def _with_bar(self, live: LiveRequest) -> Done | Failed:
        """The outcome, behind a bar with steps and ETA."""
        total = live.request.steps * live.request.images
        with Progress(BarColumn(30), TextColumn("{task.description}"), console=self._console) as progress:
            task = progress.add_task("", total=total)
            async for event in live.events():
                match event:
                    case Drawing():
                        text = f"{event.step}/{total} · {render.duration(event.eta_s)}"
                        progress.update(task, completed=event.step, description=text)
                    case Done():
                        progress.update(task, completed=total, description=f"{total}/{total}")
                    case _:
                        progress.update(task, description=render.status(event, self._t))
        assert isinstance(event, Done | Failed)
        return event

    def _result(self, live: LiveRequest, done: Done, paths: list[Path]) -> None:
        quota, currency = done.quota, self._service.pricing.currency
        for path, picture in zip(paths, done.pictures, strict=True):
            facts = render.picture_facts(live.request, picture, quota, currency, self._t)
            show_facts(self._console, [(self._t("fact-file"), str(path.resolve())), *facts])
        for note in done.notes:
            self._say(self._t(note))
        if done.missing:
            self._say(self._t("missing-images", missing=done.missing))

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


def show_card(console: Console, card: Card) -> None:
    """A card as a title and a table."""
    console.print(card.title, style="bold", markup=False)
    show_facts(console, card.facts)
    if card.text:
        console.print(card.text, markup=False, highlight=False)
    if card.link:
        console.print(card.link, markup=False, highlight=False, soft_wrap=True)
    for part in card.parts:
        show_card(console, part)


def show_facts(console: Console, facts: Sequence[Fact]) -> None:
    """Labels and values in two columns."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in facts:
        table.add_row(label, value)
    if facts:
        console.print(table)


def check_out(out: Path) -> None:
    """Raises `UserError` where it is plain that no picture can be written to `out`; touches nothing."""
    if os.path.isdir(out):
        raise UserError(say("error-out-folder", file=str(out), example=str(out / "easel.png")))
    if out.suffix.lower() not in ("", ".png"):
        raise UserError(say("error-out-suffix", found=out.suffix))
    if not os.path.exists(out):
        check_folder(out.parent)
    elif not os.access(out, os.W_OK):
        raise UserError(say("error-out-denied", file=str(out)))


def check_folder(folder: Path) -> None:
    """The same of a folder, which need not be there yet."""
    there = nearest(folder)
    if not os.path.isdir(there):
        raise UserError(say("error-out-below", found=str(there)))
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(say("error-out-denied", file=str(there)))


def _paths(out: Path, count: int) -> list[Path]:
    return [out if n == 0 else out.with_stem(f"{out.stem}-{n + 1}") for n in range(count)]


def _address(out: Path) -> dict[str, object]:
    return {"out": str(out.absolute())}


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
