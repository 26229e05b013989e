"""What is particular to a kind of model. A family answers, in one file; the engine only compares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.families.model import Canvas, Caption, Model
    from engine.placement import Placement
    from engine.request import DrawRequest


@dataclass(frozen=True, slots=True)
class Need:
    """What the seconds and memory of a picture depend on: its size, and the captions that a step reads."""

    width: int
    height: int
    captions: int = 1

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.captions}"

    @classmethod
    def parse(cls, text: str) -> Need:
        width, height, captions = map(int, text.split("x"))
        return cls(width, height, captions)

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Plan:
    """What drawing a request comes to."""

    texts: tuple[str, ...]
    """To be encoded; `begin` takes their captions in this order."""
    steps: int
    """That are really run."""
    need: Need


class Sampler(Protocol):
    """A family's own arithmetic, over a pipeline of diffusers that is loaded. Called as the Model is."""

    def encode(self, prompt: str) -> Caption: ...

    def begin(self, request: DrawRequest, captions: Sequence[Caption]) -> Canvas: ...

    def step(self, canvases: Sequence[Canvas]) -> None: ...

    def latents(self, canvas: Canvas) -> Any:
        """As they are; a tensor (channels, height, width)."""

    def foreseen(self, canvas: Canvas) -> Any:
        """As the last step foresaw them at the end; what a preview shows."""

    def decodable(self, canvas: Canvas) -> Any:
        """As the pipeline's decoder takes them, one picture in a batch."""

    def reference(self, request: DrawRequest) -> Mapping[str, object]:
        """What the pipeline itself is called with, for the same picture."""


@dataclass(frozen=True)
class Family:
    """What most have in common: one caption, as many steps as asked for, a pipeline of diffusers.

    A family's module holds one of these as FAMILY. It imports torch only inside functions: the front asks it
    for plans, and loads nothing.
    """

    pipeline: str = ""
    """The class that model_index.json names; what the family is found by."""
    profile: str = ""
    """Its numbers, where a folder brings none of its own."""
    refused_dtypes: Mapping[str, str] = field(default_factory=dict)
    """Why, by dtype."""
    in_8_bits: tuple[str, ...] = ()
    """Layers of the transformer whose weights may be quantised; the others are small, and sensitive."""

    def plan(self, request: DrawRequest) -> Plan:
        """Pure. Raises ValueError for what cannot be drawn."""
        return Plan((request.prompt,), request.steps, Need(request.width, request.height))

    def load(self, placement: Placement) -> Model:
        """The model, to be loaded as the placement says."""
        from engine.worker.pipeline import PipelineModel

        return PipelineModel(placement)

    def sampler(self, pipeline: Any, placement: Placement) -> Sampler:
        """For a model that is loaded from a pipeline of diffusers."""
        raise NotImplementedError


PLAIN = Family()
"""For tables of numbers that say nothing of a family."""
