"""`easel`: the command line. A command's module is imported when the command is given: most need little."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from bot.extras import DISTRIBUTION
from engine.libraries import importing

COMMANDS = {
    "init": "setup",
    "doctor": "setup",
    "imagine": "draw",
    "chat": "draw",
    "run": "draw",
    "loras": "loras",
    "stats": "stats",
    "plan": "plan",
    "selftest": "plan",
    "calibrate": "plan",
    "key": "keys",
    "voucher": "vouchers",
    "models": "models",
    "tier": "owner",
    "grant": "owner",
    "ban": "owner",
    "unban": "owner",
    "pause": "owner",
    "resume": "owner",
    "admin-link": "upkeep",
    "drain": "upkeep",
    "backup": "upkeep",
    "restore": "upkeep",
    "check": "upkeep",
    "export": "upkeep",
    "forget": "upkeep",
    "new-key": "upkeep",
}
"""Every command, in the order of the help, and its module in bot.cli."""


class Commands(TyperGroup):
    """Finds a command in its module, whose `app` holds it, or is it where that has commands of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)  # names alone, for "Did you mean"

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        with importing():
            module = import_module(f".{COMMANDS[cmd_name]}", __package__)
        group = get_group(module.app)
        group.name = cmd_name
        return group.commands.get(cmd_name, group)


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Entry point of the `easel` command."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import, and seldom needed

        typer.echo(f"Easel {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def _about(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A self-hosted image bot for Discord, Telegram, an HTTP API and this terminal."""
