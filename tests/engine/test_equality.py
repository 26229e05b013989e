"""The engine draws what diffusers' own pipeline draws, whoever else is drawing at the time."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from engine.build import engine_with
from engine.placement import resolve
from engine.request import DrawRequest, JobState
from engine.settings import EngineConfig, ModelSettings
from engine.shares import ShareTerms
from engine.worker.pipeline import PipelineModel

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

pytestmark = pytest.mark.model


def difference(one: Image.Image, other: Image.Image) -> int:
    """Largest pixel difference, of 255."""
    assert one.size == other.size
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())


def by_pipeline(model: PipelineModel, request: DrawRequest) -> Image.Image:
    picture: Image.Image = model.pipeline(
        request.prompt,
        height=request.height,
        width=request.width,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        negative_prompt=request.negative_prompt,
        generator=torch.Generator("cpu").manual_seed(request.seed),
    ).images[0]
    return picture


PLAIN = DrawRequest("an orange cat on a green meadow", 128, 128, steps=8, seed=7, job_id="plain")
GUIDED = DrawRequest(
    "一只可爱的橘色猫咪",
    64,
    96,
    steps=4,
    seed=2,
    guidance=3.0,
    negative_prompt="grey, " * 20,
    job_id="guided",
)
ODD = DrawRequest("a blue boat", 112, 80, steps=3, seed=1, job_id="odd")


LONG = DrawRequest("a cat and a dog, " * 200, 64, 64, steps=2, seed=4, job_id="long")


@pytest.mark.parametrize("request_", [PLAIN, GUIDED, ODD, LONG], ids=lambda r: r.job_id)
async def test_one_job_is_the_pipelines_picture(model: PipelineModel, request_: DrawRequest) -> None:
    async with engine_with(model) as engine:
        drawing = await engine.submit(request_).result()
        assert np.asarray(drawing.image).std() > 1, "an empty picture would equal anything"
        assert difference(drawing.image, by_pipeline(model, request_)) <= 1
        assert drawing.prompt_truncated == (request_ is LONG)


@pytest.mark.parametrize("threads", [1, 2])
async def test_jobs_drawn_together_are_each_as_alone(model: PipelineModel, threads: int) -> None:
    twin = dataclasses.replace(PLAIN, job_id="twin", seed=8, prompt="a red star", steps=5)
    requests = [PLAIN, GUIDED, ODD, twin]
    config = EngineConfig(max_active=4, step_threads=threads, result_cache_bytes=0)
    async with engine_with(model=model, config=config) as engine:
        alone = [(await engine.submit(request).result()).image for request in requests]
        tickets = [engine.submit(request) for request in requests]
        together = await asyncio.gather(*(ticket.result() for ticket in tickets))
    for before, after in zip(alone, together, strict=True):
        assert difference(before, after.image) <= 2


class Alone:
    """A tokenizer that minds being called by two threads at once, as the real one now and then does."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._inside = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        assert self._inside.acquire(blocking=False), "Already borrowed"
        try:
            threading.Event().wait(0.002)  # lets the other threads come in, if they can
            return self._tokenizer(*args, **kwargs)
        finally:
            self._inside.release()


def test_two_threads_may_encode_at_a_time(tiny_folder: Path) -> None:
    model = PipelineModel(resolve(ModelSettings(source=str(tiny_folder), device="cpu")))
    model.load()
    model.pipeline.tokenizer = Alone(model.pipeline.tokenizer)
    prompts = ["a cat", LONG.prompt]

    def encode(n: int) -> list[tuple[int, bool]]:
        return [(c.nbytes, c.truncated) for c in model.encode(prompts)]

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(encode, range(8)))
    assert all(one == seen[0] for one in seen)
    assert [truncated for _, truncated in seen[0]] == [False, True]


async def test_memory_that_runs_out_in_the_middle_changes_no_picture(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = PipelineModel(resolve(ModelSettings(source=str(tiny_folder), device="cpu")))
    twins = [dataclasses.replace(ODD, job_id=f"twin{n}", seed=n, steps=4 + n) for n in range(3)]
    requests = [*twins, GUIDED]
    config = EngineConfig(max_active=4, result_cache_bytes=0)
    async with engine_with(model=model, config=config) as engine:
        alone = [(await engine.submit(request).result()).image for request in requests]
        calls = itertools.count()

        def short_of_memory(_: object, given: tuple[Any, ...]) -> None:
            if len(given[0]) > 1 or next(calls) == 5:
                raise torch.OutOfMemoryError("CUDA out of memory.")

        with model.pipeline.transformer.register_forward_pre_hook(short_of_memory):
            tickets = [engine.submit(request) for request in requests]
            together = [await ticket.result() for ticket in tickets]
        assert engine.snapshot().out_of_memory >= 2
    for before, after in zip(alone, together, strict=True):
        assert difference(before, after.image) <= 2


def test_a_step_that_fails_half_way_leaves_every_canvas_as_it_was(
    tiny_folder: Path,
) -> None:
    """Between the two captions of a guided picture, say."""
    model = PipelineModel(resolve(ModelSettings(source=str(tiny_folder), device="cpu")))
    model.load()
    canvas = model.begin(GUIDED, model.encode([GUIDED.prompt, GUIDED.negative_prompt]), ())
    model.step([canvas])
    before = canvas.latents.clone()
    calls = itertools.count()

    def fail_at_the_second(*_: object) -> None:
        if next(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    model.pipeline.transformer.register_forward_pre_hook(fail_at_the_second)
    with pytest.raises(torch.OutOfMemoryError):
        model.step([canvas])
    assert canvas.step == 1
    assert torch.equal(canvas.latents, before)


async def test_a_paused_picture_is_as_one_never_paused(model: PipelineModel) -> None:
    tiers = {"free": ShareTerms(share=0.1), "paid": ShareTerms()}
    config = EngineConfig(tiers=tiers, max_active=1, result_cache_bytes=0)
    free = dataclasses.replace(PLAIN, job_id="free", tier="free", steps=6)
    async with engine_with(model=model, config=config) as engine:
        alone = (await engine.submit(free).result()).image
        ticket = engine.submit(free)
        states = []
        async for progress in ticket.updates():
            states.append(progress.state)
            if progress.state is JobState.RUNNING and JobState.PAUSED not in states:
                paid = dataclasses.replace(ODD, job_id=f"paid{len(states)}", tier="paid")
                engine.submit(paid)
        assert JobState.PAUSED in states
        assert difference(alone, (await ticket.result()).image) <= 1
