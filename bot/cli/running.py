"""What the commands share: read bot.toml, set up logs, open store or bot, and explain known errors."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console

from bot.cli.encoding import shows
from bot.cli.interrupt import INTERRUPTED, interruptible
from bot.config.credentials import Credentials, Redactor
from bot.config.file import ConfigError, load_config
from bot.folders import DATABASE, cannot_open, open_store
from bot.logs import set_up_logs
from bot.messages import LANGUAGES, UserError, best_language, say, translator
from engine.request import EngineError, ModelLost
from storage.errors import CannotOpen, StorageError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from bot.config.schema import Config
    from bot.messages import Translator
    from storage.store import Store

T = TypeVar("T")

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

MemberArgument = Annotated[
    str, typer.Argument(help="discord:ID or telegram:ID, an account's id, a key's label or #number.")
]


def read_settings(path: Path | None) -> Config:
    """`read_bot_toml`, which also refuses a `.env` that cannot be read, needed or not."""
    config = read_bot_toml(path)
    with explained(config):
        Credentials()
    return config


def read_bot_toml(path: Path | None) -> Config:
    """Read bot.toml and set up logs, or say what is wrong with it and leave with status 2."""
    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    try:
        config = load_config(path)
    except ConfigError as error:
        for line in error.lines:
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(BAD_CONFIG) from None
    set_up_logs_for(config, at_terminal=True)
    return config


def set_up_logs_for(config: Config, *, at_terminal: bool = False) -> None:
    """At a terminal people read answers, not logs: there only warnings show, unless the level is debug."""
    level = "warning" if at_terminal and config.log_level == "info" else config.log_level
    as_json = None if config.log_format == "auto" else config.log_format == "json"
    redactor = Redactor(Credentials.readable().values())
    set_up_logs(level, redactor, json=as_json, prompts=config.log_prompts)


def with_store(
    config: Config, work: Callable[[Config, Store], Coroutine[None, None, T]], *, create: bool = False
) -> T:
    """Do some work on the database, whether the bot runs or not; with `create`, also before it ever ran."""

    async def opened() -> T:
        database = config.storage.folder / DATABASE
        new = create and not await asyncio.to_thread(database.exists)
        async with open_store(config, serving=False, create=create) as store:
            if new:
                errors.print(
                    translator_for(config)("database-created", file=str(database)),
                    markup=False,
                    soft_wrap=True,
                )
            return await work(config, store)

    return run_work(config, opened)


def configured(config: Config, model: str | None) -> str:
    """A model's name in bot.toml; without one, the default's. Raises `UserError` where it is not there."""
    names = list(config.named_models)
    if model is not None and model not in names:
        allowed = ", ".join(name for name in names if name)
        raise UserError(
            say("error-choice", option="model", found=model, allowed=allowed)
            if allowed
            else say("model-only-one", found=model)
        )
    return names[0] if model is None else model


def translator_for(config: Config) -> Translator:
    """In the language of this terminal, else of bot.toml."""
    return translator(best_language(locale(), config.language))


def user_name() -> str:
    """The user's name; in a container there may be only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def locale() -> str | None:
    """What this terminal says about its user's language; English where it has no Chinese characters."""
    if not shows("中文"):
        return LANGUAGES[0]
    return os.environ.get("LC_ALL") or os.environ.get("LANG")


def run_work(
    config: Config, work: Callable[[], Coroutine[None, None, T]], *, interrupted: int = INTERRUPTED
) -> T:
    """Run `work`; Ctrl-C and SIGTERM cancel it, so that everything is taken down in order.

    `interrupted`: the status then.
    """
    with explained(config):
        try:
            return asyncio.run(interruptible(work, farewell=translator_for(config)("ended-at-once")))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(interrupted) from None


@contextlib.contextmanager
def explained(config: Config) -> Iterator[None]:
    """Print known errors as one sentence. The exit status is 2 for bot.toml, else 1."""
    try:
        yield
    except UserError as error:
        console.print(translator_for(config)(error.message), markup=False)
    except ConfigError as error:
        errors.print(*error.lines, sep="\n", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(BAD_CONFIG) from None
    except ModelLost as error:
        logging.getLogger(__name__).debug("model lost", exc_info=error)
        told = say("error-model", model=model_paths(config), reason=str(error))
        errors.print(translator_for(config)(told), markup=False, highlight=False, soft_wrap=True)
    except StoreUnavailable as error:
        told = say("alert-store", reason=str(error.reason), detail=error.detail)
        errors.print(translator_for(config)(told), markup=False, soft_wrap=True)
    except CannotOpen as error:
        errors.print(translator_for(config)(cannot_open(error)), markup=False, soft_wrap=True)
    except (StorageError, EngineError) as error:
        errors.print(str(error), markup=False, soft_wrap=True)
    else:
        return
    raise typer.Exit(FAILED)


def model_paths(config: Config) -> str:
    """The paths of all models that bot.toml names."""
    return ", ".join(model.path for model in config.named_models.values())
