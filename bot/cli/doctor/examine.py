"""Gathers the facts and judges them, one finding at a time."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import stat
import sys
import time
from typing import TYPE_CHECKING

import structlog

from bot.app import MB, model_settings
from bot.cli.database import broken, keys_trouble, ledgers_currency
from bot.cli.doctor import environment, machine, platforms
from bot.cli.doctor.finding import fine, problem, warning
from bot.cli.models import standings
from bot.cli.running import translator_for
from bot.config.credentials import ENV_FILE, env_trouble
from bot.extras import extra
from bot.faces.platforms import CHATS
from bot.folders import DATABASE, nearest, writable
from bot.imagine import control_networks, loras
from bot.messages import UserError, say
from engine import survey
from engine.weights import BadWeights
from storage.errors import AlreadyServing, StorageError
from storage.serving import Serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from pathlib import Path

    from bot.cli.doctor.finding import Finding
    from bot.cli.doctor.platforms import Reply
    from bot.config.credentials import Credentials
    from bot.config.schema import Config
    from engine.survey import Torch

log = structlog.get_logger(__name__)

LIBRARIES = {
    "discord": "discord",
    "telegram": "telegram",
    "api": "fastapi",
    "cluster": "ray",
    "openai": "openai",
    "gpu": "torchao",
    "lora": "peft",
    "upscale": "spandrel",
}
BACKENDS = {"ray": "cluster", "openai": "openai"}
"""The extra that a backend needs."""


def examine(
    config: Config, credentials: Credentials, *, torch: Callable[[], Torch] = survey.survey_torch
) -> Iterator[Finding]:
    """Every check that asks nobody outside. Whatever a check stumbles over is a finding too.

    `torch` tells of the one that is installed, which takes seconds.
    """
    running = _running(config)
    checks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: [machine.python(sys.version_info[:3])],
        lambda: _device(config, torch, running=running),
        lambda: _files(config),
        lambda: _loras(config),
        lambda: _controls(config),
        lambda: _database(config),
        lambda: [environment.clock(time.time(), _changed_s(config.storage.folder / DATABASE))],
        lambda: _tokens(config, credentials),
        lambda: _ports(config, running=running),
        lambda: environment.http(config.http),
    )
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # the report must reach its end, whatever one check stumbles over
            log.debug("check_failed", exc_info=True)
            reason = say("doctor-stumbled", reason=str(error) or type(error).__name__)
            yield problem(
                error.message if isinstance(error, UserError) else reason, say("doctor-stumbled-do")
            )


def _database(config: Config) -> Iterator[Finding]:
    findings = broken(config)
    yield environment.database(findings)
    if not findings:
        yield from environment.key(keys_trouble(config.storage.folder))
        yield from environment.currency(ledgers_currency(config.storage.folder), config.currency)


async def examine_online(config: Config, credentials: Credentials) -> AsyncIterator[Finding]:
    """What each platform says of its token, and of our clock."""
    for name, token in sorted(credentials.tokens.items()):
        if not _installed(name):
            continue  # said already
        told: Reply = await CHATS[name].probe()(token, config)
        yield platforms.reply(name, told)
        if told.ours_less_theirs_s is not None:
            yield environment.skew(CHATS[name].label, told.ours_less_theirs_s)


def _device(config: Config, look: Callable[[], Torch], *, running: bool) -> Iterator[Finding]:
    if not _draws_here(config):
        yield fine(say("doctor-elsewhere", backend=config.engine.backend))
        return
    torch, card = look(), survey.survey_card()
    yield machine.torch(torch)
    yield machine.card(card, torch, config.model.device, [one.path for one in config.named_models.values()])
    if len(config.named_models) > 1:
        for told, good in standings(config, card, translator_for(config)):
            yield fine(told) if good else problem(told, say("doctor-models-do"))
    elif torch.version is not None:
        yield from machine.memory(survey.survey_fitting(model_settings(config)), card, running=running)


def _draws_here(config: Config) -> bool:
    """Whether this machine draws, be it through a cluster of its own."""
    backend = config.engine.backend
    return backend == "local" or (backend == "ray" and config.ray.address == "local")


def _files(config: Config) -> Iterator[Finding]:
    if _draws_here(config):
        free_bytes = _free_bytes(survey.hub_cache())
        for name, model in config.named_models.items():
            settings = model_settings(config, name)
            download_bytes = survey.survey_download(settings)
            yield machine.model(survey.survey_model(settings), model.path, free_bytes, download_bytes)
    yield environment.env_file(ENV_FILE, _mode(ENV_FILE), env_trouble(ENV_FILE))
    folder = config.storage.folder
    usable, mode = writable(folder), _mode(folder) if os.path.isdir(folder) else None
    yield environment.data_folder(folder, mode, writable=usable)
    if usable:
        pictures = sum(file.stat().st_size for file in (folder / "images").rglob("*") if file.is_file())
        yield machine.disk(str(folder), _free_bytes(folder), config.storage.keep_images_mb * MB - pictures)


def _loras(config: Config) -> Iterator[Finding]:
    for name, found in loras.examined(config).items():
        if isinstance(found, BadWeights):
            yield warning(loras.flaw(name, found), say("doctor-lora-do"))
        else:
            yield fine(say("doctor-lora", lora=name))


def _controls(config: Config) -> Iterator[Finding]:
    for name in config.named_models:
        if (told := control_networks.standing(config, name)) is not None:
            sentence, good = told
            yield fine(sentence) if good else warning(sentence, say("doctor-control-do"))


def _tokens(config: Config, credentials: Credentials) -> Iterator[Finding]:
    if not credentials.platforms and not config.http.enabled:
        yield platforms.no_token()
    for name in sorted({*credentials.platforms, *_extras(config)}):
        yield from platforms.library(name, installed=_installed(name))
    for name, token in credentials.tokens.items():
        bot_id = CHATS[name].bot_id(token)
        yield platforms.shape(name, bot_id, _invite(bot_id) if name == "discord" else "")


def _extras(config: Config) -> Iterator[str]:
    """The package's extras that bot.toml turns on."""
    if config.http.enabled:
        yield "api"
    if config.loras:
        yield "lora"
    if config.model.upscaler is not None:
        yield "upscale"
    if (needed := BACKENDS.get(config.engine.backend)) is not None:
        yield needed


def _ports(config: Config, *, running: bool) -> Iterator[Finding]:
    telegram, http = config.telegram, config.http
    wanted = []
    if telegram.webhook_url:
        wanted.append(("telegram.webhook_port", telegram.webhook_listen, telegram.webhook_port))
    if http.enabled:
        wanted.append(("http.port", http.listen, http.port))
    for setting, host, number in wanted:
        yield environment.port(setting, f"{host}:{number}", _trouble_at(host, number), running=running)


def _invite(application: int | None) -> str:
    """Empty where there is no application, or nobody to make the link."""
    if application is None:
        return ""
    with contextlib.suppress(UserError), extra("discord"):
        from bot.discord.invite import invite_link

        return invite_link(application)
    return ""


def _running(config: Config) -> bool:
    """Whether a bot serves this database now."""
    database = config.storage.folder / DATABASE
    if not os.path.exists(database):
        return False
    try:
        Serving(database).release()
    except AlreadyServing:
        return True
    except StorageError:
        return False
    return False


def _installed(name: str) -> bool:
    return importlib.util.find_spec(LIBRARIES[name]) is not None


def _trouble_at(host: str, number: int) -> str | None:
    """Why nobody can listen there; None where one can."""
    try:
        socket.create_server(
            (host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(nearest(path)).free


def _mode(path: Path) -> int | None:
    return stat.S_IMODE(path.stat().st_mode) if os.path.exists(path) else None


def _changed_s(path: Path) -> float | None:
    return path.stat().st_mtime if os.path.exists(path) else None
