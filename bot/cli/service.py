"""Starts the whole bot, with its model, for a command."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

from bot.app import open_service
from bot.cli.interrupt import INTERRUPTED
from bot.cli.running import console, model_paths, run_work, translator_for

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.alerts import Alerts
    from bot.config.schema import Config
    from bot.imagine.service import Service
    from bot.metrics.counting import Counting

T = TypeVar("T")


def with_service(
    config: Config,
    work: Callable[[Service], Coroutine[None, None, T]],
    *,
    interrupted: int = INTERRUPTED,
    alerts: Alerts | None = None,
    counting: Counting | None = None,
    begin: bool = True,
) -> T:
    """Open the whole bot, hand it to `work`, and take everything down again."""

    async def session() -> T:
        services = contextlib.AsyncExitStack()
        with console.status(translator_for(config)("loading-model", model=model_paths(config))):
            opened = open_service(config, alerts=alerts, counting=counting, begin=begin)
            service = await services.enter_async_context(opened)
        async with services:
            return await work(service)

    return run_work(config, session, interrupted=interrupted)
