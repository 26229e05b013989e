"""A model loaded from a pipeline of diffusers: where its parts are, its threads, its memory, its decoder.

What is particular to a kind of model is its family's: `Family.sampler` does the arithmetic.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import torch
from PIL.Image import Resampling

from engine.families.model import Canvas, Caption, DeviceMemory, Measurement, Model, NotFinite, Place
from engine.families.profile import CONTROL
from engine.worker import hostmemory
from engine.worker.adapters import Adapters
from engine.worker.control import ControlNetwork
from engine.worker.hostcopy import nbytes_of
from engine.worker.loading import finish, load_parts, no_bars
from engine.worker.memory import ADAPTERS, COMPONENTS, ENCODER, Mode
from engine.worker.parts import Part, Parts
from engine.worker.preview import Previews
from engine.worker.upscaling import Upscaler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.family import Placement, Sampler
    from engine.request import Adapter, Picture


SPARE_BYTES = 4 << 30
"""Of main memory; beyond that a model that leaves the device is dropped, to be read from disk again."""


class PipelineModel(Model):
    """From a folder or a hub name, placed as `placement` says."""

    def __init__(self, placement: Placement) -> None:
        self.name, self.profile = placement.profile.name, placement.profile
        self._placement = placement
        self._shared = placement.shared or Parts()
        self._device = torch.device(placement.device)
        self._pipeline: Any = None
        self._loaded: Sampler | None = None
        self._parts: dict[str, Part] = {}
        self._adapters: Adapters | None = None
        self._upscaler: Upscaler | None = None
        self._previews: Previews | None = None
        self._held_before = 0
        self._began: Any = None

    @property
    def pipeline(self) -> Any:
        """The pipeline itself, for comparisons."""
        return self._pipeline

    def load(self) -> None:
        self.close()
        self.release()
        placement = self._placement
        with no_bars():
            pipeline, self._parts = load_parts(placement, self._shared)
        if pipeline.scheduler.config.get("stochastic_sampling"):
            raise ValueError(f"{placement.source}: a scheduler that adds noise at each step cannot be paused")
        self._previews = self._previews or Previews(placement)
        self._pipeline = finish(pipeline, placement)
        control = None
        if placement.control is not None:
            control = ControlNetwork(
                placement.control,
                pipeline.transformer,
                self._device,
                placement.dtype,
                pins=placement.on_gpu,
            )
            self._parts[CONTROL] = control.part
            if placement.mode is Mode.LOW:
                control.part.lighten()
        self._loaded = placement.family.sampler(pipeline, placement, control)
        if placement.mode is Mode.MEDIUM:
            self._parts[ENCODER].lighten()
        for part in self._parts.values():
            part.come(self)
        if placement.upscaler is not None:
            self._upscaler = Upscaler(placement.upscaler.path, placement.device)
        if placement.adapters:
            room_bytes = placement.profile.weights_bytes[ADAPTERS]
            self._adapters = Adapters(pipeline, placement.adapters, room_bytes)
            self._adapters.read_all()
            if placement.on_gpu:
                importlib.import_module("peft")  # not in the first step with a LoRA, which is paid for

    def prepare_thread(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.set_device(self._device)
        else:
            torch.set_num_threads(1)

    def use_threads(self, count: int) -> None:
        if torch.get_num_threads() != count and not self._placement.on_gpu:
            torch.set_num_threads(count)

    def use_adapters(self, adapters: Sequence[Adapter]) -> None:
        if self._adapters is not None:
            self._adapters.use(adapters)
        elif adapters:
            raise ValueError(f"there is no LoRA called {adapters[0].name}")

    def refused_adapters(self) -> Mapping[str, str]:
        return self._adapters.refused if self._adapters is not None else {}

    @torch.inference_mode()
    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        if self._placement.mode is Mode.LOW:
            self._pipeline.maybe_free_model_hooks()  # what the last picture left on the device goes first
        with self._parts[ENCODER].at_work():
            return [self._sampler.encode(prompt) for prompt in prompts]

    @property
    def upscales(self) -> bool:
        return self._placement.upscaler is not None

    def resized(self, picture: Image, size: tuple[int, int]) -> Image:
        larger = picture.width < size[0] and picture.height < size[1]
        if self._upscaler is not None and larger:
            return self._upscaler.enlarged(picture, size)
        return picture.resize(size, Resampling.LANCZOS)

    @torch.inference_mode()
    def begin(self, request: Picture, captions: Sequence[Caption], pictures: Sequence[Image] = ()) -> Canvas:
        return self._sampler.begin(request, captions, pictures)

    @torch.inference_mode()
    def step(self, canvases: Sequence[Canvas]) -> None:
        self._sampler.step(canvases)
        if self._placement.on_gpu:
            torch.cuda.synchronize(self._device)  # a GPU answers before it has drawn

    def reference(self, request: Picture) -> Image:
        self.use_adapters(request.adapters)
        with no_bars(), self._parts[ENCODER].at_work():
            image: Image = self._pipeline(
                prompt=request.prompt,
                height=request.height,
                width=request.width,
                num_inference_steps=request.steps,
                generator=torch.Generator("cpu").manual_seed(request.seed),
                **self._sampler.reference(request),
            ).images[0]
        return image

    def weights_bytes(self) -> Mapping[str, int]:
        parts = {name: getattr(self._pipeline, name).named_parameters() for name in COMPONENTS}
        weights = {
            part: sum(tensor.nbytes for name, tensor in tensors if ".lora_" not in name)
            for part, tensors in parts.items()
        }
        control = self._parts.get(CONTROL)
        return weights if control is None else weights | {CONTROL: nbytes_of(control.module)}

    @torch.inference_mode()
    def preview(self, canvas: Canvas) -> Image:
        assert self._previews is not None
        return self._previews.draw(self._sampler.foreseen(canvas))

    @torch.inference_mode()
    def decode(self, canvas: Canvas, *, tile_px: int | None) -> Image:
        vae, latents = self._pipeline.vae, self._sampler.latents(canvas)
        vae.use_tiling = tile_px is not None
        if tile_px is not None:
            scale = self._pipeline.vae_scale_factor
            vae.tile_latent_min_size = tile_px // scale
            vae.tile_sample_min_size = vae.tile_latent_min_size * scale
        pixels = vae.decode(self._sampler.decodable(canvas), return_dict=False)[0]
        if not torch.isfinite(pixels).all():
            raise NotFinite(
                "the picture has values that are no numbers; what is drawn in 16 bits may overflow"
            )
        image: Image = self._pipeline.image_processor.postprocess(pixels, output_type="pil")[0]
        if self._previews is not None:
            self._previews.learn(latents, pixels[0])
        return image

    def held_bytes(self) -> int | None:
        return torch.cuda.memory_reserved(self._device) if self._placement.on_gpu else None

    def start_measuring(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._held_before = torch.cuda.memory_allocated(self._device) - self._adapters_bytes
            self._began = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self._began.record()

    def measured(self) -> Measurement:
        if not self._placement.on_gpu:
            return Measurement()
        ended = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        ended.record()
        ended.synchronize()
        free, total = torch.cuda.mem_get_info(self._device)
        before = self._held_before + self._adapters_bytes  # one that came for the call stays
        above = max(0, torch.cuda.max_memory_allocated(self._device) - before)
        return Measurement(
            # Offloaded weights come and go: what is above them cannot be told from what they are.
            peak_bytes=None if self._placement.mode is Mode.LOW else above,
            device_s=self._began.elapsed_time(ended) / 1000,
            memory=DeviceMemory(total, free, torch.cuda.memory_reserved(self._device)),
        )

    def peak_of(self, call: Callable[[], object]) -> int | None:
        if not self._placement.on_gpu:
            return hostmemory.peak_of(call)
        self.start_measuring()
        call()
        return self.measured().peak_bytes

    def take(self, nbytes: int) -> object:
        return torch.empty(nbytes, dtype=torch.uint8, device=self._device)

    def park(self) -> Place:
        if self._placement.mode is Mode.LOW:
            self._pipeline.maybe_free_model_hooks()
            return Place.HOST
        missing_bytes = sum(part.missing_bytes for part in self._parts.values())
        if self._placement.on_gpu and missing_bytes + SPARE_BYTES > (hostmemory.free_bytes() or 0):
            self.close()
            self.release()
            return Place.DISK
        for part in self._parts.values():
            part.leave(self)
        self.release()
        return Place.HOST

    def bring(self) -> None:
        for part in self._parts.values():
            part.come(self)
        if self._placement.on_gpu:
            torch.cuda.synchronize(self._device)

    def lighten(self) -> None:
        self._parts[ENCODER].lighten()
        self.release()

    def release(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.empty_cache()

    def close(self) -> None:
        for part in self._parts.values():
            part.forget(self)
        self._parts = {}
        self._pipeline = self._loaded = self._adapters = self._upscaler = None

    @property
    def _adapters_bytes(self) -> int:
        return self._adapters.held_bytes if self._adapters is not None else 0

    @property
    def _sampler(self) -> Sampler:
        assert self._loaded is not None, "not loaded"
        return self._loaded
