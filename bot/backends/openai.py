"""Builds the engine backend for `backend = "openai"`: a front whose workers are the servers of [openai]."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.extras import extra
from engine.families.recognise import recognise
from engine.families.registry import load_profile
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.fleet import FixedFleet
from engine.fleet.settings import FleetSettings
from engine.front import Front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.config.credentials import Credentials
    from bot.config.schema import Config
    from engine.events import Observer
    from engine.settings import EngineConfig

GOLDEN = "golden.png"
SETTINGS = FleetSettings(health_every_s=5.0)


def server_backend(
    config: Config, terms: EngineConfig, credentials: Credentials, observers: Sequence[Observer]
) -> Front:
    """A front before them. Raises UserError where the client is not installed."""
    with extra("openai"):
        from engine.fleet.golden import Golden
        from engine.fleet.openai_worker import OpenAIWorker, Server
    section = config.openai
    (named,) = config.named_models.values()
    model = section.model or named.path
    profile = recognise(named.path, named.revision, elsewhere=True)
    golden = Golden(config.storage.folder / GOLDEN, model, profile, tolerance=section.golden_tolerance)
    workers = [
        OpenAIWorker(
            Server(
                name=server.known_as,
                url=server.url,
                gpu=server.gpu,
                at_once=server.at_once,
                api_key=credentials.openai_key(server.known_as),
            ),
            model=model,
            profile=load_profile(profile.name, server.gpu),
            golden=golden,
            timeout_s=section.timeout.total_seconds(),
        )
        for server in section.servers
    ]
    count = len(workers)
    return Front(
        fleet=FixedFleet(workers),
        profile=replace(profile, takes_pictures=False),
        config=terms,
        settings=replace(SETTINGS, scale=ScaleSettings(min_workers=count, max_workers=count)),
        observers=observers,
    )
