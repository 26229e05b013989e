"""Teach the text encoder what captions mean before it meets pictures: `python -m training.text`.

Two languages and many synonyms are learned in minutes this way; through pictures alone it takes hours.
"""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoTokenizer, Qwen3Model

from training.art import COLOURS, STYLES
from training.backgrounds import BACKGROUNDS
from training.batches import captions_of
from training.latents import PAIR_SHARE
from training.model import DEVICE, WIDTH, new_encoder
from training.optimisers import optimisers, set_rates
from training.scenes import SIZES, Scene, random_scene
from training.things import THINGS

RUNS = Path("training/runs")
KINDS, SHADES, PLACES = sorted(THINGS), [None, *sorted(COLOURS)], sorted(BACKGROUNDS)
_ABSENT = -100  # what cross entropy ignores
# How many things, background and style, then kind, colour and size of the first and of the second thing.
_ANSWERS = (2, len(PLACES), len(STYLES), *(len(KINDS), len(SHADES), len(SIZES)) * 2)


class Reader(nn.Module):
    """Reads off the encoder's last caption token what the scene holds."""

    def __init__(self) -> None:
        """Return untrained heads, one for each question."""
        super().__init__()
        self.norm = nn.RMSNorm(WIDTH)
        self.heads = nn.Linear(WIDTH, sum(_ANSWERS))

    def loss(self, features: Tensor, lengths: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross entropy of `labels` (rows of `label`) for (batch, tokens, channels)."""
        last = features[torch.arange(len(lengths), device=lengths.device), lengths - 1]
        answers = self.heads(self.norm(last)).float().split(_ANSWERS, dim=1)
        losses = [
            F.cross_entropy(a, labels[:, i]) for i, a in enumerate(answers) if (labels[:, i] >= 0).any()
        ]
        return torch.stack(losses).mean()


def label(scene: Scene) -> list[int]:
    """Return the number of the right answer to each question."""
    answers = [len(scene.items) - 1, PLACES.index(scene.background), STYLES.index(scene.style)]
    for item in scene.items:
        answers += [KINDS.index(item.kind), SHADES.index(item.colour), SIZES.index(item.size)]
    return answers + [_ABSENT] * (len(_ANSWERS) - len(answers))


def read(encoder: Qwen3Model, ids: Tensor) -> Tensor:
    """Return what the pipeline takes from the encoder: (batch, tokens, channels).

    Attention is causal and padding is on the right, so captions need no mask.
    """
    features: Tensor = encoder(input_ids=ids, output_hidden_states=True).hidden_states[-2]
    return features


def train(
    encoder: Qwen3Model, reader: Reader, tokenizer: object, steps: int, seed: int, batch: int = 128
) -> None:
    """Train both on captions of random scenes."""
    rng = random.Random(seed)
    steppers = optimisers(nn.ModuleList([encoder, reader]))
    for step in range(steps):
        set_rates(steppers, min(1.0, (step + 1) / 40) * 0.5 * (1 + math.cos(math.pi * step / steps)))
        scenes = [random_scene(rng, PAIR_SHARE) for _ in range(batch)]
        ids, lengths = captions_of(scenes, tokenizer, 32, rng)
        labels = torch.tensor([label(scene) for scene in scenes], device=DEVICE)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            loss = reader.loss(read(encoder, ids.to(DEVICE)), lengths.to(DEVICE), labels)
        for stepper in steppers:
            stepper.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for stepper in steppers:
            stepper.step()
        if step % 50 == 49:
            print(f"{step + 1} loss {loss.item():.4f}", flush=True)


def main() -> None:
    """Train the encoder alone and write it with its reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RUNS / "text.pt")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(RUNS / "tokenizer", local_files_only=True)
    encoder = new_encoder(len(tokenizer), tokenizer.pad_token_id).to(DEVICE)
    reader = Reader().to(DEVICE)
    train(encoder, reader, tokenizer, args.steps, args.seed)
    torch.save({"encoder": encoder.state_dict(), "reader": reader.state_dict()}, args.out)


if __name__ == "__main__":
    main()
