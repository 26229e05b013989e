"""What Z-Image is asked to draw together, and what one of its pictures weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.families.registry import families
from engine.families.zimage import FAMILY, padded
from engine.request import DrawRequest

if TYPE_CHECKING:
    from pathlib import Path

    from engine.families.model import Canvas
    from engine.worker.pipeline import PipelineModel

SHORT, ALIKE, LONG = "a cat", "a small cat", "a cat, a dog, " * 20


def test_it_is_found_by_its_pipeline() -> None:
    assert families()["ZImagePipeline"] == FAMILY


def test_guidance_reads_the_negative_prompt() -> None:
    plain = DrawRequest("a cat", 64, 64, 4, seed=1, negative_prompt="grey", job_id="a")
    assert FAMILY.plan(plain).texts == ("a cat",)
    guided = FAMILY.plan(
        DrawRequest("a cat", 64, 64, 4, seed=1, guidance=2.0, negative_prompt="grey", job_id="a")
    )
    assert guided.texts == ("a cat", "grey")
    assert guided.need.captions == 2


@pytest.fixture
def loaded(model: PipelineModel, tiny_folder: Path) -> PipelineModel:
    model.load()
    return model


def canvas(model: PipelineModel, *texts: str, side: int = 64, steps: int = 4) -> Canvas:
    return model.begin(DrawRequest(texts[0], side, side, steps, seed=1, job_id="a"), model.encode(texts), ())


@pytest.mark.model
def test_equal_sizes_and_padded_captions_share_a_forward(loaded: PipelineModel) -> None:
    plain = canvas(loaded, SHORT)
    assert canvas(loaded, ALIKE, steps=9).key == plain.key, "whatever the steps"
    assert canvas(loaded, LONG).key != plain.key
    assert canvas(loaded, SHORT, side=128).key != plain.key
    assert canvas(loaded, SHORT, ALIKE).key == plain.key, "both captions are as long as the plain one's"
    assert canvas(loaded, SHORT, LONG).key not in (plain.key, canvas(loaded, LONG).key)


@pytest.mark.model
def test_a_picture_weighs_as_many_tokens_as_the_transformer_reads(loaded: PipelineModel) -> None:
    plain = canvas(loaded, SHORT)
    assert plain.tokens > padded((64 // 16) ** 2)
    assert canvas(loaded, SHORT, SHORT).tokens == 2 * plain.tokens
    assert [padded(count) for count in (1, 32, 33, 512)] == [32, 32, 64, 512]
