"""Captions say what is drawn, and the held-back ones stay out of the training grammar."""

from __future__ import annotations

import random

import pytest

from training import captions, held_back
from training.captions import Language, caption, sentence
from training.scenes import Item, Scene, random_scene
from training.words import COLOUR_NAMES, OBJECT_NAMES, PLACES


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_complete_caption_names_object_colour_and_background(language: Language) -> None:
    rng = random.Random(4)
    number = 0 if language == "en" else 1
    templates = captions.SENTENCES_EN if language == "en" else captions.SENTENCES_ZH
    for _ in range(200):
        scene = random_scene(rng)
        text = sentence(scene, rng, language, templates, complete=True)
        place = PLACES[scene.background]
        where = (
            (*place.en, *place.nouns_en)
            if language == "en"
            else (*place.nouns_zh, *(p[1:] for p in place.zh))
        )
        assert any(word in text for word in where)
        for item in scene.items:
            names = OBJECT_NAMES[item.kind]
            assert any(word in text for word in (names.en if language == "en" else names.zh))
            assert any(word in text for word in COLOUR_NAMES[item.colour][number])


def test_captions_never_name_a_colour_that_is_not_there() -> None:
    rng = random.Random(5)
    scene = Scene((Item("cat", "purple"),), "plain")
    wrong = ("scarlet", "ginger", "emerald", "crimson", "tangerine", "chestnut", "橘", "绿", "棕", "红色的猫")
    assert not any(word in caption(scene, rng).lower() for _ in range(500) for word in wrong)


def test_equal_seeds_give_equal_captions() -> None:
    scene = random_scene(random.Random(1))
    assert caption(scene, random.Random(9)) == caption(scene, random.Random(9))


def test_there_are_two_hundred_held_back_prompts_with_the_founding_sentence() -> None:
    prompts = held_back.all_prompts()
    assert len(prompts) == 200
    assert len(held_back.PARAPHRASES) == 50
    assert "一只可爱的橘色猫咪,坐在窗台上,阳光洒进来" in {prompt.text for prompt in prompts}


def test_held_back_templates_are_not_trained_on() -> None:
    assert not set(held_back.TEMPLATES_EN) & set(captions.SENTENCES_EN)
    assert not set(held_back.TEMPLATES_ZH) & set(captions.SENTENCES_ZH)


def test_the_grammar_does_not_produce_held_back_captions() -> None:
    rng = random.Random(6)
    held = {prompt.text.lower() for prompt in held_back.all_prompts()}
    for prompt in held_back.all_prompts():
        scene = Scene(prompt.items, prompt.background, "single" if len(prompt.items) == 1 else "left")
        assert not any(caption(scene, rng).lower() in held for _ in range(40))
