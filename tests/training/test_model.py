"""The batched forward pass of the training equals the one that the pipeline uses."""

from __future__ import annotations

import pytest
import torch

from engine.settings import EMBEDDED_FOLDER
from training import model

pytestmark = pytest.mark.model


def test_batched_prediction_equals_the_transformer() -> None:
    torch.manual_seed(0)
    transformer = model.new_transformer()
    for parameter in transformer.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    drawn, expected = [], []
    features, lengths = torch.randn(2, 32, model.WIDTH), torch.tensor([20, 32])
    rows = [row[:length] for row, length in zip(features, lengths, strict=True)]
    given = [(torch.randn(2, 16, *size), torch.rand(2)) for size in ((8, 8), (8, 12))]
    with torch.no_grad():
        for latents, t in given:
            theirs = transformer(list(latents.unsqueeze(2)), t, rows, return_dict=False)[0]
            expected.append(torch.stack(theirs).squeeze(2))
        model.set_training_attention(transformer)
        for latents, t in given:
            drawn.append(model.predict(transformer, latents, t, features, lengths))
    for ours, theirs in zip(drawn, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_the_shipped_folder_tells_nothing_of_the_machine_it_was_made_on() -> None:
    for file in EMBEDDED_FOLDER.glob("**/*.json"):
        assert "_name_or_path" not in file.read_text(), file
