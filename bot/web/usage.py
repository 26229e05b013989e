"""GET /v1/usage: what a key's images came to, day by day, and what is left of its month."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from bot.imagine.service import Service
from bot.messages import say
from bot.web.caller import Authenticator, KeyHolder
from bot.web.errors import failed
from storage.clock import from_us, utc_us
from storage.records.members import DayUse, KeyScope


class Day(BaseModel):
    """What ended on one day, midnight to midnight in the server's time zone."""

    date: dt.date
    images: Annotated[int, Field(description="Delivered and charged.")]
    gpu_s: Annotated[float, Field(description="Of everything drawn, what was not charged included.")]
    amount_micro: Annotated[int, Field(description="The price of those images, in millionths of `currency`.")]


class Allowance(BaseModel):
    """What the key may still ask for this month; null is no limit."""

    tier: str
    used: int
    reserved: int
    left: int | None
    slow: Annotated[bool, Field(description="Whether the key goes on slowly once nothing is left.")]
    slow_left: Annotated[int, Field(description="Images that may be drawn slowly this month.")]
    spending_cap_micro: int | None
    resets_at: dt.datetime


class Usage(BaseModel):
    """A period's days, their sums, and the month's allowance."""

    object: Literal["usage"] = "usage"
    start: dt.datetime
    end: dt.datetime
    currency: str
    images: int
    gpu_s: float
    amount_micro: int
    days: list[Day]
    month: Allowance


class Asked(BaseModel):
    """The query. A name that is not known is refused: the wrong month's figures would be believed."""

    model_config = ConfigDict(extra="forbid")

    period: Annotated[str, Field(max_length=20, description="today, 7d, month or YYYY-MM.")] = "month"


def router(service: Service, authenticator: Authenticator) -> APIRouter:
    """The route, over `service`."""
    routes = APIRouter(prefix="/v1/usage", tags=["usage"])
    store = service.store

    @routes.get("", summary="Images, GPU time and amount by day")
    async def usage(
        caller: Annotated[KeyHolder, Depends(authenticator.needs(KeyScope.USAGE))],
        asked: Annotated[Asked, Query()],
    ) -> Usage:
        period = asked.period
        try:
            span = store.calendar.period(period, utc_us())
        except ValueError:
            allowed = "today, 7d, month, YYYY-MM"
            raise failed(say("api-choice", param="period", found=period, allowed=allowed)) from None
        days = [_day(day) for day in await store.ledger.use_by_day(caller.key.member, span)]
        quota = await service.members.quota(caller.asker)
        return Usage(
            start=from_us(span.start_us),
            end=from_us(span.end_us),
            currency=store.currency,
            images=sum(day.images for day in days),
            gpu_s=sum(day.gpu_s for day in days),
            amount_micro=sum(day.amount_micro for day in days),
            days=days,
            month=Allowance(
                tier=quota.tier,
                used=quota.used,
                reserved=quota.reserved,
                left=quota.left,
                slow=quota.slow,
                slow_left=quota.slow_left,
                spending_cap_micro=caller.key.spend_cap_micro,
                resets_at=quota.resets_at,
            ),
        )

    return routes


def _day(use: DayUse) -> Day:
    year, rest = divmod(use.day, 10_000)
    date = dt.date(year, *divmod(rest, 100))
    return Day(date=date, images=use.images, gpu_s=use.gpu_us / 1e6, amount_micro=use.price_micro)
