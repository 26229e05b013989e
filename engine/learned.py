"""What this machine taught the engine, kept on disk: memory peaks by shape, seconds against the profile's."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

log = structlog.get_logger("engine")


@dataclass(frozen=True, slots=True)
class Learned:
    """Valid for one model on one device in one memory mode, which `key` names."""

    key: str
    peak_bytes: dict[str, int] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)


def load(path: Path, key: str) -> Learned:
    """What was learned under this key; empty where there is nothing, or nothing that can be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        learned = Learned(
            key=str(data["key"]),
            peak_bytes={str(shape): int(peak) for shape, peak in data["peak_bytes"].items()},
            factors={str(name): float(factor) for name, factor in data["factors"].items()},
        )
    except FileNotFoundError:
        return Learned(key)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("learned_unreadable", action="learned_unreadable", path=str(path), reason=str(error))
        return Learned(key)
    return learned if learned.key == key else Learned(key)


def save(path: Path, learned: Learned) -> None:
    """Replace the file as a whole: a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(learned), indent=1, sort_keys=True), encoding="utf-8")
    os.replace(fresh, path)
