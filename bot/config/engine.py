"""The settings of what draws: the model, the engine, and the clusters and servers that draw for us."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bot.config.section import Duration, Language, PositiveDuration, Section

Quantisation = Literal["none", "int8", "float8"]


class Model(Section):
    """Which model draws, and how. With several models, `path` and `revision` stand in each one's
    [models.NAME] instead; the rest of this section holds for all of them.
    """

    path: str = "embedded"
    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    memory_mode: Literal["auto", "high", "medium", "low"] = "auto"
    attention: str = "auto"
    compile: bool = False
    quantisation: Quantisation = "none"
    vae_tiling_above_px: Annotated[int, Field(ge=256, le=8192)] = 1024
    control: Path | None = None
    upscaler: Path | None = None


class NamedModel(Section):
    """One of several models, under the name that members choose it by."""

    path: str
    revision: str | None = None
    quantisation: Quantisation | None = None
    control: Path | None = None
    tiers: tuple[str, ...] = ()
    price_factor: Annotated[int, Field(ge=1, le=100)] = 1
    default: bool = False
    about: dict[Language, Annotated[str, Field(min_length=1, max_length=100)]] = {}


ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]


class Server(Section):
    """A server that speaks OpenAI's image API."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
    name: Annotated[str, Field(pattern=r"^[\w.:-]{1,64}$")] | None = None
    gpu: str = ""
    at_once: Annotated[int, Field(ge=1, le=16)] = 2

    @property
    def known_as(self) -> str:
        """Its name; host and port where it was given none."""
        return self.name or urlsplit(self.url).netloc.rpartition("@")[2]


class OpenAI(Section):
    """Servers that draw instead of this machine, with `[engine] backend = "openai"`. Their keys come from the
    environment.
    """

    servers: tuple[Server, ...] = ()
    model: str | None = None
    timeout: PositiveDuration = dt.timedelta(minutes=5)
    golden_tolerance: Annotated[float, Field(gt=0, le=255)] = 6.0

    @field_validator("servers")
    @classmethod
    def _told_apart(cls, servers: tuple[Server, ...]) -> tuple[Server, ...]:
        names = [server.known_as for server in servers]
        if len(set(names)) < len(names):
            raise ValueError(f"must have a name each; these are: {', '.join(names)}")
        return servers


class Ray(Section):
    """A Ray cluster that draws instead of this process, with `[engine] backend = "ray"`."""

    address: Annotated[str, Field(pattern=r"^(local|auto|[\w.-]+:\d{1,5})$")] = "local"
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    min_workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    max_workers: Annotated[int, Field(ge=1, le=1024)] | None = None
    gpus: Annotated[float, Field(ge=0, le=8)] = 1
    cpus: Annotated[float, Field(ge=0, le=256)] = 1
    resources: dict[str, float] = {}
    work: PositiveDuration = dt.timedelta(minutes=1)
    cool_down: Duration = dt.timedelta(minutes=5)
    hung_after: PositiveDuration = dt.timedelta(seconds=10)

    @property
    def range(self) -> tuple[int, int]:
        """The fewest and the most workers."""
        if self.workers is not None:
            return self.workers, self.workers
        high = self.max_workers or max(1, self.min_workers or 1)
        return min(1, high) if self.min_workers is None else self.min_workers, high

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Ray:
        low, high = self.range
        if self.workers is not None and (self.min_workers, self.max_workers) != (None, None):
            raise ValueError("must have workers, or min_workers and max_workers, not both")
        if low > high:
            raise ValueError(f"min_workers is {low}, more than max_workers, {high}")
        return self


class Engine(Section):
    """Where drawing happens, and how members share the GPU."""

    backend: Literal["local", "ray", "openai"] = "local"
    worker: Literal["auto", "here", "child"] = "auto"
    max_active: Annotated[int, Field(ge=1, le=64)] = 3
    max_waiting: Annotated[int, Field(ge=1)] = 1000
    free_share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    memory_budget_mb: Annotated[int, Field(ge=64)] | None = None
    preview_every: Annotated[int, Field(ge=0, le=50)] = 2
    switch_after: Duration = dt.timedelta(seconds=20)
    step_timeout: PositiveDuration = dt.timedelta(minutes=1)
    drain_timeout: Duration = dt.timedelta(seconds=30)
    keep_warm_every: Duration = dt.timedelta(minutes=5)
    embedding_cache_mb: Annotated[int, Field(ge=0)] = 64
    result_cache_mb: Annotated[int, Field(ge=0)] = 128
