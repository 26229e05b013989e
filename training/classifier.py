"""Train the judge that scores the model, on true scenes only: `python -m training.classifier`."""

from __future__ import annotations

import argparse
import itertools
import math
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image, ImageFilter
from torch import Tensor, nn

from training.art import COLOURS, Art
from training.backgrounds import BACKGROUNDS
from training.scenes import Item, Scene, cover, draw, random_scene
from training.things import THINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RUNS = Path("training/runs")
SIDE = 128  # pixels; larger pictures are scaled down before they are judged
KINDS, SHADES, PLACES = sorted(THINGS), sorted(COLOURS), sorted(BACKGROUNDS)
GRID = 8  # places across and down at which the judge looks
OWN = -1  # in place of a colour's number
PAIR_SHARE = 0.4


@dataclass(frozen=True)
class Verdict:
    """What the judge sees.

    `kinds` go from the surest to the least sure; `colours` and `across` (from 0, left, to 1) are read where
    the judge sees each of them.
    """

    kinds: tuple[str, ...]
    colours: dict[str, str]
    across: dict[str, float]
    background: str


class Judge(nn.Module):
    """A small convolutional network over (batch, 3, SIDE, SIDE) in [-1, 1].

    It names the kind and the colour at each of GRID x GRID places. It is told in training where things
    stand: to find that out by itself would take it many times longer.
    """

    def __init__(self) -> None:
        """Return an untrained judge."""
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.GELU()]
            layers += [nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.GELU()]
        self.body = nn.Sequential(*layers[:3], *layers[6:])
        last = widths[-1]
        self.looks = nn.Sequential(
            nn.Conv2d(last, last, 3, padding=1),
            nn.BatchNorm2d(last),
            nn.GELU(),
            nn.Conv2d(last, len(KINDS) + 1 + len(SHADES), 1),
        )
        self.place = nn.Linear(last, len(PLACES))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of kinds (batch, kinds + 1, cells), colours (batch, colours, cells) and backgrounds.

        The last of the kinds is none; `cells` is GRID x GRID.
        """
        seen = self.body(images)
        kind, colour = self.looks(seen).float().flatten(2).split([len(KINDS) + 1, len(SHADES)], dim=1)
        return kind, colour, self.place(seen.mean((2, 3))).float()

    def loss(self, images: Tensor, covers: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the losses; `covers` are bytes (batch, GRID, GRID), `labels` rows of `label`."""
        kind, colour, place = self(images)
        covered = covers.flatten(1).float() / 255
        kinds, shades = (_cells(labels[:, :2]), _cells(labels[:, 2:4]))
        named = F.cross_entropy(kind, kinds, reduction="none")
        none = F.cross_entropy(kind, torch.full_like(kinds, len(KINDS)), reduction="none")
        loss = (named * covered).sum() / covered.sum() + (none * (1 - covered)).sum() / (1 - covered).sum()
        coloured = covered * (shades >= 0)
        shade = F.cross_entropy(colour, shades.clamp(min=0), reduction="none")
        return loss + (shade * coloured).sum() / coloured.sum() + F.cross_entropy(place, labels[:, -1])

    @torch.no_grad()
    def judge(self, picture: Image.Image) -> Verdict:
        """Say what a picture shows."""
        kind, colour, place = self(
            _tensor([picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)])
        )
        sure = (
            kind[0].softmax(0)[:-1] ** 2
        )  # (kinds, cells); squared, since a second guess is no second thing
        order = sure.sum(1).argsort(descending=True).tolist()
        shades = (sure @ colour[0].log_softmax(0).T).argmax(1)
        across = (sure @ torch.linspace(0, 1, GRID).repeat(GRID)) / sure.sum(1)
        return Verdict(
            tuple(KINDS[k] for k in order),
            {name: SHADES[int(shade)] for name, shade in zip(KINDS, shades, strict=True)},
            dict(zip(KINDS, across.tolist(), strict=True)),
            PLACES[int(place[0].argmax())],
        )


def _cells(halves: Tensor) -> Tensor:
    """Return numbers (batch, 2) for the left and the right half of a picture cell by cell."""
    return halves.repeat_interleave(GRID // 2, dim=1).repeat(1, GRID)


def label(scene: Scene) -> list[int]:
    """Return the kinds on the left and right, their colours (OWN if it is their own), and the background."""
    left, right = scene.items[0], scene.items[-1]
    kinds = [KINDS.index(item.kind) for item in (left, right)]
    shades = [OWN if item.colour is None else SHADES.index(item.colour) for item in (left, right)]
    return [*kinds, *shades, PLACES.index(scene.background)]


def _tensor(pictures: list[Image.Image]) -> Tensor:
    array = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(array).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def drawings(count: int, seed: int, vae: AutoencoderKL, batch: int = 32) -> tuple[Tensor, Tensor, Tensor]:
    """Return scenes (count, 3, SIDE, SIDE), what things cover (count, GRID, GRID), both bytes, and labels.

    Larger pictures, and those of other proportions, are squeezed into the square as `judge` does. Every
    second batch went once through the VAE.
    """
    images, covers, labels = [], [], []
    parts = [(seed + at, batch) for at in range(0, count, batch)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for number, (pictures, covered, shown) in enumerate(pool.map(_drawings, parts)):
            drawn = _tensor(pictures)
            if number % 2:
                with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                    channels_last = drawn.contiguous(memory_format=torch.channels_last)
                    latents = vae.encode(channels_last).latent_dist.sample()
                    drawn = vae.decode(latents).sample.float().clamp(-1, 1)
            images.append(((drawn + 1) * 127.5).round().to(torch.uint8))
            covers.append(torch.from_numpy(covered))
            labels += shown
    return torch.cat(images), torch.cat(covers), torch.tensor(labels)


def _drawings(part: tuple[int, int]) -> tuple[list[Image.Image], NDArray[np.uint8], list[list[int]]]:
    """Return some drawings of one seed with what their things cover, and their labels."""
    seed, count = part
    rng = random.Random(seed)
    scenes = [random_scene(rng, PAIR_SHARE) for _ in range(count)]
    art = Art()
    drawn = [drawing(scene, rng, art) for scene in scenes]
    covers = np.stack([np.asarray(covered) for _, covered in drawn])
    return [picture for picture, _ in drawn], covers, [label(scene) for scene in scenes]


def drawing(scene: Scene, rng: random.Random, art: Art) -> tuple[Image.Image, Image.Image]:
    width, height = rng.choice(((128, 128), (128, 128), (128, 128), (192, 192), (256, 192), (192, 256)))
    seed = rng.getrandbits(32)
    picture = draw(scene, width, height, seed, art).resize((SIDE, SIDE), Image.Resampling.BOX)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.0)))
    covered = cover(scene, width, height, seed, art).resize((GRID, GRID), Image.Resampling.BOX)
    return picture, covered


def train(images: Tensor, covers: Tensor, labels: Tensor, steps: int, batch: int = 64) -> Judge:
    """Return a judge trained for some steps."""
    judge: Judge = Judge().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = (
            2e-3 * min(1, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
        )
        picks = torch.randint(len(images), (batch,))
        inputs = images[picks].float().div(127.5).sub(1)
        inputs = (inputs + 0.04 * torch.randn_like(inputs)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            loss = judge.loss(inputs, covers[picks], labels[picks])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step % 50 == 49:
            print(f"{step + 1} loss {loss.item():.4f}", flush=True)
    return judge.eval()


@dataclass(frozen=True)
class Marks:
    """What of a picture is right.

    `colours` is None where none was asked for, `sides` where there is one thing only; `sides` takes both
    things and where they stand.
    """

    things: bool
    colours: bool | None
    background: bool
    sides: bool | None


def mark(verdict: Verdict, items: tuple[Item, ...], background: str) -> Marks:
    """Compare a verdict with what was asked for.

    Colours are read off the things that the judge sees, so a wrong thing may have the right colour.
    """
    seen = sorted(verdict.kinds[: len(items)], key=lambda kind: verdict.across[kind])
    wanted = [item.kind for item in items]
    things = set(seen) == set(wanted)
    order = wanted if things else seen
    coloured = [
        verdict.colours[kind] == item.colour
        for kind, item in zip(order, items, strict=True)
        if item.colour is not None
    ]
    return Marks(
        things,
        all(coloured) if coloured else None,
        verdict.background == background,
        seen == wanted if len(items) == 2 else None,
    )


def shares(marks: Sequence[Marks]) -> dict[str, float | None]:
    """Return the share of each mark among the pictures that it concerns."""

    def share(values: list[bool | None]) -> float | None:
        known = [value for value in values if value is not None]
        return round(sum(known) / len(known), 3) if known else None

    return {
        "thing": share([m.things for m in marks]),
        "colour": share([m.colours for m in marks]),
        "background": share([m.background for m in marks]),
        "both on their sides": share([m.sides for m in marks]),
    }


def load(path: Path = RUNS / "judge.pt") -> Judge:
    """Open a trained judge."""
    judge = Judge()
    judge.load_state_dict(torch.load(path))
    return judge.eval()


def own_marks(judge: Judge, count: int, seed: int) -> list[Marks]:
    """Return the judge's marks of true scenes that it was not trained on, a third of each square size."""
    rng, art, marks = random.Random(seed), Art(), []
    for number in range(count):
        scene, side = random_scene(rng), (128, 192, 256)[number % 3]
        verdict = judge.judge(draw(scene, side, side, rng.getrandbits(32), art))
        marks.append(mark(verdict, scene.items, scene.background))
    return marks


def main() -> None:
    """Train the judge and print its own accuracy on fresh scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--vae", type=Path, default=RUNS / "vae")
    parser.add_argument("--out", type=Path, default=RUNS / "judge.pt")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    vae = AutoencoderKL.from_pretrained(args.vae).to(memory_format=torch.channels_last)
    images, covers, labels = drawings(args.scenes, args.seed * 1_000_000, vae)
    judge = train(images, covers, labels, args.steps)
    torch.save(judge.state_dict(), args.out)
    print(shares(own_marks(judge, 600, args.seed + 1)))


if __name__ == "__main__":
    main()
