"""FLUX.2 klein: diffusers' Flux2KleinPipeline, one step at a time, for several pictures at once.

One model draws from words and edits by instruction: the tokens of the pictures to edit (the references)
follow those of the picture in the making, each reference at a time coordinate of its own, and only the
picture's come back changed. A caption always has 512 tokens, those of its padding included: the transformer
was trained to read them. So any two pictures of one size, with references of equal sizes, share a forward.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.families.family import Family
from engine.families.model import Caption
from engine.families.plan import Need, Plan
from engine.request import Role

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import torch
    from PIL.Image import Image

    from engine.families.family import Placement
    from engine.families.model import Canvas
    from engine.request import Picture
    from engine.worker.control import ControlNetwork
    from engine.worker.pipeline import PipelineModel

CAPTION_TOKENS = 512
LAYERS = (9, 18, 27)
"""Of the text encoder; a token's features are their outputs, one after the other."""
NO_GUIDANCE = 1.0


@dataclass(slots=True, eq=False)
class KleinCanvas:
    """A picture in the making: latents (tokens, channels), one more sigma than steps."""

    key: Hashable
    tokens: int
    latents: torch.Tensor
    grid: tuple[int, int]
    """Rows and columns of its tokens."""
    ids: torch.Tensor
    """Where each token stands: (tokens of the picture and its references, 4)."""
    references: torch.Tensor
    """Latents of the references (tokens, channels)."""
    embeddings: tuple[torch.Tensor, ...]
    guidance: float
    timesteps: torch.Tensor
    sigmas: torch.Tensor
    step: int = 0
    guess: torch.Tensor | None = None
    """The finished latents as the last step foresaw them."""


@dataclass(frozen=True)
class Flux2Klein(Family):
    """A caption; above a guidance of 1 also one of the negative prompt, unless the model is distilled."""

    takes: frozenset[Role] = frozenset({Role.REFERENCE})
    distilled: bool = True
    """It was trained to draw without guidance, in few steps."""

    def of_folder(self, index: Mapping[str, object]) -> Flux2Klein:
        return replace(self, distilled=bool(index.get("is_distilled", False)))

    def plan(self, request: Picture) -> Plan:
        guided = request.guidance > NO_GUIDANCE and not self.distilled
        texts = (request.prompt, request.negative_prompt) if guided else (request.prompt,)
        need = Need(request.width, request.height, len(texts), references=len(request.inputs))
        return Plan(texts, request.steps, need, pictures=len(request.inputs))

    def load(self, placement: Placement) -> PipelineModel:
        from engine.worker.pipeline import PipelineModel

        return PipelineModel(placement)

    def sampler(
        self, pipeline: Any, placement: Placement, control: ControlNetwork | None = None
    ) -> KleinSampler:
        return KleinSampler(pipeline, placement)


FAMILY = Flux2Klein(
    pipeline="Flux2KleinPipeline",
    profile="flux.2-klein-4b",
    imports=("diffusers.pipelines.flux2.pipeline_flux2_klein",),
    in_8_bits=("transformer_blocks",),
)


class KleinSampler:
    """The numbers of the pipeline, in another order."""

    def __init__(self, pipeline: Any, placement: Placement) -> None:
        self._pipeline = pipeline
        self._device = placement.device
        self._tokenizing = threading.Lock()  # a tokenizer keeps its padding and truncation on itself
        self._schedules: dict[tuple[int, int], tuple[torch.Tensor, torch.Tensor]] = {}

    def encode(self, prompt: str) -> Caption:
        """As the pipeline's `_get_qwen3_prompt_embeds`, without the words that would come next."""
        import torch

        tokenizer, encoder = self._pipeline.tokenizer, self._pipeline.text_encoder
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        with self._tokenizing:
            tokens = tokenizer(
                text,
                padding="max_length",
                max_length=CAPTION_TOKENS,
                truncation=True,
                return_tensors="pt",
            ).to(self._device)
            full = int(tokens.attention_mask.sum()) == CAPTION_TOKENS
            cut = full and len(tokenizer(text)["input_ids"]) > CAPTION_TOKENS
        states = encoder.model(
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
            output_hidden_states=True,
            use_cache=False,
        ).hidden_states
        embedding = torch.cat([states[layer][0] for layer in LAYERS], dim=-1)
        return Caption(embedding, embedding.nbytes, truncated=cut)

    def begin(
        self, request: Picture, captions: Sequence[Caption], pictures: Sequence[Image] = ()
    ) -> KleinCanvas:
        import torch

        pipeline = self._pipeline
        embeddings: Any = tuple(caption.embedding for caption in captions)
        packed, ids = pipeline.prepare_latents(
            1,
            pipeline.transformer.config.in_channels // 4,
            request.height,
            request.width,
            embeddings[0].dtype,
            torch.device(self._device),
            torch.Generator("cpu").manual_seed(request.seed),
        )
        latents, ids = packed[0].float(), ids[0]
        read = latents.new_zeros(0, latents.shape[1])
        if pictures:
            packed, their_ids = pipeline.prepare_image_latents(
                [self._pixels(picture) for picture in pictures], 1, None, self._device, pipeline.vae.dtype
            )
            read, ids = packed[0].float(), torch.cat([ids, their_ids[0]])
        side = 2 * pipeline.vae_scale_factor
        timesteps, sigmas = self._schedule(len(latents), request.steps)
        return KleinCanvas(
            key=(request.width, request.height, *(picture.size for picture in pictures)),
            tokens=len(embeddings) * (CAPTION_TOKENS + len(ids)),
            latents=latents,
            grid=(request.height // side, request.width // side),
            ids=ids,
            references=read,
            embeddings=embeddings,
            guidance=request.guidance,
            timesteps=timesteps,
            sigmas=sigmas,
        )

    def step(self, canvases: Sequence[Canvas]) -> None:
        batch: list[KleinCanvas] = list(canvases)  # type: ignore[arg-type]
        after: list[tuple[torch.Tensor, torch.Tensor]] = []
        for canvas, velocity in zip(batch, self._velocities(batch), strict=True):
            sigma, following = canvas.sigmas[canvas.step], canvas.sigmas[canvas.step + 1]
            latents = canvas.latents + (following - sigma) * velocity
            # As the pipeline, which keeps its latents in the model's dtype: or the pictures would differ.
            latents = latents.to(canvas.embeddings[0].dtype).float()
            after.append((latents, canvas.latents - sigma * velocity))
        for canvas, (latents, guess) in zip(batch, after, strict=True):  # nothing below can fail
            canvas.latents, canvas.guess = latents, guess
            canvas.step += 1

    def latents(self, canvas: Canvas) -> torch.Tensor:
        assert isinstance(canvas, KleinCanvas)
        return self._unpacked(canvas.latents, canvas.grid)

    def foreseen(self, canvas: Canvas) -> torch.Tensor:
        assert isinstance(canvas, KleinCanvas)
        return self._unpacked(canvas.latents if canvas.guess is None else canvas.guess, canvas.grid)

    def decodable(self, canvas: Canvas) -> torch.Tensor:
        return self.latents(canvas)[None].to(self._pipeline.vae.dtype)

    def reference(self, request: Picture) -> Mapping[str, object]:
        return {"guidance_scale": request.guidance}

    def _pixels(self, picture: Image) -> torch.Tensor:
        """As the pipeline prepares a reference, (1, 3, height, width) in -1..1."""
        processor, multiple = self._pipeline.image_processor, 2 * self._pipeline.vae_scale_factor
        picture = processor._resize_if_exceeds_area(picture)
        width, height = (side // multiple * multiple for side in picture.size)
        pixels: torch.Tensor = processor.preprocess(picture, height=height, width=width, resize_mode="crop")
        return pixels

    def _velocities(self, batch: Sequence[KleinCanvas]) -> list[torch.Tensor]:
        """Where each picture's latents go: one forward over all captions of all of them."""
        import torch

        pipeline = self._pipeline
        rows = [(canvas, embedding) for canvas in batch for embedding in canvas.embeddings]
        dtype = rows[0][1].dtype
        text_ids = pipeline._prepare_text_ids(rows[0][1][None]).to(self._device)
        times = torch.stack([canvas.timesteps[canvas.step].to(dtype) for canvas, _ in rows])
        answers = iter(
            pipeline.transformer(
                hidden_states=torch.stack([torch.cat([c.latents, c.references]) for c, _ in rows]).to(dtype),
                encoder_hidden_states=torch.stack([embedding for _, embedding in rows]),
                timestep=times / 1000,
                img_ids=batch[0].ids,
                txt_ids=text_ids,
                return_dict=False,
            )[0].float()
        )
        velocities = []
        for canvas in batch:
            wanted, *unwanted = (next(answers)[: len(canvas.latents)] for _ in canvas.embeddings)
            guided = unwanted[0] + canvas.guidance * (wanted - unwanted[0]) if unwanted else wanted
            velocities.append(guided)
        return velocities

    def _unpacked(self, latents: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        """As the decoder takes them: (channels, height / 8, width / 8)."""
        import torch

        norm = self._pipeline.vae.bn
        deviations = torch.sqrt(norm.running_var.float() + self._pipeline.vae.config.batch_norm_eps)
        patches = (latents * deviations + norm.running_mean.float()).T.reshape(1, -1, *grid)
        unpacked: torch.Tensor = self._pipeline._unpatchify_latents(patches)[0]
        return unpacked

    def _schedule(self, tokens: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Timesteps (steps) and sigmas (steps + 1), as the pipeline asks its scheduler for them."""
        import numpy as np
        from diffusers import FlowMatchEulerDiscreteScheduler
        from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

        if (tokens, steps) not in self._schedules:
            scheduler: Any = FlowMatchEulerDiscreteScheduler.from_config(self._pipeline.scheduler.config)
            own = scheduler.config.get("use_flow_sigmas", False)
            sigmas = None if own else np.linspace(1.0, 1 / steps, steps)
            mu = compute_empirical_mu(image_seq_len=tokens, num_steps=steps)
            scheduler.set_timesteps(steps, sigmas=sigmas, mu=mu, device=self._device)
            self._schedules[tokens, steps] = scheduler.timesteps, scheduler.sigmas
        return self._schedules[tokens, steps]
