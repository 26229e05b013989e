"""`easel init` and `easel doctor`: before the bot is served."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.doctor.report import run_doctor
from bot.cli.init.context import Context
from bot.cli.init.wizard import run_init
from bot.cli.interrupt import INTERRUPTED
from bot.cli.running import FAILED, ConfigOption, console, errors, locale, read_bot_toml, run_work
from bot.config.credentials import Credentials
from bot.messages import UserError, best_language, translator

app = typer.Typer()


@app.command("init")
def write_settings() -> None:
    """Ask a few questions and write bot.toml and .env into this folder."""
    t = translator(best_language(locale()))
    if not sys.stdin.isatty():
        errors.print(t("init-terminal"), markup=False)
        raise typer.Exit(FAILED)
    try:
        written = run_init(console, Context(Path(), Credentials().platforms, locale()))
    except UserError as error:
        console.print(t(error.message), markup=False)
        raise typer.Exit(FAILED) from None
    except KeyboardInterrupt:
        written = False
    if not written:
        console.print(t("init-stopped"), markup=False)
        raise typer.Exit(INTERRUPTED)


@app.command()
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Also ask the platforms whether they accept the tokens.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Check that everything is in place. Each problem comes with what to do about it."""
    settings = read_bot_toml(config)
    if not run_work(settings, lambda: run_doctor(console, settings, Credentials.readable(), online=online)):
        raise typer.Exit(FAILED)
