"""The dashboard and the alert rules in deploy/ ask only for what the page has; each alert has its advice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from bot.metrics import readings
from bot.metrics.counting import Counting
from bot.metrics.health import Health
from engine.worker.telemetry import GpuSample
from storage.records.figures import Tally
from storage.records.sales import Income
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
PANELS = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text("utf-8"))["panels"]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


@pytest.fixture
async def page(tmp_path: Path) -> dict[str, set[str]]:
    """Every series the page can have, with its labels: on a GPU that tells all, after a first picture."""
    gpu = GpuSample(0.0, "gpu", 1, 1, 1, 1, 1, 1, 1.0, others=())
    async with easel(config_in(tmp_path)) as service:
        families = [
            *Counting().registry.collect(),
            *readings.engine(service.models.default.backend.snapshot(), service.config.tiers),
            *readings.gpus({"gpu": gpu}),
            *readings.ledger({("free", "discord", "embedded"): Tally()}, "CNY"),
            *readings.kinds({"text": Tally()}),
            *readings.sales([Income("pack", "telegram", "XTR", 1, 1, 1, 1, 0, 0)], "CNY"),
            *readings.rent(service.pricing.rate(), "CNY"),
            *readings.readiness(await Health(service).readiness()),
            *readings.disk(1, 1),
        ]
    told = {
        "easel_queue_wait_seconds": {"tier"},
        "easel_alerts": {"cause"},
        "easel_http_requests": {"method", "route", "status"},
        "easel_http_request_seconds": {"route"},
    }  # labels that show only once something happened
    return {
        family.name + suffix: {
            *told.get(family.name, ()),
            *(label for sample in family.samples for label in sample.labels),
            *(["le"] if suffix == "_bucket" else []),
        }
        for family in families
        for suffix in SUFFIXES[family.type]
    }


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in RULES)
    yield from (target["expr"] for panel in PANELS for target in panel["targets"])


async def test_what_is_asked_for_exists(page: dict[str, set[str]]) -> None:
    for expression in expressions():
        names = set(re.findall(r"\beasel_\w+", expression))
        assert names <= set(page), f"no such series: {names - set(page)}"
        asked = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", expression))
        for group in re.findall(r"(?:by|ignoring)\s*\(([^)]*)\)", expression):
            asked |= {label.strip() for label in group.split(",")}
        assert asked <= {"job"}.union(*(page[name] for name in names)), expression


async def test_a_legend_names_labels_that_are_there(page: dict[str, set[str]]) -> None:
    for target in (target for panel in PANELS for target in panel["targets"]):
        known = set().union(*(page[name] for name in re.findall(r"\beasel_\w+", target["expr"])))
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= known, target


def test_each_alert_is_explained() -> None:
    explained = (ROOT / "docs/operations.md").read_text("utf-8")
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names))
    assert [name for name in names if f"### {name}\n" not in explained] == []


def test_prometheus_reads_the_rules_that_are_there() -> None:
    settings = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    assert settings["rule_files"] == ["alerts.yml"]
    (job,) = settings["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("easel", "/metrics")


def test_panels_do_not_lie_on_each_other() -> None:
    cells = [
        (x, y)
        for panel in PANELS
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
