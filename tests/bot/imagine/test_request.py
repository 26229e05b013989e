"""What will be drawn follows from what was asked, the model and the tier; the rest is refused in words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.money import SEED_TIERS
from bot.config.schema import Style
from bot.imagine.capabilities import Size, Workflow, load_capabilities
from bot.imagine.options import Options
from bot.imagine.request import MAX_PROMPT_CHARS, Given, ImageRequest, Resolved, resolve, styled
from bot.messages import LANGUAGES, UserError, translator
from tests.easel import only

EMBEDDED = load_capabilities("embedded")
TURBO = load_capabilities("z-image-turbo")
FREE = SEED_TIERS["free"].model_copy(update={"name": "free"})
MEMBER = SEED_TIERS["member"].model_copy(update={"name": "member"})


def turbo(tier=MEMBER, **options: str) -> Resolved:
    return resolve(Options(**{"prompt": "a cat", **options}), models=only(TURBO), tier=tier, styles={})


def refusal(tier=MEMBER, model=TURBO, **options: str) -> str:
    with pytest.raises(UserError) as refused:
        resolve(Options(**{"prompt": "a cat", **options}), models=only(model), tier=tier, styles={})
    return refused.value.message.id


def test_defaults_are_the_models() -> None:
    request = turbo(seed="7").request
    assert request == ImageRequest("a cat", 1024, 1024, steps=8, seed=7, model="z-image-turbo")


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
    assert resolve(asked, models=only(EMBEDDED), tier=FREE, styles={}).notes == ()


def test_options_and_values_are_told_by_the_names_their_reader_knows() -> None:
    with pytest.raises(UserError) as refused:
        turbo(quality="best")
    assert "quality" in translator("en")(refused.value.message)
    chinese = translator("zh-CN")(refused.value.message)
    assert "没有“best”这种质量；可选：速写、" in chinese
    assert not re.search("quality|sketch|draft", chinese)


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
        ({"size": "0x0"}, "error-choice"),
        ({"size": "16:0"}, "error-choice"),
        ({"quality": "best"}, "error-choice"),
        ({"seed": "-1"}, "error-range-random"),
        ({"seed": str(2**63)}, "error-range-random"),
        ({"seed": "seven"}, "error-range-random"),
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
        resolve(Options(**{"prompt": "a cat", **options}), models=only(TURBO), tier=tier, styles={})
    assert refused.value.message.id == message
    for language in LANGUAGES:
        sentence = translator(language)(refused.value.message)
        assert sentence != message
        assert "{" not in sentence
        assert "\n" not in sentence


def test_a_negative_prompt_finds_the_guidance_it_needs() -> None:
    resolved = turbo(negative="blur")
    assert resolved.request.guidance == TURBO.negative_guidance > 0
    assert [note.id for note in resolved.notes] == ["note-guidance-set"]
    assert turbo(negative="blur", guidance="3").notes == ()


def test_a_negative_prompt_at_guidance_0_is_told_to_be_useless() -> None:
    resolved = turbo(negative="blur", guidance="0")
    assert resolved.request.guidance == 0
    assert [note.id for note in resolved.notes] == ["note-negative-unused"]


@pytest.mark.parametrize(
    "word", ["16:9", "16：9", "１６：９", "16 : 9", "16∶9", "16/9", "16比9", "16x9", "1.78:1", "32:18"]
)
def test_proportions_are_drawn_in_that_shape_inside_the_tier(word: str) -> None:
    for tier in (FREE, MEMBER):
        resolved = turbo(tier, size=word)
        size = resolved.request.size
        assert size.pixels <= tier.default_pixels
        assert abs(size.width - size.height * 16 / 9) <= TURBO.grid_px
        assert [note.id for note in resolved.notes] == ["note-size-shape"]


@pytest.mark.parametrize("word", ["3:2", "2:3", "4:5", "21:9", "9:21", "1:1"])
@pytest.mark.parametrize("model", [EMBEDDED, TURBO])
@pytest.mark.parametrize("tier", [FREE, MEMBER])
def test_proportions_are_kept_to_one_step_of_the_grid(word: str, model, tier) -> None:
    asked = Options(prompt="a cat", size=word)
    size = resolve(asked, models=only(model), tier=tier, styles={}).request.size
    across, _, down = word.partition(":")
    assert abs(size.width - size.height * int(across) / int(down)) <= model.grid_px * int(across) / int(down)
    assert size.pixels <= tier.max_pixels


@pytest.mark.parametrize("word", ["100:1", "4:1", "1:99"])
def test_a_shape_that_cannot_be_drawn_is_refused(word: str) -> None:
    assert refusal(FREE, size=word) == "error-size-shape"


@pytest.mark.parametrize(
    ("wanted", "drawn"),
    [("700x300", "256x112"), ("300x700", "112x256"), ("32x40", "64x80"), ("250x250", "256x256")],
)
def test_pixels_beyond_the_models_limits_keep_their_proportions(wanted: str, drawn: str) -> None:
    asked = Options(prompt="a cat", size=wanted)
    assert str(resolve(asked, models=only(EMBEDDED), tier=MEMBER, styles={}).request.size) == drawn


def test_a_size_beyond_the_tier_names_what_was_wanted_and_what_is_allowed() -> None:
    with pytest.raises(UserError) as refused:
        turbo(FREE, size="1024x1024")
    assert "1024x1024" in translator("en")(refused.value.message)
    assert "768x768" in translator("en")(refused.value.message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_value_is_called_where_it_is_shown_is_understood(language: str) -> None:
    t = translator(language)
    names = {"en": "Watercolour", "zh-CN": "水彩"}
    styles = {"watercolor": Style(prompt="{prompt}, in watercolour", names=names)}
    for name in TURBO.sizes:
        shown = turbo(size=t(f"size-{name}").upper()).request.size
        assert shown == turbo(size=name).request.size
    for name in TURBO.steps:
        assert turbo(quality=t(f"quality-{name}")).request.quality == name
    asked = Options(prompt="a cat", style=names[language])
    assert resolve(asked, models=only(TURBO), tier=MEMBER, styles=styles).request.style == "watercolor"


def test_a_refused_seed_says_how_to_get_a_random_one() -> None:
    with pytest.raises(UserError) as refused:
        turbo(seed="-1")
    assert "leave it out" in translator("en")(refused.value.message)


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("(cat:1.4) on a mat", "(cat:1.4)"),
        ("a [cat|dog] on a mat", "[cat|dog]"),
        ("a cat BREAK a dog", "BREAK"),
        ("a cat <lora:ink:1>", "<lora:ink:1>"),
        ("a ((fluffy)) cat", "((fluffy))"),
        ("a {{fluffy}} cat", "{{fluffy}}"),
        ("[cat:dog:0.5] on a mat", "[cat:dog:0.5]"),
        ("cat::2 dog", "::2"),
    ],
)
def test_another_tools_notation_is_told_to_mean_nothing(prompt: str, found: str) -> None:
    resolved = turbo(prompt=prompt)
    assert resolved.request.prompt == prompt
    assert [(note.id, note.args["found"]) for note in resolved.notes] == [("note-notation", found)]


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat (orange)",
        "a clock at 12:30",
        "A CAT AND A DOG",
        "break the ice",
        "a cat [sic]",
        "a 16:9 screen",
    ],
)
def test_prose_is_no_notation(prompt: str) -> None:
    assert turbo(prompt=prompt).notes == ()


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("a photo of a zebra", "zebra"),
        ("Red zebras and a Harpsichord on the grass", "zebras, harpsichord"),
        ("一只龙在草地上", "龙"),
        ("an orange cat on a green meadow", ""),
        ("草地上的一只橘猫", ""),
        ("cats and houses", ""),
    ],
)
def test_the_small_model_says_which_words_it_does_not_know(prompt: str, unknown: str) -> None:
    notes = resolve(Options(prompt=prompt), models=only(EMBEDDED), tier=MEMBER, styles={}).notes
    told = [note.args["words"] for note in notes if note.id == "note-words-unknown"]
    assert told == ([unknown] if unknown else [])
    assert turbo(prompt=prompt).notes == ()


@pytest.mark.parametrize("prompt", ["🪿 in the snow", "a \U0001fae9 face", "a \U0001fc00 of a later Unicode"])
def test_emojis_younger_than_the_interpreter_stay(prompt: str) -> None:
    assert turbo(prompt=prompt).request.prompt == prompt


@pytest.mark.parametrize("prompt", ["\u200b", "\u3164 \u2800", "\u034f\ufe0f"])
def test_a_prompt_nobody_can_see_is_none(prompt: str) -> None:
    assert refusal(prompt=prompt) == "error-prompt-empty"


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
        request = resolve(options, models=only(model), tier=tier, styles={}).request
    except UserError:
        return
    assert request.width % model.grid_px == request.height % model.grid_px == 0
    assert model.min_px <= min(request.width, request.height)
    assert max(request.width, request.height) <= model.max_px
    assert request.size.pixels <= max(tier.max_pixels, model.min_px**2)
    assert 1 <= request.steps <= min(model.max_steps, tier.max_steps)
    assert ImageRequest.from_json(request.to_json()) == request
    assert replace(request) == request


@pytest.mark.parametrize(
    ("options", "vary", "workflow", "strength", "notes"),
    [
        ({}, False, Workflow.EDIT, None, ["note-edited"]),
        ({}, True, Workflow.EDIT, None, ["note-edited"]),
        ({"strength": "0.4"}, True, Workflow.VARY, 0.4, []),
        ({"strength": "0.4"}, False, Workflow.EDIT, None, ["note-edited", "note-strength-unread"]),
    ],
)
def test_words_on_a_picture_edit_it_where_the_model_can(
    options: dict[str, str], vary: bool, workflow: Workflow, strength: float | None, notes: list[str]
) -> None:
    model = replace(TURBO, edits=True, strength={Workflow.VARY: 0.6} if vary else {})
    found = resolve(
        Options("make the cat black", **options),
        models=only(model),
        tier=MEMBER,
        styles={},
        picture=Given(Size(1024, 1024)),
    )
    assert (found.request.workflow, found.request.strength) == (workflow, strength)
    assert [note.id for note in found.notes] == notes


def test_a_negative_prompt_that_a_model_does_not_read_is_told() -> None:
    model = replace(TURBO, negative_guidance=None)
    found = resolve(Options("a cat", negative="blur"), models=only(model), tier=MEMBER, styles={})
    assert [note.id for note in found.notes] == ["note-negative-unread"]
    assert found.request.guidance == model.guidance
