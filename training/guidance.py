"""Bake classifier-free guidance into the transformer: `python -m training.guidance`.

With guidance the shapes are far better, but every step takes two forward passes. So a copy of the transformer
learns to predict in one what the trained one predicts in two (Meng et al. 2023, arXiv 2210.03142). Its target
holds none of the noise of the data, so this takes minutes.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import AutoTokenizer, Qwen3Model

from training.batches import CAPTION_STEP, TOKENS, Batch, Batches, empty_caption
from training.latents import load
from training.model import (
    DEVICE,
    compile_blocks,
    new_encoder,
    new_transformer,
    predict,
    set_training_attention,
)
from training.optimisers import optimisers, set_rates
from training.text import read
from training.transformer import RUNS, Networks, noisy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diffusers import ZImageTransformer2DModel


class Teacher:
    """The trained networks, asked twice: for what the caption says and for nothing in particular."""

    def __init__(
        self, transformer: ZImageTransformer2DModel, encoder: Qwen3Model, empty: Tensor, scale: float
    ) -> None:
        """Guide by `scale` away from what `empty`, ids (1, tokens), leads to; 0 is no guidance."""
        self._transformer, self._encoder, self._empty, self._scale = transformer, encoder, empty, scale

    @torch.no_grad()
    def answer(self, latents: Tensor, t: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the features of the captions and the guided flow of noisy `latents` at the times `t`."""
        features = read(self._encoder, batch.ids)
        asked = predict(self._transformer, latents, t, features, batch.lengths).float()
        length = self._empty.shape[1]
        ids = torch.nn.functional.pad(self._empty, (0, CAPTION_STEP - length))
        nothing = read(self._encoder, ids).expand(len(latents), -1, -1)
        lengths = torch.full_like(batch.lengths, length)
        unasked = predict(self._transformer, latents, t, nothing, lengths).float()
        return features, asked + self._scale * (asked - unasked)


def train(
    student: ZImageTransformer2DModel, teacher: Teacher, feed: Iterator[Batch], steps: int, rate: float
) -> None:
    """Train the student, from a share of the full learning rate down to zero."""
    steppers, began, losses = optimisers(student), time.monotonic(), []
    for step in range(steps):
        batch = next(feed).to(DEVICE)
        latents, _, sigma = noisy(batch.latents)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            features, flow = teacher.answer(latents, 1 - sigma, batch)
            drawn = predict(student, latents, 1 - sigma, features, batch.lengths)
        loss = ((drawn.float() - flow) ** 2).mean()
        student.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        set_rates(steppers, rate * min(1.0, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for stepper in steppers:
            stepper.step()
        losses.append(loss.item())
        if step % 20 == 19:
            spent = (time.monotonic() - began) / 60
            print(f"{step + 1} {spent:.1f} min loss {sum(losses) / len(losses):.4f}", flush=True)
            losses.clear()


def main() -> None:
    """Write the guided weights beside the checkpoint, from which `training.assemble` takes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--scale", type=float, default=2.5)
    parser.add_argument("--rate", type=float, default=0.3, help="share of the full learning rate")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler, and saves time")
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--out", type=Path, default=RUNS / "transformer")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(RUNS / "tokenizer", local_files_only=True)
    networks = Networks(new_transformer(), new_encoder(len(tokenizer), tokenizer.pad_token_id)).to(DEVICE)
    networks.load_state_dict(torch.load(args.out / "checkpoint.pt", map_location=DEVICE)["average"])
    networks.requires_grad_(False)
    student = copy.deepcopy(networks.transformer).requires_grad_(True)
    for transformer in (networks.transformer, student):
        set_training_attention(transformer)
        if args.compile:
            compile_blocks(transformer)
    batches = Batches(load(RUNS / "latents"), tokenizer, args.seed, args.tokens)
    feed = iter(DataLoader(batches, batch_size=None))
    empty = empty_caption(tokenizer).to(DEVICE)
    if DEVICE.type != "cpu":
        torch.set_default_device(DEVICE)
    teacher = Teacher(networks.transformer, networks.encoder, empty, args.scale)
    train(student, teacher, feed, args.steps, args.rate)
    networks.transformer.load_state_dict(student.state_dict())
    torch.save(networks.state_dict(), args.out / "guided.pt")


if __name__ == "__main__":
    main()
