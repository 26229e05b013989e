"""Train the VAE on drawn scenes: `python -m training.vae`, then `--decoder-only` to polish what it draws."""

from __future__ import annotations

import argparse
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.art import Art
from training.scenes import draw, random_scene

if TYPE_CHECKING:
    from PIL import Image

RUNS = Path("training/runs")
SIDE = 64  # pixels of a training crop


@dataclass(frozen=True)
class Plan:
    """How long and how hard the VAE trains."""

    steps: int
    batch: int = 20
    lr: float = 2e-3
    kl: float = 2e-3
    coarse: float = 0.5  # weight of the picture at half the size, drawn from latents at half the size
    decoder_only: bool = False


class Optimiser:
    """Muon on the kernels, seen as matrices of outputs by inputs, and AdamW on everything else."""

    def __init__(self, parameters: list[nn.Parameter], lr: float) -> None:
        """Take over the training of `parameters`."""
        self._kernels = [p for p in parameters if p.ndim == 4 and min(p.shape[:2]) >= 16]
        taken = {id(p) for p in self._kernels}
        # Muon wants matrices: these share the memory of the kernels, which must be laid out channels last.
        self._matrices = [nn.Parameter(_matrix(p.data)) for p in self._kernels]
        assert all(m.data_ptr() == p.data_ptr() for m, p in zip(self._matrices, self._kernels, strict=True))
        self._muon = torch.optim.Muon(self._matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._adam = torch.optim.AdamW(
            [p for p in parameters if id(p) not in taken], lr=lr, betas=(0.9, 0.98)
        )

    def step(self, lr: float) -> None:
        """Take one step with the gradients that the parameters hold."""
        for kernel, matrix in zip(self._kernels, self._matrices, strict=True):
            matrix.grad = None if kernel.grad is None else _matrix(kernel.grad)
        for stepper in (self._muon, self._adam):
            stepper.param_groups[0]["lr"] = lr
            stepper.step()  # type: ignore[no-untyped-call]


def _matrix(kernel: Tensor) -> Tensor:
    return kernel.permute(0, 2, 3, 1).flatten(1)


def new_vae() -> AutoencoderKL:
    """Return an untrained VAE: 8x downsampling to 16 channels."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 48, 64),
        layers_per_block=1,
        latent_channels=16,
        norm_num_groups=8,
        sample_size=SIDE,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=False,
        force_upcast=False,
    )


class Crops:
    """Draws crops of scenes from a pool in which one picture is replaced at every call."""

    def __init__(self, rng: random.Random, art: Art, pool: int = 2500) -> None:
        """Fill the pool with pictures of several sizes."""
        self._rng, self._art = rng, art
        self._pool = [self._picture() for _ in range(pool)]

    def draw(self, batch: int) -> Tensor:
        """Return (batch, 3, SIDE, SIDE) in [-1, 1]."""
        self._pool[self._rng.randrange(len(self._pool))] = self._picture()
        crops = []
        for picture in self._rng.sample(self._pool, batch):
            x, y = (self._rng.randint(0, side - SIDE) for side in picture.size)
            crops.append(np.asarray(picture.crop((x, y, x + SIDE, y + SIDE))))
        tensor = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1
        return tensor.contiguous(memory_format=torch.channels_last)

    def _picture(self) -> Image.Image:
        side = self._rng.choice((128, 128, 128, 192, 256))
        return draw(random_scene(self._rng, 0.4), side, side, self._rng.getrandbits(32), self._art)


def drawing_loss(drawn: Tensor, target: Tensor) -> Tensor:
    """Return L1 and L2 on pixels, of which L2 learns colours fast, and L1 on differences, for sharp edges."""
    loss = F.l1_loss(drawn, target) + F.mse_loss(drawn, target)
    for dim in (2, 3):
        loss = loss + 0.6 * F.l1_loss(drawn.diff(dim=dim), target.diff(dim=dim))
    return loss


def coarse_loss(vae: AutoencoderKL, latents: Tensor, images: Tensor) -> Tensor:
    """Return the loss of pictures drawn from latents at half their size.

    It keeps detail out of where the transformer could only guess it: latents whose high frequencies are
    weak are learned several times faster (scale equivariance, Skorokhodov et al. 2025, arXiv 2502.14831).
    """
    drawn = vae.decode(F.avg_pool2d(latents, 2)).sample
    return drawing_loss(drawn.float(), F.avg_pool2d(images, 2))


def train(vae: AutoencoderKL, plan: Plan, seed: int, out: Path) -> None:
    """Train for the plan's steps, writing the averaged weights to `out` now and then."""
    torch.manual_seed(seed)
    crops = Crops(random.Random(seed), Art())
    vae = vae.to(memory_format=torch.channels_last)
    if plan.decoder_only:
        vae.encoder.requires_grad_(False)
    trained = [p for p in vae.parameters() if p.requires_grad]
    optimiser = Optimiser(trained, plan.lr)
    average = AveragedModel(vae, multi_avg_fn=get_ema_multi_avg_fn(0.995))  # type: ignore[no-untyped-call]
    averaged: AutoencoderKL = average.module
    start = time.monotonic()
    for step in range(plan.steps):
        rate = plan.lr * min(1.0, (step + 1) / 60) * 0.5 * (1 + math.cos(math.pi * step / plan.steps))
        images = crops.draw(plan.batch)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(images).latent_dist
            latents = posterior.sample()
            if plan.decoder_only:
                # The transformer's latents are never quite clean: learn to forgive small errors.
                latents = latents + 0.1 * torch.rand(len(latents), 1, 1, 1) * torch.randn_like(latents)
            drawn = vae.decode(latents).sample
            loss = total = drawing_loss(drawn.float(), images)
            if not plan.decoder_only:
                total = total + plan.coarse * coarse_loss(vae, latents, images)
                total = total + plan.kl * _kl(posterior.mean, posterior.logvar)
        vae.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step(rate)
        average.update_parameters(vae)
        if step % 100 == 0:
            kl = _kl(posterior.mean, posterior.logvar).item()
            print(
                f"{step} {(time.monotonic() - start) / 60:.1f} min loss {loss.item():.4f} kl {kl:.3f}",
                flush=True,
            )
        if step % 300 == 299:
            averaged.save_pretrained(out)
    averaged.save_pretrained(out)


def measure_latents(vae: AutoencoderKL, rng: random.Random) -> tuple[float, float]:
    """Return the scaling factor and shift factor that make latents of scenes zero-mean with unit variance."""
    crops = Crops(rng, Art(), pool=128)
    with torch.no_grad():
        means = torch.cat([vae.encode(crops.draw(32)).latent_dist.mean for _ in range(8)])
    return 1 / means.std().item(), means.mean().item()


def _kl(mean: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mean.float() ** 2 + logvar.float().exp() - 1 - logvar.float()).mean()


def main() -> None:
    """Train from scratch, or polish only the decoder of an earlier run, and write the VAE's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the weights in --out")
    parser.add_argument(
        "--decoder-only", action="store_true", help="start from --out and leave its latents valid"
    )
    parser.add_argument("--out", type=Path, default=RUNS / "vae")
    args = parser.parse_args()
    vae = AutoencoderKL.from_pretrained(args.out) if args.decoder_only or args.resume else new_vae()
    plan = Plan(args.steps, lr=1e-3 if args.decoder_only else 2e-3, decoder_only=args.decoder_only)
    train(vae, plan, args.seed, args.out)
    if not args.decoder_only:
        trained = AutoencoderKL.from_pretrained(args.out)
        scaling, shift = measure_latents(trained, random.Random(0))
        trained.register_to_config(scaling_factor=scaling, shift_factor=shift)
        trained.save_pretrained(args.out)
        print(f"scaling_factor {scaling:.4f} shift_factor {shift:.4f}")


if __name__ == "__main__":
    main()
