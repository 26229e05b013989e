"""What a supervisor, a load balancer and Prometheus see; Prometheus' page through its own parser."""

from __future__ import annotations

import contextlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.folders import DATABASE
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.metrics.health import Health
from engine.worker.watchdog import Alert, Cause
from tests.bot.web.conftest import Stage, config_for
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.web.conftest import Site

pytestmark = pytest.mark.e2e

ANNA = Asker("discord", "1")


async def draw(site: Site, key: str, **options: str) -> None:
    """A request from its acceptance until the platform has the picture."""
    live = await site.service.imagine(ANNA, Options("a cat", **options), key=key, address={})
    await live.outcome()
    await site.service.delivered(live, "a message")


async def samples(site: Site) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The live page, by name and labels."""
    async with site.http() as http:
        answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    families = list(text_string_to_metric_families(answer.text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


async def test_after_a_request_the_page_agrees_with_the_ledger(site: Site) -> None:
    await draw(site, "1", steps="4")
    await draw(site, "2", images="2", steps="4")
    rows = await site.service.store.ledger.rows()
    page = await samples(site)
    who = {"tier": "free", "platform": "discord", "model": "embedded"}
    assert page["easel_images_total", labels(**who)] == len(rows) == 3
    gpu_s = sum(row.gpu_us for row in rows) / 1e6
    assert page["easel_gpu_seconds_total", labels(**who)] == pytest.approx(gpu_s)
    cost = sum(row.cost_micro for row in rows) / 1e6
    assert page["easel_cost_total", labels(**who, currency="CNY")] == pytest.approx(cost)
    assert page["easel_queue_wait_seconds_count", labels(tier="free")] == 3
    assert page["easel_decode_seconds_count", labels()] == 3
    steps = page["easel_step_seconds_count", labels()]
    assert 8 <= steps <= 12  # two that go together share their steps
    assert page["easel_device_seconds_total", labels(use="busy")] == pytest.approx(gpu_s, abs=1e-5)


async def test_totals_survive_a_restart(stage: Stage) -> None:
    async with stage.site() as site:
        await draw(site, "1")
    async with stage.site() as site:
        page = await samples(site)
        assert page["easel_images_total", labels(tier="free", platform="discord", model="embedded")] == 1
        assert page["easel_decode_seconds_count", labels()] == 0


async def test_the_queue_is_told_by_tier(site: Site) -> None:
    site.service.models.default.backend.pause_admission()
    await site.service.imagine(ANNA, Options("a cat", images="2"), key="1", address={})
    page = await samples(site)
    assert page["easel_queue_depth", labels(tier="free")] == 2
    assert page["easel_queue_depth", labels(tier="premium")] == 0
    assert page["easel_queue_oldest_wait_seconds", labels(tier="free")] > 0
    assert page["easel_active_jobs", labels()] == 0
    assert page["easel_admission_paused", labels()] == 1


async def test_what_goes_wrong_is_counted(site: Site) -> None:
    site.model.fail = [RuntimeError("CUDA out of memory")]
    site.counting.on_alert(Alert(Cause.THERMAL_THROTTLING, "hot", 0.0))
    live = await site.service.imagine(ANNA, Options("a cat"), key="1", address={})
    await live.outcome()
    await site.service.undeliverable(live, "blocked", members_doing=True)
    page = await samples(site)
    assert page["easel_alerts_total", labels(cause="thermal_throttling")] == 1
    who = labels(tier="free", platform="discord", model="embedded")
    lost = page["easel_delivery_failures_total", who] + page["easel_jobs_failed_total", who]
    assert lost == 1


async def test_requests_are_counted_by_route_not_by_path(site: Site) -> None:
    text, _ = await site.key()
    async with site.http(text) as http:
        await http.get("/v1/models/embedded")
        await http.get("/v1/models/secret")
        await http.get("/nothing/here")
        await http.request("BREW", "/healthz")
    page = await samples(site)
    route = "/v1/models/{model:path}"
    assert page["easel_http_requests_total", labels(method="GET", route=route, status="200")] == 1
    assert page["easel_http_requests_total", labels(method="GET", route=route, status="404")] == 1
    assert page["easel_http_requests_total", labels(method="GET", route="other", status="404")] == 1
    assert page["easel_http_request_seconds_count", labels(route=route)] == 2
    assert not any("secret" in str(key) or "BREW" in str(key) for key in page)


async def test_without_a_store_the_page_stays(stage: Stage) -> None:
    async with stage.site(health=partial(Health, look_every_s=0.0)) as site:
        await draw(site, "1")
        before = await samples(site)
        await site.service.store.close()
        page = await samples(site)
    who = labels(tier="free", platform="discord", model="embedded")
    assert page["easel_images_total", who] == before["easel_images_total", who] == 1
    assert page["easel_ready", labels(check="database")] == 0
    assert page["easel_ready", labels(check="model")] == 1


@pytest.mark.parametrize(
    "http",
    [{"public_url": "https://x.example"}, {"trusted_proxies": ["10.0.0.1"]}, {"listen": "0.0.0.0"}],
    ids=lambda http: next(iter(http)),
)
async def test_the_page_is_not_for_the_world(stage: Stage, tmp_path: Path, http: dict[str, object]) -> None:
    async with stage.site(config_for(tmp_path, **http)) as site, site.http() as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/healthz")).status_code == 200


async def test_with_a_token_it_must_be_shown(stage: Stage) -> None:
    async with stage.site(metrics_token="a long word") as site:
        for shown, status in ((None, 401), ("wrong", 401), ("é", 401), ("a long word", 200)):
            async with site.http() as http:
                header = {} if shown is None else {"authorization": f"Bearer {shown}".encode()}
                assert (await http.get("/metrics", headers=header)).status_code == status


async def test_ready_until_it_drains(site: Site) -> None:
    async with site.http() as http:
        answer = await http.get("/readyz")
        assert answer.status_code == 200
        assert answer.json() == {
            "ready": True,
            "checks": {"model": "ok", "database": "ok", "queue": "ok", "serving": "ok"},
        }
        await site.service.models.default.backend.stop(0.0)
        answer = await http.get("/readyz")
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert (checks["serving"], checks["model"], checks["queue"]) == ("draining", "not_loaded", "ok")
        assert (await http.get("/healthz")).json()["status"] == "ok"


async def test_not_ready_with_a_full_queue_or_a_store_that_cannot_write(stage: Stage) -> None:
    """Another program holds the database."""
    full = config_in(stage.folder, http={"enabled": True, "port": 0}, engine={"max_waiting": 2})
    hasty = partial(Health, patience_s=0.01)
    async with stage.site(full, health=hasty) as site, site.http() as http:
        site.service.models.default.backend.pause_admission()
        await site.service.imagine(ANNA, Options("a cat", images="2"), key="1", address={})
        with contextlib.closing(sqlite3.connect(full.storage.folder / DATABASE)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = await http.get("/readyz")
        assert answer.status_code == 503
        checks = answer.json()["checks"]
        assert (checks["queue"], checks["database"], checks["model"]) == ("full", "slow", "ok")
