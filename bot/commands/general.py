"""The commands all faces share, each answered with a `Card` that a face lays out its own way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot import render
from bot.config.schema import Config
from bot.cost.chart import chart_png
from bot.cost.report import cost_report
from bot.cost.report_text import facts, title
from bot.imagine.options import OPTIONS, about
from bot.render import Card as Card
from storage.records import CancelledBy

if TYPE_CHECKING:
    from bot.imagine.service import Asker, Service
    from bot.messages import Translator
    from storage.store import Store


async def quota(service: Service, asker: Asker, t: Translator) -> Card:
    """What the asker has used and has left this month."""
    member = await service.member(asker)
    state = await service.store.members.quota(member.key, tier=asker.tier)
    tier = service.config.tiers[state.tier]
    return Card(t("quota-title"), tuple(render.quota_facts(state, tier, service.pricing.currency, t)))


async def cancel(service: Service, asker: Asker, t: Translator) -> Card:
    """Cancel everything the asker has waiting or running."""
    member = await service.member(asker)
    cancelled = [
        await service.cancel(live.request_id, member, by=CancelledBy.MEMBER)
        for live in service.waiting(member.key)
    ]
    return Card(t("cancel-asked") if any(cancelled) else t("cancel-nothing"))


async def stats(store: Store, period: str, t: Translator, config: Config | None = None) -> Card:
    """Cost and speed of a period: `today`, `7d`, `month` or `2026-11`. For owners; the face checks that."""
    report = await cost_report(store, config or Config(), period)
    return Card(title(report, t), tuple(facts(report, t)))


async def stats_chart(store: Store, period: str, t: Translator, config: Config) -> bytes:
    """The same report as a PNG that a phone can show. For owners; the face checks that."""
    report = await cost_report(store, config, period)
    return await asyncio.to_thread(chart_png, report, config, t)


def help_text(service: Service, t: Translator, more: str) -> Card:
    """How to ask where options are typed, with the values there are; then what a face adds."""
    model, styles = service.models.default.capabilities, service.config.styles
    width = max(len(option.shown) for option in OPTIONS)
    lines = [f"  --{option.shown:<{width}}  {about(option, model, styles, t)}" for option in OPTIONS]
    return Card("Easel", text="\n".join([t("help-imagine"), *lines, "", more]))
