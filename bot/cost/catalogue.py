"""The cards one can plan with: `gpus.toml` here, and the owner's own file of the same form over it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.config.file import ConfigError
from bot.config.section import MICRO
from engine.families.registry import load_profile

SHIPPED = Path(__file__).parent / "gpus.toml"


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card. Its speed is `throughput` where that was measured, else a published one, else `tflops`
    at the share of them that the card `like` reaches.
    """

    name: str
    memory_gb: Decimal | None = None
    rent_micro: int | None = None
    """Rent an hour, in micro-units; None: the owner's own."""
    throughput: tuple[tuple[int, Decimal], ...] = ()
    """What was measured: (requests at once, images an hour), rising."""
    tflops: Decimal = Decimal(0)
    like: Card | None = None


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Gpu(_Section):
    memory_gb: Annotated[Decimal, Field(gt=0, le=100_000)]
    price_an_hour: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)] | None = None
    throughput: list[tuple[Annotated[int, Field(ge=1)], Annotated[Decimal, Field(gt=0)]]] = []
    tflops: Annotated[Decimal, Field(gt=0, le=1_000_000)] | None = None
    like: str | None = None

    @model_validator(mode="after")
    def _some_speed(self) -> _Gpu:
        if not self.throughput and self.tflops is None:
            raise ValueError("must have throughput, or tflops and like")
        return self


class _File(_Section):
    profile: str = ""
    gpus: dict[str, _Gpu] = {}


def planned_model() -> str:
    """The profile that holds the published speeds: what is planned with it."""
    return _read(SHIPPED).profile


def load_catalogue(own: Path | None = None) -> dict[str, Card]:
    """The shipped cards and, over them, those of the owner's file. Raises `ConfigError`."""
    model, shipped = planned_model(), _read(SHIPPED).gpus
    published = {
        name: _card(name, gpu, None)
        for name, gpu in shipped.items()
        if load_profile(model, name).known_device
    }
    cards: dict[str, Card] = {}
    for path, gpus in ((SHIPPED, shipped), *([(own, _read(own).gpus)] if own is not None else [])):
        for name, gpu in gpus.items():
            estimated = not gpu.throughput and name not in published
            if estimated and gpu.like not in published:
                known = ", ".join(published)
                raise ConfigError([f"{path}: gpus.{name}.like: found {gpu.like!r}; must be one of: {known}"])
            cards[name] = _card(name, gpu, published[gpu.like or ""] if estimated else None)
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


def _card(name: str, gpu: _Gpu, like: Card | None) -> Card:
    return Card(
        name=name,
        memory_gb=gpu.memory_gb,
        rent_micro=None if gpu.price_an_hour is None else int(gpu.price_an_hour * MICRO),
        throughput=tuple(sorted(gpu.throughput)),
        tflops=gpu.tflops or Decimal(0),
        like=like,
    )
