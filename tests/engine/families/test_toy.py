"""A second family is one file: it is found by its folder, and drawn beside Z-Image by one front."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.build import build_worker, engine_with
from engine.families.registry import families
from engine.fleet.autoscale import ScaleSettings
from engine.fleet.fleet import FixedFleet
from engine.fleet.settings import FleetSettings
from engine.front import Front
from engine.placement import resolve
from engine.request import DrawRequest, Undrawable
from engine.settings import EngineConfig, ModelSettings
from tests.engine.families import toy
from tests.engine.studio import same, until
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from PIL import Image

pytestmark = pytest.mark.model

KNOWN = {**families(), toy.FAMILY.pipeline: toy.FAMILY}
TOY = DrawRequest("a cat", 50, 70, steps=3, seed=1, guidance=4.0, model="toy", job_id="toy")


@pytest.fixture
def toy_folder(tmp_path: Path) -> Path:
    return toy.write(tmp_path)


@pytest.fixture
async def front(tiny_folder: Path, toy_folder: Path) -> AsyncIterator[Front]:
    workers = [
        build_worker(ModelSettings(str(folder), device="cpu"), EngineConfig(), folder.name, known=KNOWN)
        for folder in (tiny_folder, toy_folder)
    ]
    settings = FleetSettings(scale=ScaleSettings(min_workers=2, max_workers=2))
    async with Front(fleet=FixedFleet(workers), settings=settings) as front, asyncio.timeout(PATIENCE_S):
        await until(lambda: len(front.snapshot().workers) == len(workers))
        yield front


async def alone(folder: Path, request: DrawRequest) -> Image.Image:
    """The same picture by an engine of one model."""
    placement = resolve(ModelSettings(str(folder), device="cpu"), known=KNOWN)
    async with engine_with(placement.family.load(placement)) as engine:
        return (await engine.submit(request).result()).image


async def test_each_model_draws_what_is_its_own(front: Front, tiny_folder: Path, toy_folder: Path) -> None:
    names = {worker.name for worker in front.snapshot().workers}
    assert len(names) == 2
    real = DrawRequest("a cat", 64, 64, steps=2, seed=1, model="tiny", job_id="real")
    tickets = [front.submit(real), front.submit(TOY)]
    drawn = [await ticket.result() for ticket in tickets]
    assert {drawing.usage.worker for drawing in drawn} == names
    assert [drawing.image.size for drawing in drawn] == [(64, 64), (50, 70)]
    assert same(drawn[0].image, await alone(tiny_folder, real))
    assert same(drawn[1].image, await alone(toy_folder, TOY))
    assert tickets[1].progress().steps == 6, "as many as this family really runs"


async def test_each_has_sizes_of_its_own(front: Front) -> None:
    with pytest.raises(Undrawable, match="64x64"):
        front.submit(DrawRequest("a cat", 64, 64, steps=1, seed=1, model="toy", job_id="a"))
    with pytest.raises(Undrawable, match="50x50"):
        front.submit(DrawRequest("a cat", 50, 50, steps=1, seed=1, model="tiny", job_id="b"))
    with pytest.raises(Undrawable, match="nobody"):
        front.submit(DrawRequest("a cat", 64, 64, steps=1, seed=1, model="nobody", job_id="c"))


async def test_it_says_what_shares_a_forward(toy_folder: Path) -> None:
    placement = resolve(ModelSettings(str(toy_folder), device="cpu"), known=KNOWN)
    model = toy.ToyModel(placement)
    async with engine_with(model, EngineConfig(max_active=4)) as engine:
        requests = [
            replace(TOY, job_id=f"{width}-{guidance}", width=width, guidance=guidance)
            for width, guidance in ((50, 4.0), (90, 4.0), (50, 1.0))
        ]
        await asyncio.gather(*(engine.submit(request).result() for request in requests))
    assert max(model.forwards) == 2, "of other widths and one guidance, and never of two"
    assert np.any(np.array(model.forwards) == 1)
