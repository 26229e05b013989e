"""The byte tables of the shipped profiles, counted from the real architectures on torch's meta device."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, AutoencoderKLFlux2, Flux2Transformer2DModel, ZImageTransformer2DModel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Qwen3Config, Qwen3Model

from engine.events import Phase
from engine.families.registry import load_profile
from engine.worker.memory import USABLE_PART, Mode, choose_mode, needed_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.model

TURBO = load_profile("z-image-turbo")
KLEIN = load_profile("flux.2-klein-4b")
BYTES = 2
"""A parameter in bfloat16."""
TOKENS = 128
"""Of a usual caption."""
RTX_3090, RTX_4090, A10G = 25_438_126_080, 25_386_352_640, 24_146_608_128
"""Bytes that torch reports of these cards: 23.69, 23.64 and 22.49 GiB."""


class LiveTensors(TorchDispatchMode):
    """Counts the bytes of all tensors that live at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self._sizes:
                    self._sizes[storage._cdata] = storage.nbytes()
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._forget, storage._cdata)
        self.peak = max(self.peak, self.now)
        return made

    def _forget(self, storage: int) -> None:
        self.now -= self._sizes.pop(storage)


class FlashAttention(TorchFunctionMode):
    """Attention as a GPU does it: the matrix of all pairs is never there as a whole."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            return torch.empty_like(args[0] if args else kwargs["query"])
        return func(*args, **(kwargs or {}))


def peak_of(call: Callable[[], object]) -> int:
    live = LiveTensors()
    with torch.inference_mode(), FlashAttention(), live:
        call()
    return live.peak


def latents(side: int) -> torch.Tensor:
    return torch.empty(1, 16, side // 8, side // 8, device="meta", dtype=torch.bfloat16)


@pytest.fixture(scope="module")
def transformer() -> ZImageTransformer2DModel:
    with torch.device("meta"):
        return ZImageTransformer2DModel(
            dim=3840,
            n_heads=30,
            n_kv_heads=30,
            cap_feat_dim=2560,
            axes_dims=[32, 48, 48],
            axes_lens=[1536, 512, 512],
        ).bfloat16()


@pytest.fixture(scope="module")
def text_encoder() -> Qwen3Model:
    config = Qwen3Config(
        vocab_size=151936,
        hidden_size=2560,
        intermediate_size=9728,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
    )
    with torch.device("meta"):
        return Qwen3Model(config).bfloat16()


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    with torch.device("meta"):
        return AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=16,
            sample_size=1024,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ).bfloat16()


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_weights_are_the_architectures_parameters(
    transformer: torch.nn.Module, text_encoder: torch.nn.Module, vae: torch.nn.Module
) -> None:
    parts = {"transformer": transformer, "text_encoder": text_encoder, "vae": vae}
    assert {name: BYTES * parameters(part) for name, part in parts.items()} == TURBO.weights_bytes


def test_what_stays_in_16_bits_is_neither_attention_nor_feed_forward(transformer: torch.nn.Module) -> None:
    in_8_bits = sum(
        parameters(module)
        for name, module in transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and ("attention" in name or "feed_forward" in name)
    )
    assert TURBO.precise_bytes == BYTES * (parameters(transformer) - in_8_bits)
    assert TURBO.quantised().weights_bytes["transformer"] == TURBO.precise_bytes + in_8_bits


@pytest.mark.parametrize("side", [512, 1024, 2048])
def test_a_step_takes_what_the_profile_says(transformer: ZImageTransformer2DModel, side: int) -> None:
    caption = torch.empty(TOKENS, 2560, device="meta", dtype=torch.bfloat16)
    time = torch.empty(1, device="meta")
    counted = peak_of(
        lambda: transformer([latents(side)[0].unsqueeze(1)], time, [caption], return_dict=False)
    )
    assert counted <= TURBO.peak_bytes(Phase.DENOISE, side**2) <= 1.1 * counted


def test_encoding_takes_what_the_profile_says(text_encoder: Qwen3Model) -> None:
    tokens = torch.empty(1, 512, device="meta", dtype=torch.long)
    counted = peak_of(lambda: text_encoder(input_ids=tokens, output_hidden_states=True))
    assert counted <= TURBO.peak_bytes(Phase.ENCODE, 0) <= 1.1 * counted


@pytest.mark.parametrize("side", [512, 1024])
def test_the_vaes_tensors_leave_room_for_its_convolutions(vae: AutoencoderKL, side: int) -> None:
    """The profile has the published peak, in which a convolution's own room is contained.

    For the encoder, which nobody has measured, as much room is taken for it.
    """
    counted = peak_of(lambda: vae.decode(latents(side), return_dict=False))
    assert 1.5 * counted < TURBO.peak_bytes(Phase.DECODE, side**2) < 2.5 * counted
    pixels = torch.empty(1, 3, side, side, device="meta", dtype=torch.bfloat16)
    counted = peak_of(lambda: vae.encode(pixels, return_dict=False))
    assert 1.5 * counted < TURBO.peak_bytes(Phase.BEGIN, side**2) < 2.5 * counted


def test_above_1024_squared_the_decoder_is_given_tiles() -> None:
    at_1024 = TURBO.peak_bytes(Phase.DECODE, 1024**2)
    assert TURBO.peak_bytes(Phase.DECODE, 1280**2) == TURBO.peak_bytes(Phase.DECODE, 2048**2) == at_1024


def test_a_24_gb_card_holds_everything_and_the_largest_picture() -> None:
    for card_bytes in (RTX_3090, RTX_4090):
        assert choose_mode(TURBO, round(USABLE_PART * card_bytes), 2048**2) is Mode.HIGH
    assert choose_mode(TURBO, round(USABLE_PART * A10G), 1024**2) is Mode.MEDIUM, (
        "with error correction less is left"
    )


def test_on_8_gb_the_encoder_alone_does_not_fit() -> None:
    assert needed_bytes(TURBO.quantised(), Mode.LOW, 512**2) > USABLE_PART * 8 * 2**30


@pytest.fixture(scope="module")
def klein() -> Flux2Transformer2DModel:
    with torch.device("meta"):
        return Flux2Transformer2DModel(
            num_layers=5,
            num_single_layers=20,
            num_attention_heads=24,
            joint_attention_dim=7680,
            guidance_embeds=False,
        ).bfloat16()


@pytest.fixture(scope="module")
def klein_vae() -> AutoencoderKLFlux2:
    with torch.device("meta"):
        return AutoencoderKLFlux2().bfloat16()


def test_kleins_weights_are_the_architectures_parameters(
    klein: torch.nn.Module, text_encoder: torch.nn.Module, klein_vae: torch.nn.Module
) -> None:
    parts = {"transformer": klein, "text_encoder": text_encoder, "vae": klein_vae}
    assert {name: BYTES * parameters(part) for name, part in parts.items()} == KLEIN.weights_bytes
    in_8_bits = sum(
        parameters(module)
        for name, module in klein.named_modules()
        if isinstance(module, torch.nn.Linear) and "transformer_blocks" in name
    )
    assert KLEIN.precise_bytes == BYTES * (parameters(klein) - in_8_bits)


@pytest.mark.parametrize(("side", "references"), [(512, 0), (1024, 0), (1024, 1), (2048, 0)])
def test_a_step_of_klein_takes_what_the_profile_says(
    klein: Flux2Transformer2DModel, side: int, references: int
) -> None:
    tokens = (side // 16) ** 2 * (1 + references)

    def step() -> None:
        klein(
            hidden_states=torch.empty(1, tokens, 128, device="meta", dtype=torch.bfloat16),
            encoder_hidden_states=torch.empty(1, 512, 7680, device="meta", dtype=torch.bfloat16),
            timestep=torch.empty(1, device="meta", dtype=torch.bfloat16),
            img_ids=torch.empty(tokens, 4, device="meta"),
            txt_ids=torch.empty(512, 4, device="meta"),
            return_dict=False,
        )

    counted = peak_of(step)
    assert counted <= KLEIN.peak_bytes(Phase.DENOISE, side**2 * (1 + references)) <= 1.1 * counted


@pytest.mark.parametrize("side", [512, 1024])
def test_kleins_vae_has_room_for_its_convolutions(klein_vae: AutoencoderKLFlux2, side: int) -> None:
    empty = {"device": "meta", "dtype": torch.bfloat16}
    decoding = peak_of(lambda: klein_vae.decode(torch.empty(1, 32, side // 8, side // 8, **empty)))
    encoding = peak_of(lambda: klein_vae.encode(torch.empty(1, 3, side, side, **empty)))
    assert 1.5 * decoding < KLEIN.peak_bytes(Phase.DECODE, side**2) < 2.5 * decoding
    assert 1.5 * encoding < KLEIN.peak_bytes(Phase.BEGIN, side**2) < 2.5 * encoding
