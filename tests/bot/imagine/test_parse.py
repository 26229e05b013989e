"""Text as people really type it becomes the options they meant."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.imagine.options import Options as O
from bot.imagine.parse import NAMES, parse_imagine
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
    ],
)
def test_reads_what_was_meant(text: str, meant: O) -> None:
    assert parse_imagine(text) == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a cat --sizee portrait", "error-option-near"),
        ("a cat --xyzzy 3", "error-option"),
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


@given(st.text(alphabet="abc 猫,。'", min_size=1), st.sampled_from(sorted(set(NAMES) - {"private", "私密"})))
def test_the_prompt_survives_an_option_behind_it(prompt: str, option: str) -> None:
    bare = parse_imagine(prompt).prompt
    assert parse_imagine(f"{prompt} --{option} 7").prompt == bare
