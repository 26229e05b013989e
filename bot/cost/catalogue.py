"""The cards one can plan with: `gpus.toml` here, and the owner's own file of the same form over it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.config.file import ConfigError
from bot.config.schema import MICRO

SHIPPED = Path(__file__).parent / "gpus.toml"


@dataclass(frozen=True, slots=True)
class Workload:
    """The memory of one kind of request: the weights alone, and with one request being drawn."""

    resident_mb: int
    peak_mb: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """A card. `throughput` holds what was measured: (requests at once, images an hour), rising."""

    name: str
    memory_mb: int
    rent_micro: int
    """Rent an hour, in micro-units."""
    throughput: tuple[tuple[int, Decimal], ...]
    workload: Workload


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Workload(_Section):
    resident_gb: Annotated[Decimal, Field(gt=0, le=10_000)]
    peak_gb: Annotated[Decimal, Field(gt=0, le=10_000)]


class _Gpu(_Section):
    memory_gb: Annotated[Decimal, Field(gt=0, le=100_000)]
    price_an_hour: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
    throughput: Annotated[
        list[tuple[Annotated[int, Field(ge=1)], Annotated[Decimal, Field(gt=0)]]], Field(min_length=1)
    ]
    workload: _Workload | None = None


class _File(_Section):
    workload: _Workload | None = None
    gpus: dict[str, _Gpu] = {}


def load_catalogue(own: Path | None = None) -> dict[str, Gpu]:
    """The shipped cards and, over them, those of the owner's file. Raises `ConfigError`."""
    shipped = _read(SHIPPED)
    assert shipped.workload is not None
    cards = _cards(shipped, shipped.workload)
    if own is not None:
        mine = _read(own)
        cards |= _cards(mine, mine.workload or shipped.workload)
    return cards


def _read(path: Path) -> _File:
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
        return _File.model_validate(table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    except ValidationError as error:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        raise ConfigError([f"{path}: {key}: {what}" for key, what in faults]) from error


def _cards(file: _File, workload: _Workload) -> dict[str, Gpu]:
    return {
        name: Gpu(
            name=name,
            memory_mb=_mb(card.memory_gb),
            rent_micro=int(card.price_an_hour * MICRO),
            throughput=tuple(sorted(card.throughput)),
            workload=_workload(card.workload or workload),
        )
        for name, card in file.gpus.items()
    }


def _workload(section: _Workload) -> Workload:
    return Workload(resident_mb=_mb(section.resident_gb), peak_mb=_mb(section.peak_gb))


def _mb(gb: Decimal) -> int:
    return int(gb * 1000)
