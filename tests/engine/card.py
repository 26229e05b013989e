"""A card that tests make up: torch.cuda as far as Easel calls it, and the driver's NVML, over one account.

The sizes are the true ones: 24 GB, Z-Image-Turbo's weights, the peak that each call of it takes. Only the
model that draws is tiny, on the CPU, at a sixteenth of the pixels a side. The allocator and the driver tell
of the same bytes and do not agree, as in a container: to the driver our own process holds nothing.

It cannot show what is beyond its account: how long a call takes, what cuDNN takes beside the tensors, memory
that falls to pieces, weights on their way over PCIe, kernels that differ from the CPU's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from engine.events import Phase
from engine.families.profile import Curve, Profile
from engine.families.registry import load_profile
from engine.placement import resolve
from engine.settings import ModelSettings
from engine.worker.hostmemory import MEMINFO
from engine.worker.pipeline import PipelineModel

if TYPE_CHECKING:
    import pytest

    from engine.families.model import Place
    from tests.engine.nvml_stub import StandIn

GIB = 1 << 30
SMALLER = 16
"""A side of 64 pixels stands for 1024."""
CONTEXT_BYTES = 450_000_000
"""What CUDA itself takes of the card, and no allocator counts."""
ILLEGAL = "CUDA error: an illegal memory access was encountered"
NAMED_GPU = "cpu:0"
"""To torch this is the CPU, to Easel it is not: every branch for a GPU is taken."""


def turbo() -> Profile:
    """Z-Image-Turbo's profile, its bytes as they are and its pixels a sixteenth a side."""
    profile = load_profile("z-image-turbo")

    def fewer(curve: Curve) -> Curve:
        return Curve(tuple((pixels / SMALLER**2, value) for pixels, value in curve.points))

    peaks = profile.peaks
    return replace(
        profile,
        min_pixels=profile.min_pixels // SMALLER**2,
        max_pixels=profile.max_pixels // SMALLER**2,
        default_size=tuple(side // SMALLER for side in profile.default_size),
        tile_above_pixels=profile.tile_above_pixels // SMALLER**2,
        tile_px=profile.tile_px // SMALLER,
        step_s=fewer(profile.step_s),
        decode_s=fewer(profile.decode_s),
        batch_gain=fewer(profile.batch_gain),
        peaks=replace(peaks, begin=fewer(peaks.begin), step=fewer(peaks.step), decode=fewer(peaks.decode)),
    )


class Card:
    """The account. What the tests change (`neighbours`, `fault`), and what the code did (`calls`)."""

    def __init__(self, driver: StandIn, folder: Path, total: int = 24 * GIB) -> None:
        self._meminfo = folder / "meminfo"
        self.host(64 * GIB)
        self.total = total
        self.loaded: dict[str, int] = {}
        """Weights by model."""
        self.pinned = 0
        """Main memory that was pinned for them."""
        self.cached = 0
        """The allocator keeps what a call has given back."""
        self.peak = 0
        self.calls: list[str] = []
        self.refused = 0
        """How often it ran out of memory."""
        self._driver = driver
        self._neighbours = self._unseen = 0
        self._broken = False
        self.tell()

    @property
    def weights(self) -> int:
        return sum(self.loaded.values())

    @property
    def reserved(self) -> int:
        return self.weights + self.cached

    @property
    def free(self) -> int:
        return self.total - CONTEXT_BYTES - self._neighbours - self.reserved

    def neighbours(self, nbytes: int) -> None:
        """Another process holds so much from now on."""
        self._neighbours = nbytes
        self.tell()

    def unseen(self, nbytes: int) -> None:
        """So much is gone that the driver has not told of: it came since, or memory fell to pieces."""
        self._unseen = nbytes

    def fault(self) -> None:
        """The context is broken from now on. Nobody hears of it before the device is waited for."""
        self._broken = True

    def tell(self) -> None:
        """The driver counts what is in use, and calls our part of it nothing."""
        used = self.total - self.free
        self._driver.set(
            memory_total=self.total, memory_reserved=0, memory_used=used, processes=f"{os.getpid()}:0"
        )

    def load(self, model: str, nbytes: int) -> None:
        self.loaded[model] = nbytes
        assert self.free >= 0, f"{self.loaded} are not there at the same time"
        self.tell()

    def host(self, nbytes: int) -> None:
        """So much main memory is free, by the kernel's word."""
        self._meminfo.write_text(f"MemAvailable: {nbytes // 1024} kB\n")

    def call(self, nbytes: int) -> None:
        """A call takes so much above the weights, and gives it back to the allocator."""
        if nbytes > self.free + self.cached - self._unseen:
            self.refused += 1
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {nbytes / GIB:.2f} GiB.")
        self.peak = max(self.peak, self.weights + nbytes)
        self.cached = max(self.cached, nbytes)
        self.tell()

    def wait(self) -> None:
        if self._broken:
            raise torch.AcceleratorError(ILLEGAL)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In torch.cuda's place."""
        card = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing

            def record(self) -> None: ...

            def synchronize(self) -> None:
                card.wait()

            def elapsed_time(self, later: Event) -> float:
                return 1.0

        def empty_cache() -> None:
            card.calls.append("empty_cache")
            card.cached = 0
            card.tell()

        def reset_peak(_device: object) -> None:
            card.peak = card.weights

        answers: dict[str, Any] = {
            "Event": Event,
            "set_device": lambda _device: None,
            "synchronize": lambda _device: card.wait(),
            "empty_cache": empty_cache,
            "memory_allocated": lambda _device: card.weights,
            "memory_reserved": lambda _device: card.reserved,
            "max_memory_allocated": lambda _device: card.peak,
            "reset_peak_memory_stats": reset_peak,
            "mem_get_info": lambda _device: (card.free, card.total),
        }
        for name, answer in answers.items():
            monkeypatch.setattr(torch.cuda, name, answer)

        def pin(tensor: torch.Tensor) -> torch.Tensor:
            card.pinned += tensor.nbytes
            return tensor

        monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
        read_text, meminfo = Path.read_text, self._meminfo

        def read_ours(path: Path, *args: Any, **kwargs: Any) -> str:
            return read_text(meminfo if path == MEMINFO else path, *args, **kwargs)

        monkeypatch.setattr(Path, "read_text", read_ours)


class CardModel(PipelineModel):
    """The model on the card, everything resident: each part takes the bytes that the real one would."""

    def __init__(self, card: Card, folder: Path, name: str = "z-image-turbo") -> None:
        placement = resolve(ModelSettings(source=str(folder), device="cpu"))
        self.placement = replace(placement, device=NAMED_GPU, profile=replace(turbo(), name=name))
        self.loads = 0
        self._card = card
        super().__init__(self.placement)

    def load(self) -> None:
        super().load()
        profile, card = self.placement.profile, self._card
        card.load(self.name, profile.resident_bytes)
        self.loads += 1

        def encode(_module: object, _args: object, _named: object) -> None:
            visiting = profile.resident_bytes - card.weights
            card.call(visiting + profile.peak_bytes(Phase.ENCODE, 0))

        def step(_module: object, args: tuple[Any, ...], _named: object) -> None:
            card.call(sum(profile.peak_bytes(Phase.DENOISE, pixels(latents)) for latents in args[0]))

        def decode(_module: object, args: tuple[Any, ...], _named: object) -> None:
            card.call(round(profile.peaks.decode.at(pixels(args[0]))))

        for module, take in (
            (self.pipeline.text_encoder, encode),
            (self.pipeline.transformer, step),
            (self.pipeline.vae.decoder, decode),
        ):
            module.register_forward_pre_hook(take, with_kwargs=True)

    def lighten(self) -> None:
        super().lighten()
        weights = self.placement.profile.weights_bytes
        self._card.load(self.name, sum(weights.values()) - weights["text_encoder"])

    def park(self) -> Place:
        place = super().park()
        self._card.load(self.name, 0)
        return place

    def bring(self) -> None:
        super().bring()
        self._card.load(self.name, self.placement.profile.resident_bytes)

    def take(self, nbytes: int) -> object:
        self._card.call(nbytes)
        return object()


def pixels(latents: torch.Tensor) -> int:
    return 64 * latents.shape[-1] * latents.shape[-2]
