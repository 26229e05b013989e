"""`easel`: the command line. Each command reads bot.toml, builds the parts it needs and runs them."""

from __future__ import annotations

import getpass
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.background.drains import order_drain
from bot.cli import keys, owner, vouchers
from bot.cli.cost import PlanOptions, StatsOptions, run_calibration, show_plan, show_stats
from bot.cli.database import export as export_member
from bot.cli.database import forget as forget_member
from bot.cli.database import make_key, read_backup, show_check, write_backup
from bot.cli.doctor.report import run_doctor
from bot.cli.files import brought, check_folder, check_out
from bot.cli.init.wizard import Here, run_init
from bot.cli.interrupt import INTERRUPTED
from bot.cli.running import (
    FAILED,
    ConfigOption,
    console,
    errors,
    explained,
    locale,
    read_bot_toml,
    read_settings,
    run_work,
    set_up_logs_for,
    translator_for,
    user_name,
    with_service,
    with_store,
)
from bot.cli.selftest import run_selftest
from bot.cli.show import show_card
from bot.cli.terminal import Terminal
from bot.cli.words import WordsCommand, listing_options
from bot.commands import owners
from bot.config.credentials import Credentials
from bot.config.file import serving_http
from bot.extras import DISTRIBUTION
from bot.faces.serving import configured_faces, serve_all
from bot.imagine.asker import Asker
from bot.imagine.parse import parse_words
from bot.messages import UserError, best_language, translator

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.config.schema import Config

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(keys.app, name="key")
app.add_typer(vouchers.app, name="voucher")
app.add_typer(owner.app)


def main() -> None:
    """Entry point of the `easel` command."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"Easel {version(DISTRIBUTION)}", markup=False, highlight=False)
        raise typer.Exit


@app.callback()
def _about(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A self-hosted image bot for Discord, Telegram, an HTTP API and this terminal."""


@app.command("init")
def write_settings() -> None:
    """Ask a few questions and write bot.toml and .env into this folder."""
    t = translator(best_language(locale()))
    if not sys.stdin.isatty():
        errors.print(t("init-terminal"), markup=False)
        raise typer.Exit(FAILED)
    try:
        written = run_init(console, Here(Path(), Credentials().platforms, locale()))
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
    with explained(settings):
        faces = configured_faces(settings, Credentials())
    if faces:
        set_up_logs_for(settings)
        # A server that is told to leave has not failed.
        if not with_service(settings, lambda service: serve_all(service, faces), interrupted=0):
            raise typer.Exit(FAILED)
        return
    console.print(translator_for(settings)("run-no-token"), markup=False)
    _with_terminal(settings, lambda terminal: terminal.chat(Path("pictures")))


@app.command()
def stats(
    period: Annotated[str, typer.Argument(help="today, 7d, month or YYYY-MM.")] = "month",
    json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="All figures as CSV.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Write a chart into this PNG file.")] = None,
    config: ConfigOption = None,
) -> None:
    """Show what the pictures of a period cost. Works while the bot runs."""
    settings = read_settings(config)
    options = StatsOptions(json, csv, chart)
    with_store(settings, lambda config, store: show_stats(console, config, store, period, options))


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
    config: ConfigOption = None,
) -> None:
    """Measure this machine: memory by size, seconds by steps, images per hour by concurrent requests."""
    settings = read_settings(config)
    run_work(settings, lambda: run_calibration(console, settings, quick=quick))


@app.command()
def selftest(
    quick: Annotated[bool, typer.Option("--quick", help="Draw fewer and smaller pictures.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report goes, as this name with .md and .json.")] = Path(
        "selftest"
    ),
    config: ConfigOption = None,
) -> None:
    """Draw as the engine does, compare it with what the engine believes, and write a report."""
    settings = read_bot_toml(config)
    if not run_work(settings, lambda: run_selftest(console, settings, quick=quick, out=out)):
        raise typer.Exit(FAILED)


@app.command()
def drain(
    worker: Annotated[str, typer.Argument(help="Its name in `/stats gpu`, such as worker-1.")],
    config: ConfigOption = None,
) -> None:
    """Let a worker of the running bot finish its pictures and leave; another takes its place."""
    settings = read_settings(config)
    with_store(settings, lambda _, store: order_drain(store, worker))
    console.print(translator(settings.language)("drain-left", worker=worker), markup=False)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier backup to bring up to date.")],
    config: ConfigOption = None,
) -> None:
    """Copy database, pictures and key into FOLDER while the bot runs."""
    settings = read_settings(config)
    with explained(settings):
        write_backup(settings, folder, console, translator_for(settings))


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(help="The folder that `easel backup` wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it can be restored.")] = False,
    config: ConfigOption = None,
) -> None:
    """Put a backup in the place of database, pictures and key; stop the bot first."""
    settings = read_settings(config)
    with explained(settings):
        read_backup(settings, backup, console, translator_for(settings), dry_run=dry_run)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check that the database is intact, and that quotas, jobs and ledger agree."""
    settings = read_settings(config)
    with explained(settings):
        if not show_check(settings, console, translator_for(settings)):
            raise typer.Exit(FAILED)


@app.command("new-key")
def new_key(config: ConfigOption = None) -> None:
    """Make another easel.db.key where it is lost for good; stop the bot first."""
    settings = read_settings(config)
    with explained(settings):
        make_key(settings, console, translator_for(settings))


@app.command()
def forget(
    member: owner.MemberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase a member with all their accounts, prompts and pictures, as /forget does."""
    settings = read_settings(config)
    if not yes and sys.stdin.isatty():
        typer.confirm(translator_for(settings)("upkeep-forget-question", member=member), abort=True)
    with_store(settings, lambda _, store: forget_member(console, store, member, translator_for(settings)))


@app.command()
def export(
    member: owner.MemberArgument,
    folder: Annotated[Path, typer.Argument(help="A new folder for data.json and the pictures.")],
    config: ConfigOption = None,
) -> None:
    """Write all that is kept of a member, to be handed to them."""
    settings = read_settings(config)
    with_store(
        settings, lambda _, store: export_member(console, store, member, folder, translator_for(settings))
    )


@app.command("admin-link")
def admin_link(config: ConfigOption = None) -> None:
    """Print a link to the owner's page of the running bot. It works once."""
    settings = read_settings(config)
    asker = Asker("console", getpass.getuser())
    card = with_store(
        settings,
        lambda _, store: owners.page_link(store, settings, asker, translator_for(settings)),
        create=True,
    )
    show_card(console, card)


def _with_terminal(config: Config, work: Callable[[Terminal], Coroutine[None, None, T]]) -> T:
    """The same, seen from this terminal."""
    user = user_name()
    return with_service(config, lambda service: work(Terminal(service, console, user=user, locale=locale())))
