"""The composition root: builds the parts from bot.toml, joins them, and takes them down again."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING

from bot.alerts import Alerts
from bot.backends.openai import server_backend
from bot.backends.ray import ray_backend
from bot.background.drains import Drains
from bot.background.housekeeping import Housekeeper
from bot.background.metering import MeterWriter
from bot.background.owner_changes import OwnerChanges
from bot.background.reconciler import Reconciler
from bot.background.samples import SAMPLES_TIER, LoraSamples
from bot.config.credentials import Credentials
from bot.config.file import ConfigError
from bot.config.money import Billing
from bot.cost.calibration import profile_path
from bot.cost.watch import CostWatch
from bot.folders import open_store
from bot.imagine.control_networks import usable
from bot.imagine.engine_terms import slow_tier
from bot.imagine.loras import Loras, files_for
from bot.imagine.models import find_models, offered_models
from bot.imagine.pricing import Pricing
from bot.imagine.service import Service
from bot.metrics.counting import Counting
from bot.metrics.lag import LoopLag
from bot.sales.shop import Shop
from engine.build import build_engine
from engine.families.recognise import recognise
from engine.inputs import nothing_kept
from engine.settings import BadSetting, EngineConfig, ModelSettings, Reach
from engine.shares import ShareTerms
from engine.worker.watchdog import WatchdogSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from bot.background.task import BackgroundTask
    from bot.config.schema import Config
    from engine.events import Observer
    from engine.front import Front
    from engine.inputs import Reader

LEARNED = "learned.json"
MB = 1 << 20
SLOW_AN_HOUR = 1.5
"""Slow images of a tier beside others, on average. With less there are hours without one."""


def tier_terms(config: Config) -> dict[str, ShareTerms]:
    """The tiers as the queue sees them: a free tier keeps to its share while anyone who pays waits.

    What a tier has beyond its allowance is drawn when nobody else waits, and otherwise at least once an hour.
    """
    tiers: dict[str, ShareTerms] = {}
    for name, tier in config.tiers.items():
        share = config.engine.free_share if tier.billing is Billing.NONE else None
        tiers[name] = ShareTerms(weight=tier.weight, share=share, max_waiting_per_flow=tier.max_waiting)
        if tier.slow_images_a_month:
            tiers[slow_tier(name)] = ShareTerms(
                jobs_an_hour=SLOW_AN_HOUR, max_waiting_per_flow=tier.max_waiting
            )
    return tiers


def engine_config(config: Config) -> EngineConfig:
    """bot.toml's [engine] in the engine's own terms."""
    section = config.engine
    return EngineConfig(
        tiers=tier_terms(config) | {SAMPLES_TIER: ShareTerms(jobs_an_hour=SLOW_AN_HOUR)},
        max_active=section.max_active,
        max_waiting=section.max_waiting,
        switch_after_s=section.switch_after.total_seconds(),
        watchdog=WatchdogSettings(
            keep_warm_every_s=section.keep_warm_every.total_seconds(),
            deadline_floor_s=section.step_timeout.total_seconds(),
        ),
        learned_path=config.storage.folder / LEARNED,
        embedding_cache_bytes=section.embedding_cache_mb * MB,
        result_cache_bytes=section.result_cache_mb * MB,
    )


def model_settings(config: Config, name: str | None = None) -> ModelSettings:
    """A model of bot.toml in the engine's own terms; the default where none is named."""
    section, budget_mb = config.model, config.engine.memory_budget_mb
    if name is None:
        name = next(iter(config.named_models))
    model = config.named_models[name]
    largest_px = max(tier.max_size for tier in config.tiers.values())
    with contextlib.suppress(BadSetting):  # it is not here, or not known: whoever loads it will tell
        largest_px = min(largest_px, math.isqrt(recognise(model.path, model.revision).max_pixels))
    return ModelSettings(
        name=name,
        largest_px=largest_px,
        source=model.path,
        revision=model.revision,
        device=section.device,
        dtype=section.dtype,
        memory_mode=section.memory_mode,
        memory_budget_bytes=budget_mb * MB if budget_mb else None,
        attention=section.attention,
        compile_blocks=section.compile,
        quantisation=model.quantisation or section.quantisation,
        tile_above_px=section.vae_tiling_above_px,
        measured_profile=profile_path(config, name),
        adapters=files_for(config, name),
        control=usable(config, name),
        upscaler=section.upscaler,
    )


def _all_models(config: Config) -> list[ModelSettings]:
    """Those that can be drawn with, the default first; where none can, loading the default tells why."""
    models = []
    for name, model in config.named_models.items():
        with contextlib.suppress(BadSetting):
            recognise(model.path, model.revision)
            models.append(model_settings(config, name))
    return models or [model_settings(config)]


def build_backend(config: Config, observers: Sequence[Observer] = (), read: Reader = nothing_kept) -> Front:
    """Whoever draws, as bot.toml says. `read` gives the files of pictures that requests come with.

    Raises UserError where an extra is missing.
    """
    terms, models = engine_config(config), _all_models(config)
    if config.engine.backend == "openai":
        return server_backend(config, terms, Credentials(), observers)
    if config.engine.backend == "ray":
        return ray_backend(config, models, terms, observers, read)
    return build_engine(models, terms, reach=Reach(config.engine.worker), observers=observers, read=read)


@contextlib.asynccontextmanager
async def open_service(
    config: Config,
    build: Callable[[Config, Sequence[Observer], Reader], Front] = build_backend,
    *,
    alerts: Alerts | None = None,
    counting: Counting | None = None,
    begin: bool = True,
) -> AsyncIterator[Service]:
    """Start store, engine and service in that order, and stop them in the other. `build` makes the engine.

    `alerts` and `counting` hear of what happens meanwhile; whoever serves shows them. Without `begin` the
    service draws nothing before it is told to.
    """
    alerts, counting = alerts or Alerts(), counting or Counting()
    async with (
        open_store(config, on_trouble=alerts.store_trouble) as store,
        contextlib.AsyncExitStack() as running,
    ):
        try:
            found = await asyncio.to_thread(find_models, config, download=True)
            read = store.pictures.get_input
            loras = await asyncio.to_thread(Loras, config)
            observers = (alerts, counting, loras)
            engine = await asyncio.to_thread(build, config, observers, read)  # may import torch
            await engine.start()
        except BadSetting as bad:
            raise ConfigError([f"bot.toml: model.{bad}"]) from bad
        for problem in (*found.problems.values(), *found.networks.values()):
            alerts.at_start(problem)
        service = Service(
            config=config,
            models=offered_models(found, config, engine),
            store=store,
            pricing=Pricing(config),
            shop=Shop(config, store, alerts),
            loras=loras,
        )
        background = _background(service, engine, alerts, counting)
        for part in background:
            running.push_async_callback(part.stop)
        running.push_async_callback(service.stop)  # the last is stopped first, but after the engine
        running.push_async_callback(engine.stop, config.engine.drain_timeout.total_seconds())
        await service.start(begin=begin)
        for part in background:
            part.start()
        yield service


def _background(
    service: Service, engine: Front, alerts: Alerts, counting: Counting
) -> tuple[BackgroundTask, ...]:
    """What runs besides the drawing, in the order in which it starts."""
    config, store = service.config, service.store
    return (
        MeterWriter(engine, store),
        Housekeeper(store, config.storage),
        CostWatch(store, config, alerts),
        LoopLag(counting.loop_lag),
        Reconciler(service.shop),
        OwnerChanges(service),
        LoraSamples(service),
        *([Drains(engine, store)] if config.engine.backend != "local" else []),
    )
