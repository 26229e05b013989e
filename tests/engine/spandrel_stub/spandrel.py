"""Stands in for spandrel where that cannot be imported: it needs torchvision, which has no build for every
torch. Knows RealESRGAN Compact alone, by the same names.
"""

from __future__ import annotations

import torch


class UnsupportedModelError(Exception):
    pass


class ImageModelDescriptor:
    supports_half = True
    input_channels = output_channels = 3

    def __init__(self, model: torch.nn.Sequential, scale: int) -> None:
        self.model = model
        self.scale = scale

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        nearest = torch.nn.functional.interpolate(image, scale_factor=self.scale)
        return (self.model(image) + nearest).clamp(0, 1)

    def to(self, **where: object) -> None:
        self.model.to(**where)

    def eval(self) -> ImageModelDescriptor:
        self.model.eval()
        return self


class ModelLoader:
    def __init__(self, device: str) -> None:
        assert device == "cpu"

    def load_from_state_dict(self, weights: dict[str, torch.Tensor]) -> ImageModelDescriptor:
        if "body.0.weight" not in weights:
            raise UnsupportedModelError
        features, last = len(weights["body.0.weight"]), max(int(key.split(".")[1]) for key in weights)
        scale = round((len(weights[f"body.{last}.bias"]) / 3) ** 0.5)
        layers: list[torch.nn.Module] = []
        for n in range(0, last, 2):
            channels = 3 if n == 0 else features
            layers += [torch.nn.Conv2d(channels, features, 3, 1, 1), torch.nn.PReLU(features)]
        model = torch.nn.Sequential(*layers, torch.nn.Conv2d(features, 3 * scale**2, 3, 1, 1))
        model.load_state_dict({key.removeprefix("body."): tensor for key, tensor in weights.items()})
        return ImageModelDescriptor(model.append(torch.nn.PixelShuffle(scale)), scale)
