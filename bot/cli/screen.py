"""How a request looks in the terminal: a bar or a line below the prompt, then files and their facts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn

from bot import render
from bot.cli.files import files_of, write
from bot.cli.show import show_facts
from bot.faces.screen import Gone, Screen
from bot.imagine.events import Progress as Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from bot.imagine.events import Done, Event, Failed
    from bot.imagine.live import LiveRequest
    from bot.imagine.picture import Picture
    from bot.imagine.service import Service
    from bot.messages import Translator

OUT = "out"
"""In a request's address: the file of the first picture."""


def address_of(out: Path) -> dict[str, object]:
    """What is kept with a request, for a screen of a later process too."""
    return {OUT: str(out.absolute())}


class TerminalScreen(Screen):
    """Writes a request's pictures into files and prints the rest. The written file is the receipt."""

    def __init__(self, console: Console, service: Service, live: LiveRequest, t: Translator) -> None:
        """Raises `Gone` where the address that was kept with the request names no file."""
        out = live.address.get(OUT)
        if not isinstance(out, str):
            raise Gone("its address names no file", members_doing=False)
        self._console, self._service, self._live, self._t = console, service, live, t
        self._out = Path(out)
        self.complete = False
        """Every picture is written."""

    async def hand_over(self, done: Done) -> str:
        """Write the pictures. From the first that cannot be written on, none is charged or tried again:
        a terminal has no buttons to fetch them with.
        """
        files = files_of(self._out, len(done.pictures))
        for n, (file, picture) in enumerate(zip(files, done.pictures, strict=True)):
            try:
                await asyncio.to_thread(write, file, picture.png)
            except OSError as error:
                reason = error.strerror or str(error)
                if n:  # first of all: whatever dies from here on, the next start writes the first ones again
                    lost = [picture.job_id for picture in done.pictures[n:]]
                    await self._service.store.jobs.undeliverable(lost, reason, members_doing=False)
                self._say(self._t("error-out-failed", file=str(file), reason=reason, seed=str(picture.seed)))
                if not n:
                    raise Gone(reason, members_doing=False) from None
                self._tell_result(done, files[:n], done.pictures[:n])
                return str(self._out)
        self._tell_result(done, files, done.pictures)
        self.complete = True
        return str(self._out)

    async def tell(self, failed: Failed) -> None:
        self._say(self._t(failed.message))

    def _tell_result(self, done: Done, files: Sequence[Path], pictures: Sequence[Picture]) -> None:
        quota, currency, t = done.quota, self._service.pricing.currency, self._t
        for file, picture in zip(files, pictures, strict=True):
            run = self._live.request.steps_run(self._service.models)
            facts = render.picture_facts(self._live.request, picture, run, quota, currency, t)
            show_facts(self._console, [(t("fact-file"), str(file.resolve())), *facts])
        for note in done.notes:
            self._say(t(note))
        if done.missing:
            self._say(t("missing-images", missing=done.missing))

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)


class ChatScreen(TerminalScreen):
    """Until the outcome is there, one line below the prompt tells how far it is."""

    def __init__(
        self,
        console: Console,
        service: Service,
        live: LiveRequest,
        t: Translator,
        stands: Callable[[str, str | None], None],
    ) -> None:
        """`stands` is told what stands below the prompt for this request's id; None for nothing."""
        super().__init__(console, service, live, t)
        self._stands = stands

    def look(self, event: Event) -> object:
        return render.status(event, self._t)

    async def show(self, event: Event) -> None:
        self._stands(self._live.request_id, render.status(event, self._t))

    async def close(self) -> None:
        self._stands(self._live.request_id, None)


class BarScreen(TerminalScreen):
    """Until the outcome is there, a bar with steps and the time that is left."""

    def __init__(self, console: Console, service: Service, live: LiveRequest, t: Translator) -> None:
        super().__init__(console, service, live, t)
        self._steps = live.request.steps_run(service.models) * live.request.images
        self._bar = Progress(BarColumn(30), TextColumn("{task.description}"), console=console)
        self._task = self._bar.add_task("", total=self._steps)
        self._bar.start()

    async def show(self, event: Event) -> None:
        if isinstance(event, Drawing):
            self._steps = event.steps
            text = f"{event.step}/{event.steps} · {render.duration(event.eta_s, self._t)}"
            self._bar.update(self._task, completed=event.step, total=event.steps, description=text)
        else:
            self._bar.update(self._task, description=render.status(event, self._t))

    async def hand_over(self, done: Done) -> str:
        self._bar.update(self._task, completed=self._steps, description=f"{self._steps}/{self._steps}")
        await self.close()
        return await super().hand_over(done)

    async def tell(self, failed: Failed) -> None:
        await self.close()
        await super().tell(failed)

    async def close(self) -> None:
        if self._bar.live.is_started:
            self._bar.stop()
