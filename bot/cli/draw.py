"""`easel imagine`, `chat` and `run`: the commands that load the model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.alerts import Alerts
from bot.cli.files import brought, check_folder, check_out
from bot.cli.running import (
    FAILED,
    ConfigOption,
    console,
    explained,
    locale,
    read_settings,
    set_up_logs_for,
    translator_for,
    user_name,
)
from bot.cli.service import with_service
from bot.cli.terminal import Terminal
from bot.cli.words import WordsCommand, listing_options
from bot.config.credentials import Credentials
from bot.config.file import serving_http
from bot.faces.serving import configured_faces, serve_all
from bot.imagine.parse import parse_words
from bot.imagine.text import is_blank
from bot.messages import UserError, say
from bot.metrics.counting import Counting

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.config.schema import Config

T = TypeVar("T")
app = typer.Typer()


@app.command(cls=WordsCommand)
@listing_options
def imagine(
    prompt: Annotated[list[str], typer.Argument(help="What to draw, with or without quotes.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("easel.png"),
    image: Annotated[Path | None, typer.Option(help="A picture to draw from: PNG, JPEG or WebP.")] = None,
    mask: Annotated[
        Path | None, typer.Option(help="Which part of it to draw anew: white, or transparent.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Draw a picture into a file."""
    settings = read_settings(config)
    with explained(settings):
        options = parse_words(prompt)
        if is_blank(options.prompt):  # told before the model is loaded
            raise UserError(say("error-prompt-empty"))
        check_out(out)
        files = brought(image, mask)
    drawn = _with_terminal(settings, lambda terminal: terminal.imagine(options, out, files))
    if not drawn:
        raise typer.Exit(FAILED)


@app.command()
def chat(
    folder: Annotated[Path, typer.Option(help="Where to write the pictures.")] = Path("pictures"),
    config: ConfigOption = None,
) -> None:
    """Talk to the bot in this terminal; lines of a file or a pipe are drawn one after another."""
    settings = read_settings(config)
    with explained(settings):
        check_folder(folder)
    if sys.stdin.isatty():
        _with_terminal(settings, lambda terminal: terminal.chat(folder))
    else:
        _with_terminal(settings, lambda terminal: terminal.lines(sys.stdin, folder))


@app.command()
def run(
    http: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Serve the HTTP API there, whatever [http] in bot.toml says."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Serve every platform that has a token, and the HTTP API if bot.toml or --http turns it on.

    With neither, open the chat in this terminal.
    """
    settings = read_settings(config)
    if http is not None:
        with explained(settings):
            settings = serving_http(settings, http)
    alerts, counting = Alerts(), Counting()
    with explained(settings):
        faces = configured_faces(settings, Credentials(), alerts, counting)
    if faces:
        set_up_logs_for(settings)
        served = with_service(
            settings,
            lambda service: serve_all(service, faces),
            interrupted=0,  # a server that is told to leave has not failed
            alerts=alerts,
            counting=counting,
        )
        if not served:
            raise typer.Exit(FAILED)
        return
    console.print(translator_for(settings)("run-no-token"), markup=False)
    _with_terminal(settings, lambda terminal: terminal.chat(Path("pictures")))


def _with_terminal(config: Config, work: Callable[[Terminal], Coroutine[None, None, T]]) -> T:
    """The whole bot, seen from this terminal."""
    user = user_name()
    return with_service(
        config, lambda service: work(Terminal(service, console, user=user, locale=locale())), begin=False
    )
