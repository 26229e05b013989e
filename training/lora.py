"""Train a small LoRA that gives the model another drawing style: `python -m training.lora STYLE`.

The model draws pictures, asked for the style in words or redrawn by a filter, and the LoRA learns to draw
those from the same noise and plain words. So it needs no data, and is trained anew for any other model of
this family.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import ZImagePipeline
from peft import LoraConfig
from PIL import Image, ImageChops, ImageFilter, ImageOps
from safetensors.torch import save_file
from torch import Tensor

from training.captions import caption
from training.latents import scene_of
from training.model import predict, set_training_attention

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHIPPED = Path("engine/embedded")
SHIFT = 3.0  # of the noise levels, as the scheduler shifts them when it draws
CAPTION_STEP = 32  # the transformer pads captions to a multiple of this
LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "w1", "w2", "w3")


def ink(picture: Image.Image) -> Image.Image:
    """Return the picture as black lines on white paper, darker where it was dark."""
    grey = ImageOps.grayscale(picture)
    lines = ImageChops.difference(
        grey.filter(ImageFilter.GaussianBlur(0.6)), grey.filter(ImageFilter.GaussianBlur(2.2))
    )
    drawn = lines.point(lambda value: max(0, 255 - 9 * value))
    shade = grey.point(lambda value: 255 if value > 90 else 120)
    return ImageChops.multiply(drawn, shade).convert("RGB")


def sepia(picture: Image.Image) -> Image.Image:
    """Return the picture in browns, like an old photograph."""
    grey = ImageOps.autocontrast(ImageOps.grayscale(picture))
    return ImageOps.colorize(grey, black=(52, 30, 16), mid=(172, 122, 76), white=(250, 236, 208))


@dataclass(frozen=True)
class Style:
    """What makes a picture one of the style: words that the model knows, or a filter over what it draws."""

    words: str = ""
    filter: Callable[[Image.Image], Image.Image] | None = None

    def redraw(self, picture: Image.Image) -> Image.Image:
        """Return the picture in this style."""
        return picture if self.filter is None else self.filter(picture)


STYLES = {"flat": Style(words=", flat style"), "ink": Style(filter=ink), "sepia": Style(filter=sepia)}


class Lesson:
    """Noise, features of the words, and the latents of the picture in the new style, for many pictures."""

    def __init__(self, pipeline: Any, style: Style, count: int, side: int, seed: int) -> None:
        """Draw `count` pictures of `side` pixels in the style with the model."""
        rng, vae = random.Random(seed), pipeline.vae

        def encode(words: str) -> list[Tensor]:
            with torch.no_grad():
                features: list[Tensor] = pipeline.encode_prompt(words, do_classifier_free_guidance=False)[0]
            return features

        self.noise: list[Tensor] = []
        self.features: list[Tensor] = []
        self.latents: list[Tensor] = []
        for number in range(count):
            words = caption(scene_of(seed + number), rng, chatter=0)
            noise = torch.randn(1, 16, side // 8, side // 8, generator=torch.Generator().manual_seed(number))
            picture = pipeline(
                prompt_embeds=encode(words + style.words),
                latents=noise.clone(),
                height=side,
                width=side,
                num_inference_steps=8,
                guidance_scale=0.0,
            ).images[0]
            styled = np.asarray(style.redraw(picture)).astype(np.float32) / 127.5 - 1
            with torch.no_grad():
                mean = vae.encode(torch.from_numpy(styled).permute(2, 0, 1)[None]).latent_dist.mean
            self.noise.append(noise[0])
            self.features.append(encode(words)[0])
            self.latents.append(((mean - vae.config.shift_factor) * vae.config.scaling_factor)[0])

    def batch(self, picks: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return noise and latents (picks, 16, h, w), padded features and their lengths."""
        lengths = torch.tensor([len(self.features[pick]) for pick in picks])
        padded = -(-int(lengths.max()) // CAPTION_STEP) * CAPTION_STEP
        features = torch.zeros(len(picks), padded, self.features[0].shape[1])
        for row, pick in zip(features, picks, strict=True):
            row[: len(self.features[pick])] = self.features[pick]
        noise, latents = (torch.stack([kept[i] for i in picks]) for kept in (self.noise, self.latents))
        return noise, latents, features, lengths


def train(transformer: Any, lesson: Lesson, minutes: float, size: int, rate: float, seed: int) -> None:
    """Train what `add_adapter` has added, for so many minutes, on batches of `size`."""
    rng = random.Random(seed)
    weights = [weight for weight in transformer.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    by_length: dict[int, list[int]] = {}
    for number, features in enumerate(lesson.features):
        by_length.setdefault(-(-len(features) // CAPTION_STEP), []).append(number)
    groups = list(by_length.values())
    began, step, losses = time.monotonic(), 0, []
    while (spent := (time.monotonic() - began) / 60) < minutes:
        group = rng.choices(groups, [len(members) for members in groups])[0]
        noise, latents, features, lengths = lesson.batch(rng.choices(group, k=size))
        sigma = (torch.randperm(size) + torch.rand(size)) / size
        sigma = SHIFT * sigma / (1 + (SHIFT - 1) * sigma)
        level = sigma[:, None, None, None]
        noisy = (1 - level) * latents + level * noise
        flow = predict(transformer, noisy, 1 - sigma, features, lengths)
        loss = ((flow - latents + noise) ** 2).mean()
        for settings in optimiser.param_groups:
            settings["lr"] = rate * min(1.0, (step + 1) / 20, 2 * (1 - spent / minutes))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        step += 1
        if step % 50 == 0:
            print(f"{step} {spent:.1f} min loss {sum(losses) / len(losses):.4f}", flush=True)
            losses.clear()


def main() -> None:
    """Train a LoRA of the style and write it, in diffusers' format, in half precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("style", choices=sorted(STYLES))
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument(
        "--out", type=Path, help="the file; engine/embedded/loras/STYLE.safetensors if left out"
    )
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--pictures", type=int, default=240)
    parser.add_argument("--side", type=int, default=128, help="of the pictures in pixels")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    lesson = Lesson(pipeline, STYLES[args.style], args.pictures, args.side, args.seed)
    print(f"{args.pictures} pictures drawn", flush=True)
    transformer = pipeline.transformer.requires_grad_(False)
    transformer.add_adapter(
        LoraConfig(r=args.rank, lora_alpha=args.rank, target_modules=list(LAYERS)), adapter_name=args.style
    )
    set_training_attention(transformer)
    train(transformer, lesson, args.minutes, args.batch, args.rate, args.seed)
    weights = {
        f"transformer.{name.replace(f'.{args.style}', '')}": weight.detach().half().contiguous()
        for name, weight in transformer.named_parameters()
        if weight.requires_grad
    }
    out = args.out or SHIPPED / "loras" / f"{args.style}.safetensors"
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, out)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
