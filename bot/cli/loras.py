"""`easel loras`: which LoRAs are offered, and why others are not; with `--draw`, a sample picture of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.running import FAILED, ConfigOption, console, read_settings, translator_for
from bot.cli.service import with_service
from bot.imagine.loras import Usable, examined, flaw
from bot.imagine.options import number_text
from engine.request import DrawRequest, PngFile

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.messages import Translator

SEED = 7
app = typer.Typer()


@app.command()
def loras(
    draw: Annotated[
        str | None,
        typer.Option(metavar="PROMPT", help="Draw the samples of /loras, while the bot is not running."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """List the LoRAs, and what is wrong with those that are not offered."""
    settings = read_settings(config)
    sound = show_loras(settings, translator_for(settings))
    if draw is not None:
        with_service(settings, lambda service: draw_samples(service, draw))
    if not sound:
        raise typer.Exit(FAILED)


def show_loras(config: Config, t: Translator) -> bool:
    """List them. False where one of them cannot be used."""
    found = examined(config)
    if not found:
        console.print(t("loras-none"), markup=False)
    for name, one in found.items():
        if isinstance(one, Usable):
            strength, file = number_text(one.lora.strength), one.file
            line = t("loras-file", lora=name, strength=strength, file=str(file.path), digest=file.digest[:12])
        else:
            line = t(flaw(name, one))
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return all(isinstance(one, Usable) for one in found.values())


async def draw_samples(service: Service, prompt: str) -> None:
    """Draw each that has no sample yet, with the first model that it fits. Nobody is charged."""
    for name, lora in service.loras.of().items():
        file = service.loras.sample(name)
        if file.exists():
            continue
        model = next(one for one in service.models if name in service.loras.of(model=one.name))
        size, steps = model.capabilities.default_size, model.capabilities.steps["standard"]
        strengths = {name: lora.strength}
        request = DrawRequest(
            f"lora-{name}",
            service.loras.triggered(prompt, strengths),
            size.width,
            size.height,
            steps,
            SEED,
            adapters=service.loras.adapters(strengths),
            model=model.name if len(service.models.names) > 1 else "",
            png=PngFile(),
        )
        drawing = await model.backend.submit(request).result()
        file.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(file.write_bytes, drawing.png)
        console.print(str(file), markup=False, highlight=False, soft_wrap=True)
