"""Z-Image: diffusers' ZImagePipeline, one step at a time, for several pictures at once.

The pipeline keeps its scheduler's state on itself and runs a picture to its end; here each picture has its
own canvas (latents in fp32, its own sigmas), and the transformer is given a list of them with a vector of
times.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.families.family import Family
from engine.families.flow import Kept, steps_from
from engine.families.model import Caption
from engine.families.plan import Need, Plan
from engine.families.tiles import Grid, Tiles
from engine.families.zimage_control import MAX_PROMPT_TOKENS
from engine.request import Role, Undrawable

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import torch
    from PIL.Image import Image

    from engine.families.family import Placement
    from engine.families.model import Canvas
    from engine.request import Picture
    from engine.worker.control import ControlNetwork
    from engine.worker.pipeline import PipelineModel

SCALE = 8
"""Pixels a side of a latent pixel."""
LATENT_TOKENS_SIDE = 2
"""Latent pixels that a side of an image token has."""
TOKEN_MULTIPLE = 32
MOST_CONTROL = 2.0
"""The largest strength that a map can be followed at."""


def padded(tokens: int) -> int:
    """Sequence lengths are padded to a multiple inside the model."""
    return -(-tokens // TOKEN_MULTIPLE) * TOKEN_MULTIPLE


@dataclass(slots=True, eq=False)
class ZCanvas:
    """A picture in the making: latents (channels, height / 8, width / 8), one more sigma than rounds.

    A round is a step; of a picture that is drawn in tiles, a step of each tile.
    """

    key: Hashable
    tokens: int
    latents: torch.Tensor
    embeddings: tuple[torch.Tensor, ...]
    guidance: float
    sigmas: torch.Tensor
    kept: Kept | None = None
    tiles: Tiles | None = None
    followed: Followed | None = None
    step: int = 0
    guess: torch.Tensor | None = None
    """The finished latents as the last step foresaw them."""

    @property
    def round(self) -> int:
        return self.step // len(self.tiles.boxes) if self.tiles else self.step

    def seen(self, whole: torch.Tensor) -> torch.Tensor:
        """What of the latents, or of what is as large, the next step works on."""
        return self.tiles.of(whole, self.step) if self.tiles else whole


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A control map's latents (channels, height, width), and how closely it is followed."""

    latents: torch.Tensor
    strength: float


@dataclass(frozen=True)
class ZImage(Family):
    """A caption with guidance 0; above it a second one, of the negative prompt.

    Begins from a picture at any level of noise, and inpaints: neither changes the forward, so that such jobs
    share it with those of words alone. With a control network it follows maps, and jobs with maps of one kind
    share a forward.
    """

    takes: frozenset[Role] = frozenset({Role.INIT, Role.MASK, Role.CONTROL})
    shift: float | None = 3.0
    """How the schedule is bent; None where that depends on the size, and no picture can be begun from."""

    def plan(self, request: Picture) -> Plan:
        texts = (request.prompt, request.negative_prompt) if request.guidance > 0 else (request.prompt,)
        init, followed = request.input(Role.INIT), request.input(Role.CONTROL)
        roles = [picture.role for picture in request.inputs]
        if len(set(roles)) < len(roles) or (Role.MASK in roles and init is None):
            told = ", ".join(sorted(role.value for role in roles))
            raise Undrawable(
                f"one picture, mask and map at most, and no mask alone, can be drawn from, not {told}"
            )
        if followed is not None and not 0 <= followed.strength <= MOST_CONTROL:
            raise Undrawable(f"a map cannot be followed at a strength of {followed.strength:g}")
        steps, need = (
            request.steps,
            Need(request.width, request.height, len(texts), controls=followed is not None),
        )
        if init is not None:
            if not 0 < init.strength <= 1 or self.shift is None:
                raise Undrawable(f"a picture cannot be drawn from at a strength of {init.strength:g}")
            steps = steps_from(init.strength, steps, self.shift)
        return Plan(texts, steps, need, pictures=sum(role is not Role.MASK for role in roles))

    def scheduled(self, config: Mapping[str, Any]) -> ZImage:
        bent = None if config.get("use_dynamic_shifting") else config.get("shift", self.shift)
        return replace(self, shift=bent)

    def load(self, placement: Placement) -> PipelineModel:
        from engine.worker.pipeline import PipelineModel

        return PipelineModel(placement)

    def sampler(
        self, pipeline: Any, placement: Placement, control: ControlNetwork | None = None
    ) -> ZImageSampler:
        return ZImageSampler(pipeline, placement, control)


FAMILY = ZImage(
    pipeline="ZImagePipeline",
    profile="z-image-turbo",
    imports=("diffusers.pipelines.z_image.pipeline_z_image",),
    refused_dtypes={"float16": "Z-Image overflows in float16 and draws black pictures"},
    in_8_bits=("attention", "feed_forward"),
)


class ZImageSampler:
    """The numbers of the pipeline, in another order."""

    def __init__(self, pipeline: Any, placement: Placement, control: ControlNetwork | None = None) -> None:
        self._pipeline = pipeline
        self._control = control
        self._device = placement.device
        self._dtype = placement.dtype
        self._tokenizing = threading.Lock()  # a tokenizer keeps its padding and truncation on itself
        self._profile = placement.profile
        self._schedules: dict[tuple[int, int], torch.Tensor] = {}

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

    def begin(self, request: Picture, captions: Sequence[Caption], pictures: Sequence[Image] = ()) -> ZCanvas:
        import torch

        pipeline = self._pipeline
        noise = pipeline.prepare_latents(
            1,
            pipeline.transformer.in_channels,
            request.height,
            request.width,
            torch.float32,
            torch.device(self._device),
            torch.Generator("cpu").manual_seed(request.seed),
        )[0]
        grid = self._profile.tiles(request)
        height, width = (grid.height // SCALE, grid.width // SCALE) if grid else noise.shape[-2:]
        embeddings: Any = tuple(caption.embedding for caption in captions)
        image_tokens = (height // LATENT_TOKENS_SIDE) * (width // LATENT_TOKENS_SIDE)
        lengths = [padded(len(embedding)) for embedding in embeddings]
        sigmas = self._schedule(image_tokens, request.steps)
        followed = request.input(Role.CONTROL)
        canvas = ZCanvas(
            # Equal sizes and lengths need no mask, whatever the sigmas.
            key=(width, height, tuple(sorted(set(lengths))), followed and followed.kind),
            tokens=sum(padded(image_tokens) + length for length in lengths),
            latents=noise,
            embeddings=embeddings,
            guidance=request.guidance,
            sigmas=sigmas,
            tiles=Tiles.over(grid.scaled(SCALE), noise) if grid else None,
        )
        given = {part.role: picture for part, picture in zip(request.inputs, pictures, strict=True)}
        if (begun := request.input(Role.INIT)) is not None:
            rounds = self._profile.planner.plan(request).steps
            source, strength = self._encoded(given[Role.INIT]), begun.strength
            canvas.sigmas = torch.cat([sigmas.new_tensor([strength]), sigmas[-rounds:]])
            canvas.latents = strength * noise + (1 - strength) * source
            if Role.MASK in given:
                canvas.kept = Kept(source, noise, self._mask(given[Role.MASK]))
        if followed is not None:
            canvas.followed = Followed(self._map(given[Role.CONTROL]), followed.strength)
        return canvas

    def step(self, canvases: Sequence[Canvas]) -> None:
        batch: list[ZCanvas] = list(canvases)  # type: ignore[arg-type]
        outputs = self._predict([(canvas, embedding) for canvas in batch for embedding in canvas.embeddings])
        after = [_stepped(canvas, -_guided(canvas, outputs)) for canvas in batch]
        for canvas, (latents, guess, tiles) in zip(batch, after, strict=True):  # nothing below can fail
            canvas.latents, canvas.guess, canvas.tiles = latents, guess, tiles
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

    def reference(self, request: Picture) -> Mapping[str, object]:
        return {"guidance_scale": request.guidance, "negative_prompt": request.negative_prompt}

    def _encoded(self, picture: Image) -> torch.Tensor:
        """Latents (channels, height, width) of a picture: the encoder's mean, so the same each time."""
        vae, pixels = self._pipeline.vae, self._pipeline.image_processor.preprocess(picture)
        side = self._profile.tile_for(picture.width * picture.height) or max(picture.size)
        grid = Grid.over(picture.width, picture.height, side, multiple=SCALE * LATENT_TOKENS_SIDE)
        parts = []
        for box in grid:
            part = pixels[:, :, *box].to(self._device, vae.dtype)
            mean = vae.encode(part, return_dict=False)[0].mode()[0].float()
            parts.append((mean - vae.config.shift_factor) * vae.config.scaling_factor)
        if len(parts) == 1:
            only: torch.Tensor = parts[0]
            return only
        size = len(parts[0]), picture.height // SCALE, picture.width // SCALE
        return Tiles.over(grid.scaled(SCALE), parts[0].new_zeros(size)).blended(parts)

    def _mask(self, mask: Image) -> torch.Tensor:
        """(1, height, width) in 0..1, of latent pixels: how much of each is to be drawn."""
        import numpy as np
        import torch

        levels = np.asarray(mask.reduce(SCALE), dtype=np.float32) / 255
        return torch.from_numpy(levels)[None].to(self._device)

    def _map(self, picture: Image) -> torch.Tensor:
        """Latents of a control map, as the network takes them: channels for inpainting are left empty."""
        assert self._control is not None, "no control network is loaded"
        latents = self._encoded(picture)
        empty = latents.new_zeros(self._control.channels - len(latents), *latents.shape[1:])
        import torch

        return torch.cat([latents, empty]).to(self._dtype)

    def _schedule(self, tokens: int, steps: int) -> torch.Tensor:
        """Sigmas (steps + 1), as the pipeline asks its scheduler for them."""
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
            self._schedules[tokens, steps] = scheduler.sigmas
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
            times = torch.stack([(1000 - 1000 * canvas.sigmas[canvas.round]) / 1000 for canvas, _ in group])
            latents = [canvas.seen(canvas.latents).to(self._dtype).unsqueeze(1) for canvas, _ in group]
            captions = [embedding for _, embedding in group]
            hints = None
            if followed := [(canvas, canvas.followed) for canvas, _ in group if canvas.followed is not None]:
                assert self._control is not None
                maps = [canvas.seen(told.latents).unsqueeze(1) for canvas, told in followed]
                strengths = [told.strength for _, told in followed]
                hints = self._control.hints(latents, times, captions, maps, strengths)
            answers = self._pipeline.transformer(
                latents, times, captions, controlnet_block_samples=hints, return_dict=False
            )[0]
            for (canvas, embedding), answer in zip(group, answers, strict=True):
                outputs[id(canvas), id(embedding)] = answer.float().squeeze(1)
        return outputs


def _guided(canvas: ZCanvas, outputs: Mapping[tuple[int, int], torch.Tensor]) -> torch.Tensor:
    wanted, *unwanted = (outputs[id(canvas), id(embedding)] for embedding in canvas.embeddings)
    return wanted + canvas.guidance * (wanted - unwanted[0]) if unwanted else wanted


def _stepped(
    canvas: ZCanvas, velocity: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor | None, Tiles | None]:
    """Its latents, what they are foreseen to become, and its tiles, after a step with this velocity."""
    latents, tiles = canvas.latents, canvas.tiles
    if tiles is not None:
        tiles, whole = tiles.taken_in(velocity, canvas.step)
        if whole is None:
            return latents, canvas.guess, tiles
        velocity = whole
    sigma, following = canvas.sigmas[canvas.round], canvas.sigmas[canvas.round + 1]
    after, guess = latents + (following - sigma) * velocity, latents - sigma * velocity
    if canvas.kept is not None:
        after = canvas.kept.put_back(after, following)
        guess = canvas.kept.put_back(guess, 0 * sigma)
    return after, guess, tiles
