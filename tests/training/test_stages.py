"""The stages of the training hand on what the next one reads, at their smallest."""

from __future__ import annotations

import copy
import itertools
import random
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from engine.settings import EMBEDDED_FOLDER
from training import classifier, guidance, transformer
from training.assemble import assemble
from training.batches import CAPTION_STEP, Batch, captions_of, empty_caption
from training.model import new_encoder, new_transformer, predict, set_training_attention
from training.scenes import Item, Scene, random_scene
from training.vae import new_vae

if TYPE_CHECKING:
    from pathlib import Path

    from training.art import Art

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(EMBEDDED_FOLDER / "tokenizer", local_files_only=True)


@pytest.fixture(scope="module")
def batch(tokenizer: Any) -> Batch:
    rng = random.Random(1)
    torch.manual_seed(1)
    scenes = [random_scene(rng) for _ in range(4)]
    ids, lengths = captions_of(scenes, tokenizer, CAPTION_STEP, rng)
    return Batch(torch.randn(4, 16, 8, 8), ids, lengths, scenes, torch.ones(4, 1, 8, 8))


def new_networks(tokenizer: Any) -> transformer.Networks:
    networks = transformer.Networks(new_transformer(), new_encoder(len(tokenizer), tokenizer.pad_token_id))
    set_training_attention(networks.transformer)
    return networks


def test_a_model_is_trained_guided_assembled_and_draws(tmp_path: Path, tokenizer: Any, batch: Batch) -> None:
    networks, out = new_networks(tokenizer), tmp_path / "transformer"
    out.mkdir()
    transformer.train(networks, itertools.repeat(batch), transformer.Plan(minutes=1e-6), out, resume=False)
    transformer.train(networks, itertools.repeat(batch), transformer.Plan(minutes=2e-6), out, resume=True)
    averaged = torch.load(out / "checkpoint.pt")["average"]
    torch.save(averaged, out / "guided.pt")
    shutil.copytree(EMBEDDED_FOLDER / "tokenizer", tmp_path / "tokenizer")
    vae = new_vae()
    vae.register_to_config(scaling_factor=1.0, shift_factor=0.0)
    vae.save_pretrained(tmp_path / "vae")
    pipeline = assemble(tmp_path).to(torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    drawn = pipeline("a cat", width=64, height=64, num_inference_steps=1, guidance_scale=0.0).images[0]
    assert drawn.size == (64, 64)


def test_a_student_learns_in_one_pass_what_guidance_takes_two_for(tokenizer: Any, batch: Batch) -> None:
    networks = new_networks(tokenizer)
    for parameter in networks.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    student = copy.deepcopy(networks.transformer)
    networks.requires_grad_(False)
    teacher = guidance.Teacher(networks.transformer, networks.encoder, empty_caption(tokenizer), scale=2.5)
    t = torch.full((4,), 0.5)

    def error() -> float:
        features, flow = teacher.answer(batch.latents, t, batch)
        with torch.no_grad():
            return (predict(student, batch.latents, t, features, batch.lengths) - flow).square().mean().item()

    before = error()
    guidance.train(student, teacher, itertools.repeat(batch), steps=5, rate=0.3)
    assert error() < before


def test_the_judge_is_told_what_stands_where(art: Art) -> None:
    scene = Scene((Item("cat", "blue"), Item("dog")), "beach")
    picture, cover = classifier.drawing(scene, random.Random(2), art)
    covered = np.asarray(cover)
    assert picture.size == (classifier.SIDE, classifier.SIDE)
    assert covered[:, : classifier.GRID // 2].any()
    assert covered[:, classifier.GRID // 2 :].any()
    labels = torch.tensor([classifier.label(scene)])
    images = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    judge = classifier.train(images, torch.from_numpy(covered.copy())[None], labels, steps=1, batch=2)
    assert sorted(judge.judge(picture).kinds) == classifier.KINDS
