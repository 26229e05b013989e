"""How the front treats its workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.fleet.autoscale import ScaleSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Seconds, where not said otherwise."""

    scale: ScaleSettings = field(default_factory=ScaleSettings)
    scale_every_s: float = 1.0
    """How often it is decided how many workers there should be."""
    health_every_s: float = 2.0
    health_timeout_s: float = 10.0
    """A worker that does not answer for so long is taken for hung, and left."""
    start_timeout_s: float = 900.0
    """Loading a model from a slow disk takes minutes; its download is not counted."""
    local: bool = False
    """One worker on this very machine: nothing starts before it can draw."""
    replaces: bool = True
    """A lost worker is replaced. Otherwise it was this very process, and a new one has to be started."""
    tries: int = 5
    """How often workers may fail on a job before it counts as failed."""
    attempts: int = 5
    """How often a job's worker may be lost before the job counts as what killed it."""
    failures: int = 3
    """On jobs in a row, before a worker is set aside and replaced."""
    aside_s: float = 30.0
    """How long, the first time; it doubles each time the worker is tried in vain."""
    unmanned_alert_s: float = 30.0
    """How long jobs wait with no worker there before the owner hears of it."""


@dataclass(frozen=True, slots=True)
class RaySettings:
    """Which Ray cluster, and what of it a worker gets."""

    address: str = "local"
    """local: a Ray of this machine, started and stopped with us; auto: the one that runs here; HOST:PORT."""
    gpus: float = 1.0
    """A worker's GPUs: 1, a part of one, or 0 to draw on CPUs."""
    cpus: float = 1.0
    """A worker's CPU cores; on CPUs, also the threads it draws with."""
    resources: Mapping[str, float] = field(default_factory=dict)
    """Ray's custom resources that a worker asks for, to be placed where they are."""
    object_store_bytes: int = 512 << 20
    """Of a Ray started here. Pictures pass through it; it lies in /dev/shm, which is small in a container."""
    look_every_s: float = 5.0
    """How often the head is looked at."""
    head_timeout_s: float = 30.0
    """A head that is gone for so long is left, and looked for anew."""
