"""A control network beside a loaded transformer, through diffusers' own model.

It has embedders and refiners in common with the transformer, which keeps them: only the network's own weights
come and go with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import ZImageControlNetModel
from safetensors.torch import load_file

from engine.families.zimage_control import REFINER, Refiner
from engine.worker.parts import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.families.zimage_control import ControlFile


class ControlNetwork:
    """Tells the transformer, before each step, how its layers have to lean to follow the maps."""

    def __init__(
        self, file: ControlFile, transformer: Any, device: torch.device, dtype: torch.dtype, *, pins: bool
    ) -> None:
        network = _read(file, transformer, dtype)
        own = torch.nn.ModuleList(network.children()).to(device)
        self.part = Part(own, device, pins=pins)
        self.channels = file.layout.channels
        self._transformer = transformer
        self._network: Any = ZImageControlNetModel.from_transformer(network, transformer)

    def hints(
        self,
        latents: Sequence[torch.Tensor],
        times: torch.Tensor,
        embeddings: Sequence[torch.Tensor],
        maps: Sequence[torch.Tensor],
        strengths: Sequence[float],
    ) -> dict[int, torch.Tensor]:
        """What each layer's output gets on top (pictures, tokens, width), by the layer.

        Latents and maps are (channels, 1, height, width), all of one size; captions of one padded length.
        """
        scale = latents[0].new_tensor(strengths)[:, None, None]
        with self.part.at_work():
            if (hook := getattr(self._transformer, "_hf_hook", None)) is not None:
                hook.pre_forward(self._transformer)  # what they share is where the transformer is
            hints: dict[int, torch.Tensor] = self._network(
                list(latents), times, list(embeddings), list(maps), conditioning_scale=scale
            )
        return hints


def _read(file: ControlFile, transformer: Any, dtype: torch.dtype) -> Any:
    """Its own weights alone, in main memory."""
    base, layout = transformer.config, file.layout
    with torch.device("meta"):
        network = ZImageControlNetModel(
            control_layers_places=list(layout.places),
            control_refiner_layers_places=list(range(base.n_refiner_layers)),
            control_in_dim=layout.channels,
            add_control_noise_refiner=layout.refiner.value,
            dim=base.dim,
            n_refiner_layers=base.n_refiner_layers,
            n_heads=base.n_heads,
            n_kv_heads=base.n_kv_heads,
            norm_eps=base.norm_eps,
            qk_norm=base.qk_norm,
        )
    state = load_file(file.path)
    if layout.refiner is Refiner.LAYERS:
        state = {key: weight for key, weight in state.items() if not REFINER.match(key)}
    network.load_state_dict({key: weight.to(dtype) for key, weight in state.items()}, assign=True)
    return network.requires_grad_(False).eval()
