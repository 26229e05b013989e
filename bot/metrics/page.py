"""The page that Prometheus reads: what was counted, and what is read for it."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import structlog
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector

from bot.imagine.engine_terms import slow_tier
from bot.metrics import readings
from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from bot.imagine.service import Service
    from bot.metrics.counting import Counting
    from bot.metrics.health import Health
    from storage.records.figures import Tally
    from storage.records.sales import Income

log = structlog.get_logger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0


class MetricsPage:
    """Writes the page; while the store cannot be read, the ledger's totals stay as they were."""

    def __init__(self, service: Service, counting: Counting, health: Health) -> None:
        self._service = service
        self._health = health
        self._counting = counting
        self._totals: dict[tuple[str, str, str], Tally] = {}
        self._kinds: dict[str, Tally] = {}
        self._income: list[Income] = []

    async def render(self) -> bytes:
        """The page in Prometheus' text format."""
        service = self._service
        try:
            self._totals = await service.store.stats.totals()
            self._kinds = await service.store.stats.totals_by_kind()
            self._income = await service.store.sales.income()
        except StoreUnavailable as error:
            log.warning("metrics.no_ledger", reason=str(error))
        checks = await self._health.readiness()
        usage = await asyncio.to_thread(shutil.disk_usage, service.config.storage.folder)
        currency, tiers = service.pricing.currency, service.config.tiers
        slow = (slow_tier(name) for name, tier in tiers.items() if tier.slow_images_a_month)
        metrics = [
            *self._counting.registry.collect(),
            *readings.engine(service.models.default.backend.snapshot(), (*tiers, *slow)),
            *readings.ledger(self._totals, currency),
            *readings.kinds(self._kinds),
            *readings.sales(self._income, currency),
            *readings.rent(service.pricing.rate(), currency),
            *readings.readiness(checks),
            *readings.disk(usage.free, usage.total),
        ]
        return generate_latest(_Moment(metrics))


class _Moment(Collector):
    """Metrics of one moment, in the shape that prometheus-client writes out."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
