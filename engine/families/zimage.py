"""Z-Image: diffusers' ZImagePipeline, one step at a time, for several pictures at once.

The pipeline keeps its scheduler's state on itself and runs a picture to its end; here each picture has its
own canvas (latents in fp32, its own sigmas), and the transformer is given a list of them with a vector of
times.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.families.family import Family
from engine.families.model import Caption
from engine.families.plan import Need, Plan

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import torch
    from PIL.Image import Image

    from engine.families.family import Placement
    from engine.families.model import Canvas
    from engine.request import DrawRequest
    from engine.worker.pipeline import PipelineModel

MAX_PROMPT_TOKENS = 512
LATENT_TOKENS_SIDE = 2
"""Latent pixels that a side of an image token has."""
TOKEN_MULTIPLE = 32


def padded(tokens: int) -> int:
    """Sequence lengths are padded to a multiple inside the model."""
    return -(-tokens // TOKEN_MULTIPLE) * TOKEN_MULTIPLE


@dataclass(slots=True, eq=False)
class ZCanvas:
    """A picture in the making: latents (channels, height / 8, width / 8), one more sigma than steps."""

    key: Hashable
    tokens: int
    latents: torch.Tensor
    embeddings: tuple[torch.Tensor, ...]
    guidance: float
    timesteps: torch.Tensor
    sigmas: torch.Tensor
    step: int = 0
    guess: torch.Tensor | None = None
    """The finished latents as the last step foresaw them."""


class ZImage(Family):
    """A caption with guidance 0; above it a second one, of the negative prompt."""

    def plan(self, request: DrawRequest) -> Plan:
        texts = (request.prompt, request.negative_prompt) if request.guidance > 0 else (request.prompt,)
        return Plan(texts, request.steps, Need(request.width, request.height, len(texts)))

    def load(self, placement: Placement) -> PipelineModel:
        from engine.worker.pipeline import PipelineModel

        return PipelineModel(placement)

    def sampler(self, pipeline: Any, placement: Placement) -> ZImageSampler:
        return ZImageSampler(pipeline, placement)


FAMILY = ZImage(
    pipeline="ZImagePipeline",
    profile="z-image-turbo",
    imports=("diffusers.pipelines.z_image.pipeline_z_image",),
    refused_dtypes={"float16": "Z-Image overflows in float16 and draws black pictures"},
    in_8_bits=("attention", "feed_forward"),
)


class ZImageSampler:
    """The numbers of the pipeline, in another order."""

    def __init__(self, pipeline: Any, placement: Placement) -> None:
        self._pipeline = pipeline
        self._device = placement.device
        self._dtype = placement.dtype
        self._tokenizing = threading.Lock()  # a tokenizer keeps its padding and truncation on itself
        self._schedules: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def encode(self, prompt: str) -> Caption:
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
        pads = self._dtype.itemsize < 4 or tokenizer.padding_side != "right"
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
        return Caption(embedding, embedding.nbytes, truncated=cut)

    def begin(self, request: DrawRequest, captions: Sequence[Caption], pictures: Sequence[Image]) -> ZCanvas:
        import torch

        pipeline = self._pipeline
        latents = pipeline.prepare_latents(
            1,
            pipeline.transformer.in_channels,
            request.height,
            request.width,
            torch.float32,
            torch.device(self._device),
            torch.Generator("cpu").manual_seed(request.seed),
        )
        embeddings: Any = tuple(caption.embedding for caption in captions)
        height, width = latents.shape[-2:]
        image_tokens = (height // LATENT_TOKENS_SIDE) * (width // LATENT_TOKENS_SIDE)
        lengths = [padded(len(embedding)) for embedding in embeddings]
        timesteps, sigmas = self._schedule(image_tokens, request.steps)
        return ZCanvas(
            # Equal sizes and lengths need no mask, whatever the sigmas.
            key=(width, height, tuple(sorted(set(lengths)))),
            tokens=sum(padded(image_tokens) + length for length in lengths),
            latents=latents[0],
            embeddings=embeddings,
            guidance=request.guidance,
            timesteps=timesteps,
            sigmas=sigmas,
        )

    def step(self, canvases: Sequence[Canvas]) -> None:
        batch: list[ZCanvas] = list(canvases)  # type: ignore[arg-type]
        outputs = self._predict([(canvas, embedding) for canvas in batch for embedding in canvas.embeddings])
        after: list[tuple[torch.Tensor, torch.Tensor]] = []
        for canvas in batch:
            velocity = -_guided(canvas, outputs)
            sigma, following = canvas.sigmas[canvas.step], canvas.sigmas[canvas.step + 1]
            after.append((canvas.latents + (following - sigma) * velocity, canvas.latents - sigma * velocity))
        for canvas, (latents, guess) in zip(batch, after, strict=True):  # nothing below can fail
            canvas.latents, canvas.guess = latents, guess
            canvas.step += 1

    def latents(self, canvas: Canvas) -> torch.Tensor:
        assert isinstance(canvas, ZCanvas)
        return canvas.latents

    def foreseen(self, canvas: Canvas) -> torch.Tensor:
        assert isinstance(canvas, ZCanvas)
        return canvas.guess if canvas.guess is not None else canvas.latents

    def decodable(self, canvas: Canvas) -> torch.Tensor:
        vae = self._pipeline.vae
        latents = self.latents(canvas)[None].to(vae.dtype)
        scaled: torch.Tensor = latents / vae.config.scaling_factor + vae.config.shift_factor
        return scaled

    def reference(self, request: DrawRequest) -> Mapping[str, object]:
        return {"guidance_scale": request.guidance, "negative_prompt": request.negative_prompt}

    def _schedule(self, tokens: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Timesteps (steps) and sigmas (steps + 1), as the pipeline asks its scheduler for them."""
        from diffusers import FlowMatchEulerDiscreteScheduler
        from diffusers.pipelines.z_image import pipeline_z_image

        if (tokens, steps) not in self._schedules:
            scheduler: Any = FlowMatchEulerDiscreteScheduler.from_config(self._pipeline.scheduler.config)
            config = scheduler.config
            mu = pipeline_z_image.calculate_shift(
                tokens,
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
                config.get("base_shift", 0.5),
                config.get("max_shift", 1.15),
            )
            sigmas = pipeline_z_image.get_default_z_image_sigmas(steps)
            scheduler.set_timesteps(sigmas=sigmas, mu=mu, device=self._device)
            self._schedules[tokens, steps] = scheduler.timesteps, scheduler.sigmas
        return self._schedules[tokens, steps]

    def _predict(self, parts: Sequence[tuple[ZCanvas, torch.Tensor]]) -> dict[tuple[int, int], torch.Tensor]:
        """The transformer's answer for each canvas and caption, one forward for each padded caption length.

        Equal lengths need no mask, and a caption is never padded beyond its own multiple: it would change the
        picture.
        """
        import torch

        by_length: dict[int, list[tuple[ZCanvas, torch.Tensor]]] = {}
        for canvas, embedding in parts:
            by_length.setdefault(padded(len(embedding)), []).append((canvas, embedding))
        outputs: dict[tuple[int, int], torch.Tensor] = {}
        for group in by_length.values():
            times = torch.stack([(1000 - canvas.timesteps[canvas.step]) / 1000 for canvas, _ in group])
            latents = [canvas.latents.to(self._dtype).unsqueeze(1) for canvas, _ in group]
            answers = self._pipeline.transformer(latents, times, [e for _, e in group], return_dict=False)[0]
            for (canvas, embedding), answer in zip(group, answers, strict=True):
                outputs[id(canvas), id(embedding)] = answer.float().squeeze(1)
        return outputs


def _guided(canvas: ZCanvas, outputs: Mapping[tuple[int, int], torch.Tensor]) -> torch.Tensor:
    wanted, *unwanted = (outputs[id(canvas), id(embedding)] for embedding in canvas.embeddings)
    return wanted + canvas.guidance * (wanted - unwanted[0]) if unwanted else wanted
