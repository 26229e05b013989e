"""Train the embedded model's control network for outlines: `python -m training.control`.

It learns from drawn scenes and what Canny finds in them. The transformer stays as it is; the network's hints
begin at zero, and its blocks as copies of the transformer's, so that a few hundred steps are enough.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from diffusers import ZImageControlNetModel, ZImageControlNetPipeline, ZImagePipeline
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from training.art import Art
from training.captions import caption
from training.latents import scene_of
from training.scenes import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

SHIPPED = Path("engine/embedded")
WEAK, STRONG = 100, 200  # Canny's thresholds, as `--control edges` uses them
SHIFT = 3.0  # of the noise levels, as the scheduler shifts them when it draws
PLACES = [0]  # transformer layers that are given hints
NEAR = 2  # pixels that an outline may be off and still be followed


def outlines(picture: Image.Image) -> Image.Image:
    """Return white outlines on black."""
    return Image.fromarray(cv2.Canny(np.asarray(picture.convert("L")), WEAK, STRONG)).convert("RGB")


def new_network(transformer: Any) -> Any:
    """Return a network whose blocks are the transformer's and whose hints are zero."""
    base = transformer.config
    network = ZImageControlNetModel(
        control_layers_places=PLACES,
        control_refiner_layers_places=[],
        control_in_dim=base.in_channels,
        dim=base.dim,
        n_refiner_layers=base.n_refiner_layers,
        n_heads=base.n_heads,
        n_kv_heads=base.n_kv_heads,
        norm_eps=base.norm_eps,
        qk_norm=base.qk_norm,
    )
    network.gradient_checkpointing = False  # the class asks for it where gradients are, and never sets it
    network.control_all_x_embedder.load_state_dict(transformer.all_x_embedder.state_dict())
    network.control_noise_refiner.load_state_dict(transformer.noise_refiner.state_dict())
    for block, place in zip(network.control_layers, PLACES, strict=True):
        block.load_state_dict(transformer.layers[place].state_dict(), strict=False)
    # The map comes in whole from the first step on: what goes out is zero all the same.
    nn.init.eye_(network.control_layers[0].before_proj.weight)
    return network


class Lesson:
    """Latents of scenes and of their outlines, and features of the words, for many scenes of one size."""

    def __init__(self, pipeline: Any, count: int, side: int, seed: int) -> None:
        """Draw `count` scenes of `side` pixels."""
        rng, art = random.Random(seed), Art()
        self.features: list[Tensor] = []
        self.latents: list[Tensor] = []
        self.maps: list[Tensor] = []
        for number in range(seed, seed + count):
            scene = scene_of(number)
            picture = draw(scene, side, side, number, art).convert("RGB")
            with torch.no_grad():
                words = caption(scene, rng, chatter=0)
                features, _ = pipeline.encode_prompt(words, do_classifier_free_guidance=False)
            self.features.append(features[0])
            self.latents.append(encoded(pipeline, picture))
            self.maps.append(encoded(pipeline, outlines(picture)))


def encoded(pipeline: Any, picture: Image.Image) -> Tensor:
    """Return normalised latents (16, 1, height / 8, width / 8)."""
    vae, pixels = pipeline.vae, pipeline.image_processor.preprocess(picture)
    with torch.no_grad():
        mean = vae.encode(pixels).latent_dist.mean
    latents: Tensor = (mean - vae.config.shift_factor) * vae.config.scaling_factor
    return latents[0].unsqueeze(1)


def train(
    network: Any, transformer: Any, lessons: Sequence[Lesson], steps: int, size: int, rate: float
) -> None:
    """Train what is the network's own, on batches of `size`."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
    rng, losses, began = random.Random(0), [], time.monotonic()
    for step in range(1, steps + 1):
        lesson = rng.choice(lessons)
        picks = rng.sample(range(len(lesson.latents)), size)
        sigma = (torch.randperm(size) + torch.rand(size)) / size
        sigma = SHIFT * sigma / (1 + (SHIFT - 1) * sigma)
        latents = torch.stack([lesson.latents[pick] for pick in picks])
        noise, level = torch.randn_like(latents), sigma[:, None, None, None, None]
        noisy = list((1 - level) * latents + level * noise)
        features, maps = [lesson.features[pick] for pick in picks], [lesson.maps[pick] for pick in picks]
        hints = network(noisy, 1 - sigma, features, maps)
        flow = transformer(noisy, 1 - sigma, features, controlnet_block_samples=hints, return_dict=False)[0]
        loss = ((torch.stack(flow) - latents + noise) ** 2).mean()
        for settings in optimiser.param_groups:
            settings["lr"] = rate * min(1.0, step / 20, 2 * (1 - (step - 1) / steps))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
        if step % 25 == 0:
            spent = (time.monotonic() - began) / 60
            print(f"{step} {spent:.1f} min loss {sum(losses) / len(losses):.4f}", flush=True)
            losses.clear()


def followed(pipeline: Any, network: Any, strength: float, count: int, side: int) -> float:
    """Return the share of a map's outlines that pictures have, too, of scenes that it was not trained on."""
    drawer: Any = ZImageControlNetPipeline(**pipeline.components, controlnet=network)
    drawer.set_progress_bar_config(disable=True)
    rng, art, found, wanted = random.Random(0), Art(), 0, 0
    for number in range(50_000_000, 50_000_000 + count):
        scene = scene_of(number)
        lines = outlines(draw(scene, side, side, number, art).convert("RGB"))
        picture = drawer(
            prompt=caption(scene, rng, chatter=0),
            control_image=lines,
            controlnet_conditioning_scale=strength,
            height=side,
            width=side,
            num_inference_steps=8,
            guidance_scale=0.0,
            generator=torch.Generator().manual_seed(number),
        ).images[0]
        near = cv2.dilate(np.asarray(outlines(picture).convert("L")), np.ones((2 * NEAR + 1,) * 2, np.uint8))
        lined = np.asarray(lines.convert("L")) > 0
        found, wanted = found + int((near[lined] > 0).sum()), wanted + int(lined.sum())
    return found / max(1, wanted)


def save(network: Any, transformer: Any, folder: Path) -> Path:
    """Write the network's own weights in half precision, and what it follows. Returns their file."""
    network.save_config(folder)
    shared = {id(weight) for weight in transformer.parameters()}
    own = {name: weight for name, weight in network.named_parameters() if id(weight) not in shared}
    path = folder / "diffusion_pytorch_model.safetensors"
    halves = {name: weight.detach().half().contiguous() for name, weight in own.items()}
    save_file(halves, path, metadata={"control_kinds": "edges"})
    config = folder / "config.json"
    told = json.loads(config.read_text("utf-8"))
    config.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n", "utf-8")
    return path


def main() -> None:
    """Train a control network, say how well pictures follow it, and write it in diffusers' layout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--out", type=Path, help="the folder; the model's own `control` if left out")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--scenes", type=int, default=1200, help="of each side")
    parser.add_argument("--sides", type=int, nargs="+", default=[128, 192], help="in pixels")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--check", type=int, default=16, help="scenes drawn at the end, at each strength")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, dtype=torch.float32)
    transformer = pipeline.transformer.requires_grad_(False)
    first = 60_000_000 + args.seed * 1_000_000
    lessons = [Lesson(pipeline, args.scenes, side, first + side * 1000) for side in args.sides]
    print(f"{sum(len(lesson.latents) for lesson in lessons)} scenes drawn", flush=True)
    network = ZImageControlNetModel.from_transformer(new_network(transformer), transformer)
    train(network, transformer, lessons, args.steps, args.batch, args.rate)
    out = args.out or SHIPPED / "control"
    path = save(network, transformer, out)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    with torch.no_grad():
        for strength in (0.0, 0.75, 1.0):
            share = followed(pipeline, network, strength, args.check, args.sides[0])
            print(f"strength {strength:g}: {share:.0%} of the outlines are followed", flush=True)


if __name__ == "__main__":
    main()
