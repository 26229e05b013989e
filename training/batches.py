"""Batches for the transformer: one picture size and one padded caption length, so no mask is needed."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from training.art import Art
from training.captions import caption
from training.scenes import Scene, cover

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from training.latents import Shelf

CAPTION_STEP = 32  # the transformer pads captions to a multiple of this
LARGE_SHARE = 0.3  # of the steps draw more than 128x128 pixels
DROPOUT = 0.06  # share of captions that are empty
PAIR_RETRY = 0.35  # chance that a scene of one thing is given back for another, which may hold two
TOKENS = 6144  # of a whole batch, pictures and captions together


@dataclass(frozen=True)
class Batch:
    """Latents (batch, 16, h, w), ids (batch, 32 times n) padded right, their true lengths, the scenes.

    `objects` (batch, 1, h, w) says how much of each latent pixel an object covers, from 0 to 1.
    """

    latents: Tensor
    ids: Tensor
    lengths: Tensor
    scenes: Sequence[Scene]
    objects: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch with its tensors on a device."""
        tensors = {name: getattr(self, name).to(device) for name in ("latents", "ids", "lengths", "objects")}
        return replace(self, **tensors)


class Batches(IterableDataset[Batch]):
    """Random batches from the shelves of encoded scenes, without end."""

    def __init__(self, shelves: list[Shelf], tokenizer: Any, seed: int, tokens: int = TOKENS) -> None:
        """Read from `shelves`, of which the first holds the pictures of 128x128."""
        self._shelves, self._tokenizer, self._art = shelves, tokenizer, Art()
        self._seed, self._tokens = seed, tokens

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches; each process of a loader draws others."""
        worker = get_worker_info()
        rng = random.Random(self._seed + (worker.id if worker else 0))
        while True:
            yield self._draw(rng)

    def _draw(self, rng: random.Random) -> Batch:
        """Return a batch of one picture size and one caption length."""
        small = rng.random() >= LARGE_SHARE
        shelf = self._shelves[0] if small else rng.choice(self._shelves[1:])
        steps = rng.choices((1, 2, 3), (0.9, 0.07, 0.03) if small else (0.96, 0.03, 0.01))[0]
        padded = steps * CAPTION_STEP
        size = self._tokens // (shelf.width * shelf.height // 256 + padded)
        picks = [_pick(shelf, rng) for _ in range(size)]
        scenes = [shelf.scene(i) for i in picks]
        ids, lengths = captions_of(scenes, self._tokenizer, padded, rng)
        latents = torch.from_numpy(np.stack([shelf.latents[i] for i in picks])).float()
        objects = torch.from_numpy(np.stack([_objects(shelf, i, self._art) for i in picks]))
        return Batch(latents, ids, lengths, scenes, objects)


def _pick(shelf: Shelf, rng: random.Random) -> int:
    """Return the number of a scene; those of two things are drawn more often than they are stored."""
    index = rng.randrange(len(shelf.latents))
    if len(shelf.scene(index).items) == 1 and rng.random() < PAIR_RETRY:
        index = rng.randrange(len(shelf.latents))
    return index


@functools.cache
def _objects(shelf: Shelf, index: int, art: Art) -> NDArray[np.float32]:
    """Return (1, h, w): how much of each latent pixel the things of a scene cover."""
    covered = cover(shelf.scene(index), shelf.width, shelf.height, shelf.seed + index, art)
    return np.array(covered, np.float32)[None] / np.float32(255)


def captions_of(
    scenes: Sequence[Scene], tokenizer: Any, padded: int, rng: random.Random
) -> tuple[Tensor, Tensor]:
    """Return ids (scenes, padded) of one caption for each scene, and their lengths (scenes,)."""
    before, after = _split_template(tokenizer)
    rows = [_ids(scene, tokenizer, before, after, padded, rng) for scene in scenes]
    grid = np.full((len(rows), padded), int(tokenizer.pad_token_id))
    for row, tokens in zip(grid, rows, strict=True):
        row[: len(tokens)] = tokens
    return torch.from_numpy(grid), torch.from_numpy(np.array([len(tokens) for tokens in rows]))


def _ids(scene: Scene, tokenizer: Any, before: str, after: str, padded: int, rng: random.Random) -> list[int]:
    """Return the ids of a caption that is padded to just this length; longer ones carry more chatter."""
    short = padded == CAPTION_STEP
    text = ""
    ids: list[int] = []
    for _ in range(12):
        if not (short and rng.random() < DROPOUT):
            text = caption(scene, rng, chatter=0 if short else padded // CAPTION_STEP - rng.choice((0, 1, 1)))
        ids = tokenizer(before + text + after).input_ids
        if (short and not text) or padded - CAPTION_STEP < len(ids) <= padded:
            break
    return ids[:padded]


def empty_caption(tokenizer: Any) -> Tensor:
    """Return the ids (1, tokens) of a caption that says nothing."""
    return torch.tensor([tokenizer("".join(_split_template(tokenizer))).input_ids])


@functools.cache
def _split_template(tokenizer: Any) -> tuple[str, str]:
    """Return what the chat template puts around a prompt; rendering it each time would take too long."""
    messages = [{"role": "user", "content": "PROMPT"}]
    framed = str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    before, after = framed.split("PROMPT")
    return before, after
