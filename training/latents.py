"""Encode drawn scenes once, so that training never runs the VAE again: `python -m training.latents`."""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from training.art import Art
from training.model import DEVICE
from training.scenes import Scene, draw, random_scene

RUNS = Path("training/runs")
PAIR_SHARE = 0.25

# Scenes of each width x height in pixels.
COUNTS: dict[tuple[int, int], int] = {
    (128, 128): 16_000,
    (192, 192): 1600,
    (256, 256): 1400,
    (256, 192): 400,
    (192, 256): 400,
    (128, 192): 400,
    (192, 128): 500,
    (256, 128): 300,
    (128, 256): 300,
}


@dataclass(frozen=True, eq=False)
class Shelf:
    """All encoded scenes of one size: latents (count, 16, height / 8, width / 8) in fp16, normalised."""

    width: int
    height: int
    latents: np.ndarray
    seed: int

    def scene(self, index: int) -> Scene:
        """Return what the picture behind one latent shows."""
        return scene_of(self.seed + index)


def scene_of(seed: int) -> Scene:
    """Return the scene that belongs to a seed."""
    return random_scene(random.Random(seed), PAIR_SHARE)


def encode(vae: AutoencoderKL, width: int, height: int, count: int, seed: int, batch: int = 16) -> np.ndarray:
    """Draw scenes with seeds from `seed` on and return their normalised latents."""
    shelf = np.empty((count, 16, height // 8, width // 8), np.float16)
    scaling, shift = vae.config["scaling_factor"], vae.config["shift_factor"]
    starts = range(0, count, batch)
    # Drawing takes longer than encoding. Fresh processes: torch's threads do not survive a fork.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        parts = [(width, height, range(seed + at, seed + min(count, at + batch))) for at in starts]
        for start, pictures in zip(starts, pool.map(_pictures, parts), strict=True):
            images = torch.from_numpy(pictures).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.no_grad(), torch.autocast(DEVICE.type, torch.bfloat16):
                mean = vae.encode(images.contiguous(memory_format=torch.channels_last)).latent_dist.mean
            shelf[start : start + len(pictures)] = ((mean.float() - shift) * scaling).cpu().numpy()
    return shelf


def _pictures(part: tuple[int, int, range]) -> np.ndarray:
    """Return the scenes of some seeds: (seeds, height, width, 3) as bytes."""
    width, height, seeds = part
    art = Art()
    return np.stack([np.asarray(draw(scene_of(seed), width, height, seed, art)) for seed in seeds])


def load(folder: Path) -> list[Shelf]:
    """Open the encoded scenes that `main` wrote."""
    shelves = []
    for number, (width, height) in enumerate(COUNTS):
        path = folder / f"{width}x{height}.npy"
        shelves.append(Shelf(width, height, np.load(path, mmap_mode="r"), number * 1_000_000))
    return shelves


def main() -> None:
    """Write one file of latents for each picture size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vae", type=Path, default=RUNS / "vae")
    parser.add_argument("--out", type=Path, default=RUNS / "latents")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    vae = AutoencoderKL.from_pretrained(args.vae).to(DEVICE, memory_format=torch.channels_last)
    for number, ((width, height), count) in enumerate(COUNTS.items()):
        path = args.out / f"{width}x{height}.npy"
        if not path.exists():
            np.save(path, encode(vae, width, height, count, number * 1_000_000))
        print(f"{width}x{height}: {count} scenes", flush=True)


if __name__ == "__main__":
    main()
