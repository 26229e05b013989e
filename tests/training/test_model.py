"""The batched forward pass of the training equals the one that the pipeline uses."""

from __future__ import annotations

import pytest
import torch

from engine.settings import EMBEDDED_FOLDER
from training import model


@pytest.mark.parametrize("size", [(8, 8), (16, 24), (24, 24)])
def test_batched_prediction_equals_the_transformer(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    transformer = model.new_transformer()
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    latents, t, lengths = torch.randn(2, 16, *size), torch.rand(2), torch.tensor([20, 32])
    features = torch.randn(2, 32, model.WIDTH)
    with torch.no_grad():
        rows = [row[:length] for row, length in zip(features, lengths, strict=True)]
        expected = torch.stack(
            transformer(list(latents.unsqueeze(2)), t, rows, return_dict=False)[0]
        ).squeeze(2)
        model.set_training_attention(transformer)
        drawn = model.predict(transformer, latents, t, features, lengths)
    assert torch.allclose(drawn, expected, atol=1e-4)


def test_the_shipped_folder_tells_nothing_of_the_machine_it_was_made_on() -> None:
    for file in EMBEDDED_FOLDER.glob("**/*.json"):
        assert "_name_or_path" not in file.read_text(), file
