"""Train the transformer and its text encoder by flow matching: `python -m training.transformer`."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import AutoTokenizer, Qwen3Model

from training.batches import TOKENS, Batch, Batches
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
from training.text import Reader, label, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from diffusers import ZImageTransformer2DModel

RUNS = Path("training/runs")
SHIFT = 3.0  # of the noise levels, as the scheduler shifts them when it draws
PAUSE_S = 60.0  # what is longer than this was no step: the process was stopped meanwhile


@dataclass(frozen=True)
class Plan:
    """How long the networks train, and what they attend to."""

    minutes: float
    warmup: int = 100  # steps
    decay_from: float = 0.35  # share of the time after which the learning rate falls to zero
    average: float = 0.998  # decay of the averaged weights that are saved
    focus: float = 3.0  # extra weight of the pixels that objects cover, falling to zero
    reading: float = 0.5  # weight of the questions about captions


class Networks(nn.Module):
    """The networks that train together."""

    def __init__(self, transformer: ZImageTransformer2DModel, encoder: Qwen3Model) -> None:
        """Train `transformer` on what `encoder` makes of captions."""
        super().__init__()
        self.transformer, self.encoder, self.reader = transformer, encoder, Reader()

    def loss(self, batch: Batch, focus: float) -> tuple[Tensor, Tensor]:
        """Return the squared error of the flow from noise to picture, and the loss of the questions.

        `focus` is the extra weight of objects, which would be learned long after their backgrounds.
        """
        latents, noise, sigma = noisy(batch.latents)
        features = read(self.encoder, batch.ids)
        flow = predict(self.transformer, latents, 1 - sigma, features, batch.lengths)
        weight = 1 + focus * batch.objects
        error = (weight * (flow.float() - batch.latents + noise) ** 2).mean() / weight.mean()
        labels = torch.tensor([label(scene) for scene in batch.scenes])
        return error, self.reader.loss(features, batch.lengths, labels)


def noisy(latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return latents (batch, 16, h, w) with noise over them, the noise, and its levels (batch,) from 0 to 1.

    The levels are evenly spread over the batch: losses of few of them would vary more.
    """
    noise = torch.randn_like(latents)
    sigma = (torch.randperm(len(noise)) + torch.rand(len(noise))) / len(noise)
    sigma = SHIFT * sigma / (1 + (SHIFT - 1) * sigma)
    level = sigma[:, None, None, None]
    return (1 - level) * latents + level * noise, noise, sigma


def rate(done: float, step: int, plan: Plan) -> float:
    """Return the share of the full learning rate at a step, `done` being the share of the time gone by."""
    warm = min(1.0, (step + 1) / plan.warmup)
    if done < plan.decay_from:
        return warm
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, (done - plan.decay_from) / (1 - plan.decay_from))))


def train(networks: Networks, feed: Iterator[Batch], plan: Plan, out: Path, resume: bool) -> None:
    """Train until the plan's minutes are over, saving checkpoints and averaged weights on the way."""
    steppers = optimisers(networks)
    average = {name: tensor.detach().clone() for name, tensor in networks.state_dict().items()}
    step, spent = 0, 0.0
    if resume:
        saved = torch.load(out / "checkpoint.pt", map_location=DEVICE)
        networks.load_state_dict(saved["networks"])
        average, step, spent = saved["average"], saved["step"], saved["spent"]
        if saved["optimisers"]:  # none in a checkpoint of shipped weights
            for stepper, state in zip(steppers, saved["optimisers"], strict=True):
                stepper.load_state_dict(state)
    clock, losses = time.monotonic(), []
    while spent < plan.minutes * 60:
        done = spent / 60 / plan.minutes
        share = rate(done, step, plan)
        set_rates(steppers, share)
        batch = next(feed).to(DEVICE)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            loss, reading = networks.loss(batch, plan.focus * share)
        networks.zero_grad()
        (loss + plan.reading * reading).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(networks.parameters(), 1.0)
        for stepper in steppers:
            stepper.step()
        _follow(average, networks, min(plan.average, (step + 1) / (step + 20)))
        losses.append(loss.item())
        step += 1
        now = time.monotonic()
        spent, clock = spent + min(now - clock, PAUSE_S), now
        if step % 50 == 0:
            print(
                f"{step} {spent / 60:.1f} min loss {sum(losses) / len(losses):.4f} "
                f"reading {reading.item():.3f} rate {share:.3f}",
                flush=True,
            )
            losses.clear()
        if step % 100 == 0:
            save(networks, average, steppers, step, spent, out)
    save(networks, average, steppers, step, spent, out)


@torch.no_grad()
def _follow(average: dict[str, Tensor], networks: Networks, decay: float) -> None:
    now = networks.state_dict()
    torch._foreach_lerp_([average[name] for name in now], list(now.values()), 1 - decay)


def save(
    networks: Networks,
    average: Mapping[str, Tensor],
    steppers: Sequence[torch.optim.Optimizer],
    step: int,
    spent: float,
    out: Path,
) -> None:
    """Write everything needed to resume, replacing the last checkpoint only when the new one is complete."""
    state = {
        "networks": networks.state_dict(),
        "average": average,
        "optimisers": [stepper.state_dict() for stepper in steppers],
        "step": step,
        "spent": spent,
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def main() -> None:
    """Train on the encoded scenes and write checkpoints, which `training.assemble` makes a model folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler, and saves time")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of a batch; a GPU takes many more")
    parser.add_argument("--workers", type=int, default=0, help="processes that make batches")
    parser.add_argument("--out", type=Path, default=RUNS / "transformer")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(RUNS / "tokenizer", local_files_only=True)
    networks = Networks(new_transformer(), new_encoder(len(tokenizer), tokenizer.pad_token_id))
    if not args.resume:
        text = torch.load(RUNS / "text.pt", map_location=DEVICE)
        networks.encoder.load_state_dict(text["encoder"])
        networks.reader.load_state_dict(text["reader"])
    networks.to(DEVICE)
    set_training_attention(networks.transformer)
    if args.compile:
        compile_blocks(networks.transformer)
    # A resumed run must not see the same batches again.
    seed = args.seed if not args.resume else int(time.time())
    batches = Batches(load(RUNS / "latents"), tokenizer, seed, args.tokens)
    loader = DataLoader(batches, batch_size=None, num_workers=args.workers)
    feed = iter(loader)
    if DEVICE.type != "cpu":  # from here on new tensors are made there; the loader's processes know no GPU
        torch.set_default_device(DEVICE)
    train(networks, feed, Plan(args.minutes), args.out, args.resume)


if __name__ == "__main__":
    main()
