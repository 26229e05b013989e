"""What every section of bot.toml is made of: the base class, and the types that several of them use."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MICRO = 1_000_000
"""Micro-units in one unit of the currency: all money inside the program is an integer of these."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Language(StrEnum):
    EN = "en"
    ZH_CN = "zh-CN"


LONGEST = dt.timedelta(days=366)


def _duration(found: Any) -> Any:
    if isinstance(found, dt.timedelta):
        return found
    written = re.fullmatch(r"(\d+(?:\.\d+)?) ?([smh]?)", str(found))
    if written is None:
        raise ValueError('must be seconds, or a time such as "30s", "5m" or "1h"')
    seconds = float(written[1]) * {"m": 60, "h": 3600}.get(written[2], 1)
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"must be at most {LONGEST.days * 24}h")
    return dt.timedelta(seconds=seconds)


def _some_time(duration: dt.timedelta) -> dt.timedelta:
    if not duration:
        raise ValueError("must be longer than 0")
    return duration


Duration = Annotated[dt.timedelta, BeforeValidator(_duration)]
PositiveDuration = Annotated[Duration, AfterValidator(_some_time)]
Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
Edge = Annotated[int, Field(ge=64, le=4096, multiple_of=16)]
