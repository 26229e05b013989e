"""The Model over diffusers' ZImagePipeline: its numbers, one step at a time, for several pictures at once.

The pipeline keeps its scheduler's state on itself and runs a picture to its end; here each picture has its
own canvas (latents in fp32, its own sigmas), and the transformer is given a list of them with a vector of
times.
"""

from __future__ import annotations

import contextlib
import importlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline
from diffusers.pipelines.z_image.pipeline_z_image import calculate_shift, get_default_z_image_sigmas
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from engine.families.hostcopy import HostCopy
from engine.families.model import Canvas, Caption, DeviceMemory, Measurement, NotFinite
from engine.families.profile import ceil32
from engine.placement import Placement, finish, place
from engine.worker import hostmemory
from engine.worker.memory import Mode
from engine.worker.preview import Previews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.profile import Profile
    from engine.request import DrawRequest

MAX_PROMPT_TOKENS = 512
COMPONENTS = ("transformer", "text_encoder", "vae")
"""The largest first: it leaves main memory before the others come."""


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """The libraries' own progress bars would write across whatever face is on the terminal."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        diffusers_logging.enable_progress_bar()
        transformers_logging.enable_progress_bar()


@dataclass(slots=True, eq=False)
class ZCanvas:
    """A picture in the making: latents (channels, height / 8, width / 8), one more sigma than steps."""

    latents: torch.Tensor
    embeddings: tuple[torch.Tensor, ...]
    guidance: float
    timesteps: torch.Tensor
    sigmas: torch.Tensor
    step: int = 0
    guess: torch.Tensor | None = None
    """The finished latents as the last step foresaw them; what a preview shows."""


def _load(placement: Placement) -> Any:
    """The pipeline, one component after the other, so that main memory never holds them all."""
    # A folder is never looked for on a hub, whatever is missing from it.
    local = Path(placement.source).exists()
    where: dict[str, Any] = {"local_files_only": local, "revision": placement.revision}
    index = ZImagePipeline.load_config(placement.source, **where)
    parts = {}
    for name in COMPONENTS:
        library, kind = index[name]
        if library not in ("diffusers", "transformers"):
            raise ValueError(f"{placement.source}: {name} is code of its own ({library}), which is not run")
        component: Any = getattr(importlib.import_module(library), kind)
        weights = component.from_pretrained(placement.source, subfolder=name, dtype=placement.dtype, **where)
        parts[name] = place(name, weights, placement)
    return ZImagePipeline.from_pretrained(placement.source, dtype=placement.dtype, **parts, **where)


class ZImageModel:
    """Draws with a ZImagePipeline from a folder or a hub name, placed as `placement` says."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._device = torch.device(placement.device)
        self._pipeline: Any = None
        self._encoder: HostCopy | None = None
        """The text encoder, where it stays off the device between prompts."""
        self._previews: Previews | None = None
        self._tokenizing = threading.Lock()  # a tokenizer keeps its padding and truncation on itself
        self._schedules: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}
        self._loaded_bytes = 0
        self._began: Any = None

    @property
    def name(self) -> str:
        return self._placement.profile.name

    @property
    def profile(self) -> Profile:
        return self._placement.profile

    @property
    def pipeline(self) -> Any:
        """The ZImagePipeline itself, for comparisons."""
        return self._pipeline

    def load(self) -> None:
        self._pipeline = self._encoder = None
        self.release()
        placement = self._placement
        with _no_bars():
            pipeline = _load(placement)
        if pipeline.scheduler.config.get("stochastic_sampling"):
            raise ValueError(f"{placement.source}: a scheduler that adds noise at each step cannot be paused")
        self._previews = self._previews or Previews(pipeline.transformer.in_channels, placement)
        self._pipeline = finish(pipeline, placement)
        if placement.mode is Mode.MEDIUM:
            self._encoder = HostCopy(pipeline.text_encoder, self._device)
        if placement.on_gpu:
            self._loaded_bytes = torch.cuda.memory_allocated(self._device)

    def prepare_thread(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.set_device(self._device)
        else:
            torch.set_num_threads(1)

    def use_threads(self, count: int) -> None:
        if torch.get_num_threads() != count and not self._placement.on_gpu:
            torch.set_num_threads(count)

    @torch.inference_mode()
    def encode(self, prompts: Sequence[str]) -> list[Caption]:
        if self._placement.mode is Mode.LOW:
            self._pipeline.maybe_free_model_hooks()  # what the last picture left on the device goes first
        with self._encoder.on_device() if self._encoder is not None else contextlib.nullcontext():
            return [self._caption(prompt) for prompt in prompts]

    @torch.inference_mode()
    def begin(self, request: DrawRequest, captions: Sequence[Caption]) -> ZCanvas:
        pipeline = self._pipeline
        latents = pipeline.prepare_latents(
            1,
            pipeline.transformer.in_channels,
            request.height,
            request.width,
            torch.float32,
            self._device,
            torch.Generator("cpu").manual_seed(request.seed),
        )
        timesteps, sigmas = self._schedule((latents.shape[2] // 2) * (latents.shape[3] // 2), request.steps)
        embeddings: Any = tuple(caption.embedding for caption in captions)
        return ZCanvas(latents[0], embeddings, request.guidance, timesteps, sigmas)

    @torch.inference_mode()
    def step(self, canvases: Sequence[Canvas]) -> None:
        batch: list[ZCanvas] = list(canvases)  # type: ignore[arg-type]
        outputs = self._predict([(canvas, embedding) for canvas in batch for embedding in canvas.embeddings])
        after: list[tuple[torch.Tensor, torch.Tensor]] = []
        for canvas in batch:
            velocity = -self._guided(canvas, outputs)
            sigma, following = canvas.sigmas[canvas.step], canvas.sigmas[canvas.step + 1]
            after.append((canvas.latents + (following - sigma) * velocity, canvas.latents - sigma * velocity))
        for canvas, (latents, guess) in zip(batch, after, strict=True):  # nothing below can fail
            canvas.latents, canvas.guess = latents, guess
            canvas.step += 1
        if self._placement.on_gpu:
            torch.cuda.synchronize(self._device)  # a GPU answers before it has drawn

    def reference(self, request: DrawRequest) -> Image:
        with _no_bars(), self._encoder.on_device() if self._encoder is not None else contextlib.nullcontext():
            image: Image = self._pipeline(
                request.prompt,
                height=request.height,
                width=request.width,
                num_inference_steps=request.steps,
                guidance_scale=request.guidance,
                negative_prompt=request.negative_prompt,
                generator=torch.Generator("cpu").manual_seed(request.seed),
            ).images[0]
        return image

    def weights_bytes(self) -> Mapping[str, int]:
        parts = {name: getattr(self._pipeline, name).parameters() for name in COMPONENTS}
        return {name: sum(tensor.nbytes for tensor in tensors) for name, tensors in parts.items()}

    @torch.inference_mode()
    def preview(self, canvas: Canvas) -> Image:
        assert isinstance(canvas, ZCanvas)
        assert self._previews is not None
        return self._previews.draw(canvas.guess if canvas.guess is not None else canvas.latents)

    @torch.inference_mode()
    def decode(self, canvas: Canvas, *, tiled: bool) -> Image:
        assert isinstance(canvas, ZCanvas)
        vae = self._pipeline.vae
        vae.use_tiling = tiled
        scale = self._pipeline.vae_scale_factor
        tile_px, longest_px = self.profile.tile_px, max(canvas.latents.shape[-2:]) * scale
        if (
            tile_px >= longest_px
        ):  # asked for all the same, after an out-of-memory: one tile would free nothing
            tile_px = longest_px // 2
        vae.tile_latent_min_size = tile_px // scale
        vae.tile_sample_min_size = vae.tile_latent_min_size * scale
        latents = canvas.latents[None].to(vae.dtype) / vae.config.scaling_factor + vae.config.shift_factor
        pixels = vae.decode(latents, return_dict=False)[0]
        if not torch.isfinite(pixels).all():
            raise NotFinite(
                "the picture has values that are no numbers; what is drawn in 16 bits may overflow"
            )
        image: Image = self._pipeline.image_processor.postprocess(pixels, output_type="pil")[0]
        if self._previews is not None:
            self._previews.learn(canvas.latents, pixels[0])
        return image

    def held_bytes(self) -> int | None:
        return torch.cuda.memory_reserved(self._device) if self._placement.on_gpu else None

    def start_measuring(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.reset_peak_memory_stats(self._device)
            self._began = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            self._began.record()

    def measured(self) -> Measurement:
        if not self._placement.on_gpu:
            return Measurement()
        ended = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        ended.record()
        ended.synchronize()
        free, total = torch.cuda.mem_get_info(self._device)
        above = max(0, torch.cuda.max_memory_allocated(self._device) - self._loaded_bytes)
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

    def release(self) -> None:
        if self._placement.on_gpu:
            torch.cuda.empty_cache()

    def close(self) -> None:
        self._pipeline = self._encoder = None

    def _caption(self, prompt: str) -> Caption:
        """As the pipeline's `_encode_prompt`, which cannot tell whether it cut the prompt."""
        tokenizer, encoder = self._pipeline.tokenizer, self._pipeline.text_encoder
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )
        # The encoder is causal, so the padding after a text changes nothing in it but the rounding. In fp32
        # that cannot be seen; in 16 bits it can, and the pipeline's own picture is wanted.
        pads = self._placement.dtype is not torch.float32 or tokenizer.padding_side != "right"
        with self._tokenizing:
            tokens = tokenizer(
                text,
                padding="max_length" if pads else False,
                max_length=MAX_PROMPT_TOKENS,
                truncation=True,
                return_tensors="pt",
            ).to(self._device)
            full = int(tokens.attention_mask.sum()) == MAX_PROMPT_TOKENS
            cut = full and len(tokenizer(text)["input_ids"]) > MAX_PROMPT_TOKENS
        mask = tokens.attention_mask.bool()
        states = encoder(input_ids=tokens.input_ids, attention_mask=mask, output_hidden_states=True)
        embedding = states.hidden_states[-2][0][mask[0]]
        return Caption(embedding, len(embedding), embedding.nbytes, truncated=cut)

    def _schedule(self, tokens: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Timesteps (steps) and sigmas (steps + 1), as the pipeline asks its scheduler for them."""
        if (tokens, steps) not in self._schedules:
            scheduler: Any = FlowMatchEulerDiscreteScheduler.from_config(self._pipeline.scheduler.config)
            config = scheduler.config
            mu = calculate_shift(
                tokens,
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
                config.get("base_shift", 0.5),
                config.get("max_shift", 1.15),
            )
            scheduler.set_timesteps(sigmas=get_default_z_image_sigmas(steps), mu=mu, device=self._device)
            self._schedules[tokens, steps] = scheduler.timesteps, scheduler.sigmas
        return self._schedules[tokens, steps]

    def _predict(self, parts: Sequence[tuple[ZCanvas, torch.Tensor]]) -> dict[tuple[int, int], torch.Tensor]:
        """The transformer's answer for each canvas and caption, one forward for each padded caption length.

        Equal lengths need no mask, and a caption is never padded beyond its own multiple of 32: it would
        change the picture.
        """
        by_length: dict[int, list[tuple[ZCanvas, torch.Tensor]]] = {}
        for canvas, embedding in parts:
            by_length.setdefault(ceil32(len(embedding)), []).append((canvas, embedding))
        outputs: dict[tuple[int, int], torch.Tensor] = {}
        for group in by_length.values():
            times = torch.stack([(1000 - canvas.timesteps[canvas.step]) / 1000 for canvas, _ in group])
            latents = [canvas.latents.to(self._placement.dtype).unsqueeze(1) for canvas, _ in group]
            answers = self._pipeline.transformer(latents, times, [e for _, e in group], return_dict=False)[0]
            for (canvas, embedding), answer in zip(group, answers, strict=True):
                outputs[id(canvas), id(embedding)] = answer.float().squeeze(1)
        return outputs

    def _guided(self, canvas: ZCanvas, outputs: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
        wanted, *unwanted = (outputs[id(canvas), id(embedding)] for embedding in canvas.embeddings)
        return wanted + canvas.guidance * (wanted - unwanted[0]) if unwanted else wanted
