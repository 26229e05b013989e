"""The HTTP face on a loopback port, over a real service; people come with OpenAI's own client."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bot.alerts import Alerts
from bot.metrics.counting import Counting
from bot.metrics.health import Health
from bot.web import listen, serve
from bot.web.delivery import Delivery
from storage.clock import utc_us
from tests.easel import FieldModel, config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from openai import AsyncOpenAI

    from bot.config.schema import Config
    from bot.imagine.service import Service
    from storage.records.members import ApiKey

ALL = frozenset({"images", "usage"})
NO_ROOTS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def config_for(folder: Path, **http: Any) -> Config:
    """The defaults with the API on, at any free port."""
    return config_in(folder, http={"enabled": True, "port": 0, **http})


@dataclass
class Site:
    """A running server, and how to reach it."""

    service: Service
    model: FieldModel
    url: str
    delivery: Delivery
    alerts: Alerts
    counting: Counting

    async def key(self, tier: str = "enterprise", **terms: Any) -> tuple[str, ApiKey]:
        """A new key's text, and what the store knows of it."""
        terms.setdefault("scopes", ALL)
        return await self.service.store.keys.create("test", tier=tier, by="test", **terms)

    async def settled(self) -> None:
        """Wait until every connection is over and what followed is written down."""
        async with asyncio.timeout(PATIENCE_S):
            await self.delivery.settled()

    def client(self, key: str, **options: Any) -> AsyncOpenAI:
        """OpenAI's client; by default it tries nothing twice."""
        from openai import AsyncOpenAI  # slow to import: not for those who only look at a page

        options.setdefault("max_retries", 0)
        return AsyncOpenAI(api_key=key, base_url=f"{self.url}/v1", **options)

    def http(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A bare client."""
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=PATIENCE_S, trust_env=False, verify=NO_ROOTS
        )


@dataclass
class Stage:
    """Opens sites, one after the other, on one database."""

    folder: Path
    model: FieldModel = field(default_factory=FieldModel)

    @contextlib.asynccontextmanager
    async def site(
        self,
        config: Config | None = None,
        *,
        clock: Callable[[], int] = utc_us,
        health: Callable[[Service], Health] = Health,
        **options: Any,
    ) -> AsyncIterator[Site]:
        """A bot whose only face is the API. `clock` is the store's, `options` are those of `serve`."""
        config = config or config_for(self.folder)
        alerts, counting = Alerts(), Counting()
        async with easel(config, self.model, clock=clock, counting=counting) as service:
            door, delivery = listen(config.http), Delivery(service)
            port = door.getsockname()[1]
            serving = asyncio.create_task(
                serve(
                    service,
                    config,
                    door,
                    delivery=delivery,
                    health=health(service),
                    alerts=alerts,
                    counting=counting,
                    **options,
                )
            )
            try:
                yield Site(service, self.model, f"http://127.0.0.1:{port}", delivery, alerts, counting)
            finally:
                self.model.gate.set()
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
async def site(stage: Stage) -> AsyncIterator[Site]:
    async with stage.site() as site:
        yield site
