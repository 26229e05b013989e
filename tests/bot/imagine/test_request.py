"""What will be drawn follows from what was asked, the model and the tier; the rest is refused in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.schema import SEED_TIERS, Style
from bot.imagine.models import Size, load_capabilities
from bot.imagine.options import Options
from bot.imagine.request import MAX_PROMPT_CHARS, ImageRequest, Resolved, resolve, styled
from bot.messages import LANGUAGES, UserError, translator

EMBEDDED = load_capabilities("embedded")
TURBO = load_capabilities("z-image-turbo")
FREE = SEED_TIERS["free"].model_copy(update={"name": "free"})
MEMBER = SEED_TIERS["member"].model_copy(update={"name": "member"})


def turbo(tier=MEMBER, **options: str) -> Resolved:
    return resolve(Options(prompt="a cat", **options), model=TURBO, tier=tier, styles={})


def refusal(tier=MEMBER, model=TURBO, **options: str) -> str:
    with pytest.raises(UserError) as refused:
        resolve(Options(**{"prompt": "a cat", **options}), model=model, tier=tier, styles={})
    return refused.value.message.id


def test_defaults_are_the_models() -> None:
    request = turbo(seed="7").request
    assert request == ImageRequest("a cat", 1024, 1024, steps=8, seed=7)


def test_free_draws_768_by_default() -> None:
    assert turbo(FREE).request.size == Size(768, 768)


def test_a_preset_shrinks_to_the_tier_and_says_so() -> None:
    resolved = turbo(FREE, size="portrait")
    assert resolved.request.size.pixels <= 768**2
    assert [note.id for note in resolved.notes] == ["note-size-tier"]


def test_a_size_off_the_grid_is_snapped_and_told() -> None:
    resolved = turbo(size="800x600")
    assert resolved.request.size == Size(832, 576) or resolved.request.size == Size(768, 576)
    assert [note.id for note in resolved.notes] == ["note-size-snapped"]


def test_the_embedded_model_asks_less_of_its_grid() -> None:
    asked = Options(prompt="a cat", size="144x160")
    assert resolve(asked, model=EMBEDDED, tier=FREE, styles={}).notes == ()


@pytest.mark.parametrize("word", ["portrait", "Portrait", " ＰＯＲＴＲＡＩＴ ", "竖图", "竖"])
def test_presets_have_many_spellings(word: str) -> None:
    assert turbo(size=word).request.size == Size(832, 1216) or turbo(size=word).notes


@pytest.mark.parametrize("word", ["1024×768", "1024*768", "1024X768", "１０２４x７６８", "1024 x 768"])
def test_sizes_have_many_spellings(word: str) -> None:
    assert turbo(size=word).request.size == Size(1024, 768)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": " \n\t"}, "error-prompt-empty"),
        ({"prompt": "x" * (MAX_PROMPT_CHARS + 1)}, "error-prompt-long"),
        ({"size": "4096x64"}, "error-size-tier"),
        ({"size": "portrit"}, "error-choice-near"),
        ({"size": "1024"}, "error-choice"),
        ({"quality": "best"}, "error-choice"),
        ({"seed": "-1"}, "error-range"),
        ({"seed": str(2**63)}, "error-range"),
        ({"seed": "seven"}, "error-range"),
        ({"images": "5"}, "error-range"),
        ({"images": "0"}, "error-range"),
        ({"guidance": "11"}, "error-range"),
        ({"guidance": "nan"}, "error-range"),
        ({"steps": "1e9"}, "error-range"),
        ({"style": "inkk"}, "error-no-styles"),
    ],
)
def test_bad_values_get_one_sentence_in_each_language(options: dict[str, str], message: str) -> None:
    tier = MEMBER.model_copy(update={"max_size": 512}) if "size" in options else MEMBER
    with pytest.raises(UserError) as refused:
        resolve(Options(**{"prompt": "a cat", **options}), model=TURBO, tier=tier, styles={})
    assert refused.value.message.id == message
    for language in LANGUAGES:
        sentence = translator(language)(refused.value.message)
        assert sentence != message
        assert "{" not in sentence
        assert "\n" not in sentence


def test_a_negative_prompt_at_guidance_0_is_told_to_be_useless() -> None:
    assert [note.id for note in turbo(negative="blur").notes] == ["note-negative-unused"]
    assert turbo(negative="blur", guidance="2").notes == ()


def test_a_style_wraps_the_prompt() -> None:
    assert styled("a cat", Style(prompt="{prompt}, in ink")) == "a cat, in ink"


def test_seeds_are_drawn_when_none_is_given() -> None:
    assert len({turbo().request.seed for _ in range(8)}) > 1


@given(
    st.builds(
        Options,
        prompt=st.text(min_size=1),
        size=st.none() | st.text() | st.sampled_from(["512x512", "9999x1", "tall"]),
        seed=st.none() | st.text(),
        images=st.none() | st.text(),
        guidance=st.none() | st.text(),
        steps=st.none() | st.text(),
    ),
    st.sampled_from(list(SEED_TIERS.values())),
    st.sampled_from([EMBEDDED, TURBO]),
)
def test_whatever_resolves_is_within_model_and_tier(options, tier, model) -> None:
    try:
        request = resolve(options, model=model, tier=tier, styles={}).request
    except UserError:
        return
    assert request.width % model.grid_px == request.height % model.grid_px == 0
    assert model.min_px <= min(request.width, request.height)
    assert max(request.width, request.height) <= model.max_px
    assert request.size.pixels <= max(tier.max_pixels, model.min_px**2)
    assert 1 <= request.steps <= min(model.max_steps, tier.max_steps)
    assert ImageRequest.from_json(request.to_json()) == request
    assert replace(request) == request
