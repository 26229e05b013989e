"""The cards of the article, as `article.toml` has them: what it measured with a model of about 5 GB."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bot.config.section import MICRO

ARTICLE = Path(__file__).parent / "article.toml"


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


def load_article() -> dict[str, Gpu]:
    """The article's cards by name."""
    table = tomllib.loads(ARTICLE.read_text("utf-8"), parse_float=Decimal)
    workload = Workload(_mb(table["workload"]["resident_gb"]), _mb(table["workload"]["peak_gb"]))
    return {
        name: Gpu(
            name=name,
            memory_mb=_mb(card["memory_gb"]),
            rent_micro=int(card["price_an_hour"] * MICRO),
            throughput=tuple((count, Decimal(images)) for count, images in card["throughput"]),
            workload=workload,
        )
        for name, card in table["gpus"].items()
    }


def _mb(gb: Decimal | int) -> int:
    return int(gb * 1000)
