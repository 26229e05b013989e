"""No text breaks a message, forges a link or passes Telegram's limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.render import Card
from bot.telegram import html
from tests.bot.telegram.markup import parse

WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=2200)
NASTY = st.sampled_from(
    ["<b>", "</code>", "&amp;", "&#60;", '<a href="https://evil">', "😀" * 700, "\u202e", "<<>>&&"]
)
TYPED = st.one_of(WORDS, st.lists(st.one_of(NASTY, WORDS), max_size=6).map("".join))


@given(TYPED, st.lists(TYPED, max_size=4))
def test_a_caption_is_valid_and_within_its_limit(typed: str, lines: list[str]) -> None:
    parsed = parse(html.captioned(typed, lines))
    assert parsed.units <= html.CAPTION_UNITS
    assert {tag for tag, _ in parsed.spans} <= {"code"}


@given(TYPED)
def test_what_was_typed_stands_in_a_code_span_as_it_was(typed: str) -> None:
    parsed = parse(html.captioned(typed[:500], []))
    if html.units(typed[:500]) < 1000 and typed[:500]:
        assert parsed.spans == (("code", typed[:500]),)


@given(TYPED, st.lists(st.tuples(TYPED, TYPED), max_size=5), TYPED)
def test_a_card_is_valid_and_fits_a_message(title: str, facts: list[tuple[str, str]], text: str) -> None:
    parsed = parse(html.card(Card(title, tuple(facts), text)))
    assert parsed.units <= html.TEXT_UNITS


def test_a_long_prompt_gives_way_to_the_facts() -> None:
    parsed = parse(html.captioned("cat " * 600, ["Seed 7"]))
    assert parsed.text.endswith("Seed 7")
    assert "…" in parsed.text
