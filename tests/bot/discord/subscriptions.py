"""What simcord does not play: subscriptions, as Discord lists them and tells of their billing periods."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import discord
from simcord.http.router import RequestContext, route

if TYPE_CHECKING:
    import simcord

MONTH_LASTS = dt.timedelta(days=31)


class Subscription:
    """One that is billed by the month. The newest is the one that Discord lists."""

    newest: Subscription | None = None

    def __init__(self, env: simcord.Env, entitlement: Any) -> None:
        bought = entitlement.snapshot()
        self.user, self._sku, self._entitlement = bought.user_id, bought.sku_id, bought.id
        self._id = discord.utils.time_snowflake(dt.datetime.now(dt.UTC))
        self._env, self._months = env, 0
        Subscription.newest = self

    def update(self, *, months: int, told: bool = True) -> None:
        """So many months after its begin."""
        self._months = months
        if told:
            self._env.backend.emit("SUBSCRIPTION_UPDATE", self.payload())

    def payload(self) -> dict[str, Any]:
        """As Discord sends it."""
        begun = dt.datetime.now(dt.UTC) + self._months * MONTH_LASTS
        return {
            "id": str(self._id),
            "user_id": str(self.user),
            "sku_ids": [str(self._sku)],
            "entitlement_ids": [str(self._entitlement)],
            "renewal_sku_ids": None,
            "current_period_start": begun.isoformat(),
            "current_period_end": (begun + MONTH_LASTS).isoformat(),
            "status": 0,
            "canceled_at": None,
        }


@route("GET", "/skus/{sku_id}/subscriptions")
def list_subscriptions(ctx: RequestContext) -> Any:
    """A user's subscriptions."""
    newest = Subscription.newest
    return [newest.payload()] if newest is not None and int(ctx.params["user_id"]) == newest.user else []
