"""`easel loras`: which LoRAs are offered, and why others are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bot.cli.running import FAILED, ConfigOption, console, read_settings, translator_for
from bot.imagine.loras import Usable, examined, flaw
from bot.imagine.options import number_text

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.messages import Translator

app = typer.Typer()


@app.command()
def loras(config: ConfigOption = None) -> None:
    """List the LoRAs, and what is wrong with those that are not offered."""
    settings = read_settings(config)
    if not show_loras(settings, translator_for(settings)):
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
