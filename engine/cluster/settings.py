"""How the front treats its workers."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.cluster.autoscale import ScaleSettings


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Seconds, where not said otherwise."""

    scale: ScaleSettings = field(default_factory=ScaleSettings)
    health_every_s: float = 2.0
    health_timeout_s: float = 10.0
    """A worker that does not answer for so long is taken for hung, and left."""
    start_timeout_s: float = 900.0
    """Loading a model from a slow disk takes minutes."""
    attempts: int = 5
    """How often a job is drawn anew after its worker failed on it, before it counts as failed."""
    failures: int = 3
    """In a row, before a worker is set aside."""
    aside_s: float = 30.0
    """How long, the first time; it doubles each time the worker is tried in vain."""
    unmanned_alert_s: float = 30.0
    """How long jobs wait with no worker there before the owner hears of it."""
