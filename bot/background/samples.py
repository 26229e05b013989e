"""Draws the sample pictures that `/loras` shows, one for each LoRA that has none yet.

Members come first: a sample is begun once nobody has wanted a picture for a while, waits behind everybody in
the queue, and is given up for the time being when somebody asks for a picture. Nobody is charged for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from bot.background.task import BackgroundTask
from engine.request import Cancelled, DrawRequest, EngineError, PngFile

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.loras import Lora
    from bot.imagine.service import Service
    from engine.request import Drawing
    from engine.tickets import Ticket

log = structlog.get_logger(__name__)

SAMPLES_TIER = "lora samples"
"""Whose they are in the queue."""
PROMPT, SEED = "an orange cat on a green meadow", 7
QUIET_S, LOOK_EVERY_S = 30.0, 1.0


class LoraSamples(BackgroundTask):
    """One after the other, until each LoRA has its sample."""

    def __init__(
        self, service: Service, *, quiet_s: float = QUIET_S, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        """`quiet_s`: how long nobody must have wanted a picture."""
        super().__init__()
        self._service = service
        self._quiet_s = quiet_s
        self._look_every_s = look_every_s

    async def draw(self) -> None:
        """Draw those that are missing."""
        loras = self._service.loras
        for name, lora in loras.of().items():
            while name in loras.of() and not await asyncio.to_thread(loras.sample(name).exists):
                await self._until_quiet()
                try:
                    drawing = await self._drawn(self._submit(name, lora))
                except Cancelled:
                    continue
                except EngineError as error:
                    log.warning("samples.not_drawn", lora=name, reason=str(error))
                    break
                await asyncio.to_thread(_write, loras.sample(name), drawing.png)

    async def _run(self) -> None:
        await self.draw()

    @property
    def _wanted(self) -> bool:
        """Whether anybody waits for a picture."""
        return bool(self._service.requests.unfinished())

    async def _until_quiet(self) -> None:
        quiet_s = 0.0
        while self._wanted or quiet_s < self._quiet_s:
            await asyncio.sleep(self._look_every_s)
            quiet_s = 0.0 if self._wanted else quiet_s + self._look_every_s

    def _submit(self, name: str, lora: Lora) -> Ticket:
        """With the first model that the LoRA fits."""
        loras, models = self._service.loras, self._service.models
        model = next(one for one in models if name in loras.of(model=one.name))
        size, steps = model.capabilities.default_size, model.capabilities.steps["standard"]
        strengths = {name: lora.strength}
        request = DrawRequest(
            loras.triggered(PROMPT, strengths),
            size.width,
            size.height,
            steps,
            SEED,
            adapters=loras.adapters(strengths),
            model=model.name if len(models.names) > 1 else "",
            tier=SAMPLES_TIER,
            flow=SAMPLES_TIER,
            png=PngFile(),
            job_id=f"sample-{name}",
        )
        return model.backend.submit(request)

    async def _drawn(self, ticket: Ticket) -> Drawing:
        """Raises Cancelled where somebody came meanwhile."""
        drawing = asyncio.ensure_future(ticket.result())
        try:
            while not (await asyncio.wait([drawing], timeout=self._look_every_s))[0]:
                if self._wanted:
                    ticket.cancel()
            return drawing.result()
        finally:
            drawing.cancel()
            ticket.cancel()


def _write(file: Path, png: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".part")
    half.write_bytes(png)
    half.replace(file)
