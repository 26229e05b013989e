"""Text as people really type it becomes the options they meant."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.imagine.options import Options as O
from bot.imagine.options import spellings
from bot.imagine.parse import parse_imagine, parse_words
from bot.messages import UserError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a cat on the moon", O(prompt="a cat on the moon")),
        (
            "a cat --size portrait --quality final --seed 7 --images 2 --no text, watermark --style ink",
            O("a cat", "text, watermark", "portrait", "final", "7", "2", None, "ink"),
        ),
        ("a cat —size portrait", O("a cat", size="portrait")),
        ("a cat – seed 7", O("a cat", seed="7")),
        ("a cat — on the moon", O("a cat — on the moon")),
        ("well-known cat - on a mat", O("well-known cat - on a mat")),
        ("--seed 7 a cat", O("a cat", seed="7")),
        ("a cat\n--size\n128x192\n--seed=7", O("a cat", size="128x192", seed="7")),
        ("一只猫 --尺寸:竖图 --种子:7", O("一只猫", size="竖图", seed="7")),
        ("一只猫,--no 模糊", O("一只猫,--no 模糊")),
        ("一只猫, --不要 模糊,文字", O("一只猫,", negative="模糊,文字")),
        ('"a cat --seed 7" --seed 9', O("a cat --seed 7", seed="9")),
        ("“一只猫” --seed 9", O("一只猫", seed="9")),
        ('a cat --no "red, blue" in a box', O("a cat in a box", negative="red, blue")),
        ("it's a cat --private", O("it's a cat", private=True)),
        ("a cat --SEED 7", O("a cat", seed="7")),
        ("", O()),
        ("a cat -- on the moon", O("a cat -- on the moon")),
        ("a cat -- no hat, no shoes", O("a cat -- no hat, no shoes")),
        ("my diary — private thoughts", O("my diary — private thoughts")),
        ("the world – images of war", O("the world – images of war")),
        ("a dress — size matters", O("a dress — size matters")),
        ("- a red apple", O("- a red apple")),
        ("-- a red apple", O("-- a red apple")),
        ("a cat --", O("a cat --")),
        ("a cat -on- a mat --sleeping--", O("a cat -on- a mat --sleeping--")),
        ("a cat – size 16:9", O("a cat", size="16:9")),
        ("a cat --ar 16：9", O("a cat", size="16：9")),
        ("a cat --尺寸：16：9", O("a cat", size="16：9")),
        ("--size 16 : 9 a cat", O("a cat", size="16 : 9")),
        ("a cat --size 1024 x 768, at night", O("a cat at night", size="1024 x 768")),
        ("一只猫 --风格 水彩 --反向提示词 文字", O("一只猫", style="水彩", negative="文字")),
        ("一只猫 --引导强度 2 --张数 3", O("一只猫", guidance="2", images="3")),
    ],
)
def test_reads_what_was_meant(text: str, meant: O) -> None:
    assert parse_imagine(text) == meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["a", "cat", "--ar", "128x192"], O("a cat", size="128x192")),
        (["a cat", "--no", "red, blue", "in", "a", "box"], O("a cat in a box", negative="red, blue")),
        (["a", "cat", "--", "on", "the", "moon"], O("a cat -- on the moon")),
        (["- a red apple"], O("- a red apple")),
        (["-", "a", "red", "apple"], O("- a red apple")),
        (["a cat --seed 7", "--seed=9"], O("a cat", seed="9")),
        (["a", "cat", "—size", "16:9"], O("a cat", size="16:9")),
        (["--private", "a", "cat"], O("a cat", private=True)),
    ],
)
def test_reads_a_shells_words(words: list[str], meant: O) -> None:
    assert parse_words(words) == meant


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a", "cat", "--seed"], "error-option-value"),
        (["a", "--seed", "1", "--seed", "2"], "error-option-twice"),
        (["a", "cat", "--sede", "1"], "error-option-near"),
    ],
)
def test_says_what_it_cannot_read_of_a_shells_words(words: list[str], message: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_words(words)
    assert refused.value.message.id == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a cat --sizee portrait", "error-option-near"),
        ("a cat --xyzzy 3", "error-option"),
        ("a cat --mask hat.png", "error-option-mask"),
        ("a cat --seed", "error-option-value"),
        ("a cat --seed 1 --seed 2", "error-option-twice"),
    ],
)
def test_says_what_it_cannot_read(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_imagine(text)
    assert refused.value.message.id == message


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(UserError):
        parse_imagine(text)


@given(
    st.text(alphabet="abc 猫,。'", min_size=1),
    st.sampled_from(sorted(set(spellings()) - {"private", "私密"})),
)
def test_the_prompt_survives_an_option_behind_it(prompt: str, option: str) -> None:
    bare = parse_imagine(prompt).prompt
    assert parse_imagine(f"{prompt} --{option} 7").prompt == bare
