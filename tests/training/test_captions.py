"""Captions say what is drawn, and the held-back ones stay out of the training grammar."""

from __future__ import annotations

import random

import pytest

from training import captions, held_back
from training.art import COLOURS, STYLES
from training.backgrounds import BACKGROUNDS
from training.captions import Language, caption, sentence
from training.scenes import Item, Scene, random_scene
from training.things import THINGS
from training.vocabulary import vocabulary
from training.words import COLOUR_NAMES, PLACES, STYLE_NAMES


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_complete_caption_names_thing_colour_and_background(language: Language) -> None:
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
            thing = THINGS[item.kind]
            assert any(word in text for word in (thing.en if language == "en" else thing.zh))
            if item.colour is not None:
                assert any(word in text for word in COLOUR_NAMES[item.colour][number])


def test_captions_never_name_a_colour_that_is_not_there() -> None:
    rng = random.Random(5)
    scene = Scene((Item("cat", "purple"),), "plain")
    wrong = ("scarlet", "ginger", "emerald", "crimson", "tangerine", "chestnut", "橘", "绿", "棕", "红色的猫")
    assert not any(word in caption(scene, rng).lower() for _ in range(500) for word in wrong)


def test_a_flat_scene_says_so_and_another_never_does() -> None:
    rng = random.Random(6)
    flat = [word for words in STYLE_NAMES["flat"] for word in words]
    for style in STYLES:
        scene = Scene((Item("dog"),), "beach", style)
        for _ in range(200):
            text = caption(scene, rng).lower()
            assert any(word in text for word in flat) == (style == "flat")


def test_every_thing_colour_and_background_has_names() -> None:
    assert len(THINGS) >= 60
    assert set(COLOUR_NAMES) == set(COLOURS)
    assert set(PLACES) == set(BACKGROUNDS)
    assert set(STYLE_NAMES) == set(STYLES)


def test_no_name_means_two_things() -> None:
    for language in ("en", "zh"):
        names = [name for thing in THINGS.values() for name in set(getattr(thing, language))]
        assert len(names) == len(set(names))


def test_equal_seeds_give_equal_captions() -> None:
    scene = random_scene(random.Random(1))
    assert caption(scene, random.Random(9)) == caption(scene, random.Random(9))


def test_there_are_three_hundred_held_back_prompts_with_the_founding_sentence() -> None:
    prompts = held_back.all_prompts()
    assert len(prompts) == 300
    assert len(held_back.PARAPHRASES) == 60
    assert "一只可爱的橘色猫咪,坐在窗台上,阳光洒进来" in {prompt.text for prompt in prompts}


def test_held_back_templates_are_not_trained_on() -> None:
    assert not set(held_back.TEMPLATES_EN) & set(captions.SENTENCES_EN)
    assert not set(held_back.TEMPLATES_ZH) & set(captions.SENTENCES_ZH)


def test_the_grammar_does_not_produce_held_back_captions() -> None:
    rng = random.Random(6)
    held = {prompt.text.lower() for prompt in held_back.all_prompts()}
    for prompt in held_back.all_prompts():
        scene = Scene(prompt.items, prompt.background, prompt.style)
        assert not any(caption(scene, rng).lower() in held for _ in range(40))


def test_the_words_of_a_model_are_those_of_its_captions() -> None:
    known = set(vocabulary())
    assert {"cat", "red", "photo", "猫"} <= known
    assert not known & {"zebra", "ferm", "s", "p"}
