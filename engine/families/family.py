"""What is particular to a kind of model. A family answers, in one file; the engine only compares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from engine.families.plan import OneCaption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from PIL.Image import Image

    from engine.adapters import AdapterFile
    from engine.families.model import Canvas, Caption, Model
    from engine.families.profile import Profile
    from engine.families.zimage_control import ControlFile
    from engine.request import Picture
    from engine.worker.control import ControlNetwork
    from engine.worker.memory import Mode
    from engine.worker.parts import Parts
    from engine.worker.upscaling import UpscalerFile


QUANTISED = {"int8": "Int8WeightOnlyConfig", "float8": "Float8WeightOnlyConfig"}
"""torchao's configurations: weights in 8 bits, arithmetic in the model's dtype."""


class Sampler(Protocol):
    """A family's own arithmetic, over a pipeline of diffusers that is loaded. Called as the Model is."""

    def encode(self, prompt: str) -> Caption: ...

    def begin(
        self, request: Picture, captions: Sequence[Caption], pictures: Sequence[Image] = ()
    ) -> Canvas: ...

    def step(self, canvases: Sequence[Canvas]) -> None: ...

    def latents(self, canvas: Canvas) -> Any:
        """As they are; a tensor (channels, height, width)."""

    def foreseen(self, canvas: Canvas) -> Any:
        """As the last step foresaw them at the end; what a preview shows."""

    def decodable(self, canvas: Canvas) -> Any:
        """As the pipeline's decoder takes them, one picture in a batch."""

    def reference(self, request: Picture) -> Mapping[str, object]:
        """What the pipeline itself is called with, for the same picture."""


@dataclass(frozen=True)
class Family(OneCaption):
    """What most have in common: a pipeline of diffusers.

    `takes` says which pictures a family can draw from; a request with others is refused before it gets here.
    `begin` is given the pictures in the order of `request.inputs`, as RGB, or L for masks; all but REFERENCE
    have the request's size. `plan` says how many of them it encodes, so that the worker makes a call of its
    own of `begin`, and how many steps are really run. Beginning twice must give the same canvas: take an
    encoder's mean, not a sample. What lies outside a mask is pasted back by the worker, after decoding.

    A family's module holds one of these as FAMILY. It imports torch only inside functions: the front asks it
    for plans, and loads nothing.
    """

    pipeline: str = ""
    """The class that model_index.json names; what the family is found by."""
    profile: str = ""
    """Its numbers, where a folder brings none of its own."""
    imports: tuple[str, ...] = ()
    """Modules that loading imports, which takes seconds."""
    refused_dtypes: Mapping[str, str] = field(default_factory=dict)
    """Why, by dtype."""
    in_8_bits: tuple[str, ...] = ()
    """Layers of the transformer whose weights may be quantised; the others are small, and sensitive."""

    def of_folder(self, index: Mapping[str, object]) -> Family:
        """What this family is for a folder whose model_index.json says so."""
        return self

    def scheduled(self, config: Mapping[str, Any]) -> Family:
        """The same for a model whose scheduler is set so, by diffusers' names or a profile's [steps]."""
        return self

    def load(self, placement: Placement) -> Model:
        """The model, to be loaded as the placement says."""
        raise NotImplementedError

    def sampler(self, pipeline: Any, placement: Placement, control: ControlNetwork | None = None) -> Sampler:
        """For a model that is loaded from a pipeline of diffusers. `control`: only where it takes CONTROL."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Placement:
    """Decisions, ready to be carried out."""

    source: str
    revision: str | None
    family: Family
    profile: Profile
    device: str
    device_name: str
    dtype: torch.dtype
    mode: Mode
    budget_bytes: int | None
    attention: str | None
    compile_blocks: bool
    quantisation: str | None
    threads: int
    """CPU cores to draw with."""
    adapters: tuple[AdapterFile, ...] = ()
    control: ControlFile | None = None
    upscaler: UpscalerFile | None = None
    shared: Parts | None = field(default=None, compare=False)
    """Components that the models of a worker have in common."""

    @property
    def on_gpu(self) -> bool:
        return self.device != "cpu"

    @property
    def gpu_index(self) -> int:
        """As CUDA counts them."""
        return int(self.device.partition(":")[2] or 0)

    @property
    def lessons_key(self) -> str:
        """Stands for everything that memory peaks and seconds depend on."""
        profile = self.profile
        told = (
            sorted(profile.weights_bytes.items()),
            (profile.tile_above_pixels, profile.tile_px),
            (self.dtype, self.mode, self.attention, self.compile_blocks, self.quantisation),
            self.upscaler and self.upscaler.digest,
            tuple(version(name) for name in ("torch", "diffusers", "transformers")),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]
