"""`easel plan`, `calibrate` and `selftest`: what a card can do, calculated or measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.cost import PlanOptions, run_calibration, show_plan
from bot.cli.running import FAILED, ConfigOption, console, explained, read_bot_toml, read_settings, run_work
from bot.cli.selftest import run_selftest

app = typer.Typer()
ModelOption = Annotated[str | None, typer.Option(help="One of several models; by default the default.")]


@app.command()
def plan(
    gpu: Annotated[str | None, typer.Option(help="A card from the catalogue, such as A10G.")] = None,
    price: Annotated[
        str | None, typer.Option(help="Rent per hour; otherwise the card's own, or [[rent]].")
    ] = None,
    members: Annotated[str | None, typer.Option(help="TIER=MEMBERS[xIMAGES], separated by commas.")] = None,
    utilisation: Annotated[str, typer.Option(help="The share of each hour that is used: 0.6 or 60%.")] = "1",
    measured: Annotated[
        bool, typer.Option("--measured", help="Use this machine, as measured by `easel calibrate`.")
    ] = False,
    article: Annotated[
        bool, typer.Option("--article", help="The article's cards, formulas and model of 5 GB.")
    ] = False,
    catalogue: Annotated[
        Path | None, typer.Option(help="Your own cards; by default ./gpus.toml, if there is one.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Work out what an image would cost on a card, and each tier's margin."""
    settings = read_settings(config)
    options = PlanOptions(gpu, price, members, utilisation, measured, article, catalogue)
    with explained(settings):
        show_plan(console, settings, options)


@app.command()
def calibrate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure only a few points; takes about a minute.")
    ] = False,
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Measure this machine: memory by size, seconds by steps, images per hour by concurrent requests."""
    settings = read_settings(config)
    run_work(settings, lambda: run_calibration(console, settings, model, quick=quick))


@app.command()
def selftest(
    quick: Annotated[bool, typer.Option("--quick", help="Draw fewer and smaller pictures.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report goes, as this name with .md and .json.")] = Path(
        "selftest"
    ),
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Draw as the engine does, compare it with what the engine believes, and write a report."""
    settings = read_bot_toml(config)
    if not run_work(settings, lambda: run_selftest(console, settings, quick=quick, out=out, model=model)):
        raise typer.Exit(FAILED)
