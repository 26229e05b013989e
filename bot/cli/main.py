"""`easel`: the command line. Each command reads bot.toml, builds the parts it needs and runs them."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console

from bot.app import DATABASE, open_service, open_store
from bot.background.drains import order_drain
from bot.cli import keys, vouchers
from bot.cli.cost import PlanOptions, StatsOptions, run_calibration, show_plan, show_stats
from bot.cli.database import export as export_member
from bot.cli.database import forget as forget_member
from bot.cli.database import make_key, read_backup, show_check, write_backup
from bot.cli.doctor.report import run_doctor
from bot.cli.files import check_folder, check_out
from bot.cli.init.wizard import Here, run_init
from bot.cli.interrupt import INTERRUPTED, interruptible
from bot.cli.selftest import run_selftest
from bot.cli.show import show_card
from bot.cli.terminal import Terminal
from bot.cli.words import WordsCommand, listing_options
from bot.commands import owners
from bot.config.credentials import Credentials, Redactor
from bot.config.file import ConfigError, load_config, serving_http
from bot.extras import DISTRIBUTION
from bot.faces.serving import configured_faces, serve_all
from bot.imagine.parse import parse_words
from bot.imagine.service import Asker
from bot.logs import set_up_logs
from bot.messages import UserError, best_language, say, translator
from engine.request import EngineError, ModelLost
from storage.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.store import Store

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
key_app = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API. Works while the bot runs.")
app.add_typer(key_app, name="key")
voucher_app = typer.Typer(no_args_is_help=True, help="Vouchers for what is sold. Works while the bot runs.")
app.add_typer(voucher_app, name="voucher")
console = Console()
errors = Console(stderr=True)

FAILED, BAD_CONFIG = 1, 2
DEFAULT_CONFIG = Path("bot.toml")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="EASEL_CONFIG", help="The settings file; by default ./bot.toml, if there is one."
    ),
]


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
    t = translator(best_language(_locale()))
    if not sys.stdin.isatty():
        errors.print(t("init-terminal"), markup=False)
        raise typer.Exit(FAILED)
    try:
        written = run_init(console, Here(Path(), Credentials().platforms, _locale()))
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
    settings = _bot_toml(config)
    if not _run(settings, lambda: run_doctor(console, settings, Credentials.readable(), online=online)):
        raise typer.Exit(FAILED)


@app.command(cls=WordsCommand)
@listing_options
def imagine(
    prompt: Annotated[list[str], typer.Argument(help="What to draw, with or without quotes.")],
    out: Annotated[Path, typer.Option(help="The PNG file to write.")] = Path("easel.png"),
    config: ConfigOption = None,
) -> None:
    """Draw a picture into a file."""
    settings = _settings(config)
    with _explained(settings):
        options = parse_words(prompt)
        check_out(out)
    drawn = _with_terminal(settings, lambda terminal: terminal.imagine(options, out))
    if not drawn:
        raise typer.Exit(FAILED)


@app.command()
def chat(
    folder: Annotated[Path, typer.Option(help="Where to write the pictures.")] = Path("pictures"),
    config: ConfigOption = None,
) -> None:
    """Talk to the bot in this terminal; lines of a file or a pipe are drawn one after another."""
    settings = _settings(config)
    with _explained(settings):
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
    settings = _settings(config)
    if http is not None:
        with _explained(settings):
            settings = serving_http(settings, http)
    with _explained(settings):
        faces = configured_faces(settings, Credentials())
    if faces:
        _set_up_logs(settings)
        # A server that is told to leave has not failed.
        if not _with_service(settings, lambda service: serve_all(service, faces), interrupted=0):
            raise typer.Exit(FAILED)
        return
    console.print(_words(settings)("run-no-token"), markup=False)
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
    settings = _settings(config)
    options = StatsOptions(json, csv, chart)
    _with_store(settings, lambda config, store: show_stats(console, config, store, period, options))


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
    settings = _settings(config)
    options = PlanOptions(gpu, price, members, utilisation, measured, article, catalogue)
    with _explained(settings):
        show_plan(console, settings, options)


@app.command()
def calibrate(
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure only a few points; takes about a minute.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Measure this machine: memory by size, seconds by steps, images per hour by concurrent requests."""
    settings = _settings(config)
    _run(settings, lambda: run_calibration(console, settings, quick=quick))


@app.command()
def selftest(
    quick: Annotated[bool, typer.Option("--quick", help="Draw fewer and smaller pictures.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report goes, as this name with .md and .json.")] = Path(
        "selftest"
    ),
    config: ConfigOption = None,
) -> None:
    """Draw as the engine does, compare it with what the engine believes, and write a report."""
    settings = _bot_toml(config)
    if not _run(settings, lambda: run_selftest(console, settings, quick=quick, out=out)):
        raise typer.Exit(FAILED)


@app.command()
def drain(
    worker: Annotated[str, typer.Argument(help="Its name in `/stats gpu`, such as worker-1.")],
    config: ConfigOption = None,
) -> None:
    """Let a worker of the running bot finish its pictures and leave; another takes its place."""
    settings = _settings(config)
    _with_store(settings, lambda _, store: order_drain(store, worker))
    console.print(translator(settings.language)("drain-left", worker=worker), markup=False)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an earlier backup to bring up to date.")],
    config: ConfigOption = None,
) -> None:
    """Copy database, pictures and key into FOLDER while the bot runs."""
    settings = _settings(config)
    with _explained(settings):
        write_backup(settings, folder, console, _words(settings))


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(help="The folder that `easel backup` wrote.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether it can be restored.")] = False,
    config: ConfigOption = None,
) -> None:
    """Put a backup in the place of database, pictures and key; stop the bot first."""
    settings = _settings(config)
    with _explained(settings):
        read_backup(settings, backup, console, _words(settings), dry_run=dry_run)


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check that the database is intact, and that quotas, jobs and ledger agree."""
    settings = _settings(config)
    with _explained(settings):
        if not show_check(settings, console, _words(settings)):
            raise typer.Exit(FAILED)


@app.command("new-key")
def new_key(config: ConfigOption = None) -> None:
    """Make another easel.db.key where it is lost for good; stop the bot first."""
    settings = _settings(config)
    with _explained(settings):
        make_key(settings, console, _words(settings))


MemberArgument = Annotated[
    str, typer.Argument(help="discord:ID or telegram:ID, an account's id, or a member key.")
]


@app.command()
def forget(
    member: MemberArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Erase a member with all their accounts, prompts and pictures, as /forget does."""
    settings = _settings(config)
    if not yes and sys.stdin.isatty():
        typer.confirm(_words(settings)("upkeep-forget-question", member=member), abort=True)
    _with_store(settings, lambda _, store: forget_member(console, store, member, _words(settings)))


@app.command()
def export(
    member: MemberArgument,
    folder: Annotated[Path, typer.Argument(help="A new folder for data.json and the pictures.")],
    config: ConfigOption = None,
) -> None:
    """Write all that is kept of a member, to be handed to them."""
    settings = _settings(config)
    _with_store(settings, lambda _, store: export_member(console, store, member, folder, _words(settings)))


@app.command("admin-link")
def admin_link(config: ConfigOption = None) -> None:
    """Print a link to the owner's page of the running bot. It works once."""
    settings = _settings(config)
    asker = Asker("console", getpass.getuser())
    card = _with_store(
        settings, lambda _, store: owners.page_link(store, settings, asker, _words(settings)), create=True
    )
    show_card(console, card)


@key_app.command("create")
def create_key(
    label: Annotated[str, typer.Argument(help="A name for it.")],
    tier: Annotated[str, typer.Option(help="The tier its images are drawn and billed by.")] = "enterprise",
    scope: Annotated[list[str] | None, typer.Option(help="images or usage; both by default.")] = None,
    expires: Annotated[str | None, typer.Option(help="Its last valid day, such as 2026-12-31.")] = None,
    cap: Annotated[str | None, typer.Option(help="The most its images may cost per month.")] = None,
    config: ConfigOption = None,
) -> None:
    """Create a key and print it, this once."""
    terms = keys.KeyTerms(label, tier, tuple(scope or keys.SCOPES), expires, cap)
    _with_store(
        _settings(config),
        lambda settings, store: keys.create(console, errors, settings, store, terms),
        create=True,
    )


@key_app.command("list")
def list_keys(config: ConfigOption = None) -> None:
    """List all keys, without their secrets."""
    _with_store(_settings(config), lambda settings, store: keys.show(console, settings, store))


@key_app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The first part of the key, as `easel key list` shows it.")],
    why: Annotated[str, typer.Option(help="The reason, for the records.")] = "",
    forget: Annotated[bool, typer.Option("--forget", help="Erase its prompts and pictures, too.")] = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a key for good."""
    _with_store(
        _settings(config),
        lambda settings, store: keys.revoke(console, settings, store, prefix, why, forget=forget),
    )


@voucher_app.command("create")
def create_vouchers(
    offer: Annotated[str, typer.Option(help="What each code brings: a name under [offers] in bot.toml.")],
    count: Annotated[int, typer.Option(help="How many codes.")] = 1,
    config: ConfigOption = None,
) -> None:
    """Print one-time codes, this once."""
    _with_store(
        _settings(config), lambda settings, store: vouchers.create(console, settings, store, offer, count)
    )


def _settings(path: Path | None) -> Config:
    """The same as `_bot_toml`; a `.env` that cannot be read is told, too, whether it is needed or not."""
    config = _bot_toml(path)
    with _explained(config):
        Credentials()
    return config


def _bot_toml(path: Path | None) -> Config:
    """Read bot.toml and set up logs, or say what is wrong with it and leave with status 2."""
    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    try:
        config = load_config(path)
    except ConfigError as error:
        for line in error.lines:
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(BAD_CONFIG) from None
    _set_up_logs(config, at_terminal=True)
    return config


def _set_up_logs(config: Config, *, at_terminal: bool = False) -> None:
    """At a terminal people read answers, not logs: there only warnings show, unless the level is debug."""
    level = "warning" if at_terminal and config.log_level == "info" else config.log_level
    as_json = None if config.log_format == "auto" else config.log_format == "json"
    redactor = Redactor(Credentials.readable().values())
    set_up_logs(level, redactor, json=as_json, prompts=config.log_prompts)


def _with_store(
    config: Config, work: Callable[[Config, Store], Coroutine[None, None, T]], *, create: bool = False
) -> T:
    """Do some work on the database, whether the bot runs or not; with `create`, also before it ever ran."""

    async def errand() -> T:
        database = config.storage.folder / DATABASE
        new = create and not await asyncio.to_thread(database.exists)
        async with open_store(config, serving=False, create=create) as store:
            if new:
                errors.print(
                    _words(config)("database-created", file=str(database)), markup=False, soft_wrap=True
                )
            return await work(config, store)

    return _run(config, errand)


def _with_service(
    config: Config, work: Callable[[Service], Coroutine[None, None, T]], *, interrupted: int = INTERRUPTED
) -> T:
    """Open the whole bot, hand it to `work`, and take everything down again."""

    async def session() -> T:
        services = contextlib.AsyncExitStack()
        with console.status(_words(config)("loading-model", model=config.model.path)):
            service = await services.enter_async_context(open_service(config))
        async with services:
            return await work(service)

    return _run(config, session, interrupted=interrupted)


def _with_terminal(config: Config, work: Callable[[Terminal], Coroutine[None, None, T]]) -> T:
    """The same, seen from this terminal."""
    user = _user()
    return _with_service(
        config, lambda service: work(Terminal(service, console, user=user, locale=_locale()))
    )


def _words(config: Config) -> Translator:
    """In the language of this terminal, else of bot.toml."""
    return translator(best_language(_locale(), config.language))


def _user() -> str:
    """The user's name; in a container there may be only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _locale() -> str | None:
    """What this terminal says about its user's language."""
    return os.environ.get("LC_ALL") or os.environ.get("LANG")


def _run(
    config: Config, work: Callable[[], Coroutine[None, None, T]], *, interrupted: int = INTERRUPTED
) -> T:
    """Run `work`; Ctrl-C and SIGTERM cancel it, so that everything is taken down in order.

    `interrupted`: the status then.
    """
    with _explained(config):
        try:
            return asyncio.run(interruptible(work, farewell=_words(config)("ended-at-once")))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(interrupted) from None


@contextlib.contextmanager
def _explained(config: Config) -> Iterator[None]:
    """Print known errors as one sentence. The exit status is 2 for bot.toml, else 1."""
    try:
        yield
    except UserError as error:
        console.print(_words(config)(error.message), markup=False)
    except ConfigError as error:
        errors.print(*error.lines, sep="\n", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(BAD_CONFIG) from None
    except ModelLost as error:
        logging.getLogger(__name__).debug("model lost", exc_info=error)
        told = say("error-model", model=config.model.path, reason=str(error))
        errors.print(_words(config)(told), markup=False, highlight=False, soft_wrap=True)
    except (StorageError, EngineError) as error:
        errors.print(str(error), markup=False, soft_wrap=True)
    else:
        return
    raise typer.Exit(FAILED)
