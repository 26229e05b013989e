"""Batches hold what they say: latents with their captions, of one size and one padded length."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from transformers import AutoTokenizer

from engine.settings import EMBEDDED_FOLDER
from training.batches import CAPTION_STEP, captions_of
from training.scenes import random_scene

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    loaded: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(
        EMBEDDED_FOLDER / "tokenizer", local_files_only=True
    )
    return loaded


@pytest.mark.parametrize("padded", [CAPTION_STEP, 2 * CAPTION_STEP])
def test_captions_are_padded_on_the_right(padded: int, tokenizer: PreTrainedTokenizerFast) -> None:
    rng = random.Random(3)
    ids, lengths = captions_of([random_scene(rng) for _ in range(20)], tokenizer, padded, rng)
    assert ids.shape == (20, padded)
    for row, length in zip(ids, lengths, strict=True):
        assert 0 < length <= padded
        assert (row[length:] == tokenizer.pad_token_id).all()
        assert (row[:length] != tokenizer.pad_token_id).all()
