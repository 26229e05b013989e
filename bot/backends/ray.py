"""Builds the engine backend for `backend = "ray"`: a front whose workers are Ray actors."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.extras import extra
from engine.build import build_worker
from engine.families.recognise import recognise
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.settings import FleetSettings, RaySettings
from engine.front import Front
from engine.inputs import nothing_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.config.schema import Config
    from engine.events import Observer
    from engine.families.profile import Profile
    from engine.inputs import Reader
    from engine.settings import EngineConfig, ModelSettings


def ray_backend(
    config: Config,
    models: Sequence[ModelSettings],
    terms: EngineConfig,
    observers: Sequence[Observer],
    read: Reader = nothing_kept,
) -> Front:
    """A front before a fleet of actors. Raises UserError where Ray is not installed."""
    with extra("cluster"):
        from engine.fleet.ray_fleet import RayFleet
    section = config.ray
    low, high = section.range
    scale = ScaleSettings(low, high, section.work.total_seconds(), section.cool_down.total_seconds())
    on_cpu = section.gpus == 0
    models = [
        replace(
            model,
            device="cpu" if on_cpu else model.device,
            threads=max(1, round(section.cpus)) if on_cpu else None,
            device_part=min(1.0, section.gpus) if not on_cpu else 1.0,
        )
        for model in models
    ]
    told = [_told(model) for model in models]
    first, *others = (
        replace(one, name=model.name or one.name) for one, model in zip(told, models, strict=True)
    )
    # What was drawn before is kept here, in front, and what a worker learns is its own machine's.
    theirs = replace(terms, result_cache_bytes=0, learned_path=None)
    place = RaySettings(section.address, section.gpus, section.cpus, section.resources)
    return Front(
        fleet=RayFleet(place, partial(build_worker, models, theirs), scaling=low < high),
        profile=first,
        others=others,
        config=terms,
        settings=FleetSettings(scale=scale, health_timeout_s=section.hung_after.total_seconds()),
        observers=observers,
        read=read,
    )


def _told(model: ModelSettings) -> Profile:
    """What is known of a model here, where it is not loaded."""
    profile = recognise(model.source, model.revision, elsewhere=True)
    return profile.controlled(model.control) if model.control is not None else profile
