"""What an owner does to the data now and then, from a backup to a link to their page."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from bot.background.drains import order_drain
from bot.cli.database import export as export_member
from bot.cli.database import forget as forget_member
from bot.cli.database import make_key, read_backup, show_check, write_backup
from bot.cli.running import (
    FAILED,
    ConfigOption,
    MemberArgument,
    console,
    explained,
    read_settings,
    translator_for,
    user_name,
    with_store,
)
from bot.cli.show import show_card
from bot.commands import owners
from bot.imagine.asker import Asker

app = typer.Typer()


@app.command()
def drain(
    worker: Annotated[str, typer.Argument(help="Its name in `/stats gpu`, such as worker-1.")],
    config: ConfigOption = None,
) -> None:
    """Let a worker of the running bot finish its pictures and leave; another takes its place."""
    settings = read_settings(config)
    with_store(settings, lambda _, store: order_drain(store, worker))
    console.print(translator_for(settings)("drain-left", worker=worker), markup=False)


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
    member: MemberArgument,
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
    member: MemberArgument,
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
    with explained(settings):
        owners.require_page(settings)
    asker = Asker("console", user_name())
    card = with_store(
        settings,
        lambda _, store: owners.page_link(store, settings, asker, translator_for(settings)),
        create=True,
    )
    show_card(console, card)
