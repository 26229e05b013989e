"""The article's figures beside the formula's, each pinned; and the page that is written from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.article import Verdict, checks, disagreements, document

PAGE = Path(__file__).parents[1] / "docs" / "article.md"

NUMBERS = """
    18 6.2 600 0.036 4.8 5.1 5.0 5.6 5.3 5.8 7.9 6.1 9.4 2.1 6.8 11.5 18.3 25.7 41.9 0% 224 448 771 1124 1867
    197 331 440 21.7 24.5 0.1 0.3 0.5 3.60 4.20 6.80 18.00 1020 2180 0.033 0.038 0.040 0.052 0.80 5.00 0.0114
    0.00 0.05 0.03 0.02 500 2000 560 160 75 0.015 832x640 12 10-20 50-60 1-5 GN7i 11.8 20.04 v1.0.0
"""

APART = [
    ("conclusion", "images an hour", "600", "441"),
    ("conclusion", "yuan an image", "0.036", "0.0095"),
    ("memory", "two at once, 1536", "no", "yes"),
    ("memory", "two at once, 2048", "no", "yes"),
    ("speed", "growth over 1 step, at 100", "1867%", "1895%"),
    ("cards", "L4: yuan an image", "0.033", "0.0082"),
    ("cards", "A10G: yuan an image", "0.038", "0.0095"),
    ("cards", "A40: yuan an image", "0.040", "0.0067"),
    ("cards", "H100: requests at once", "15", "12"),
    ("cards", "H100: yuan an image", "0.052", "0.0083"),
    ("cards", "the lowest cost an image", "L4", "A40"),
    ("prices", "member: margin over cost", "~560%", "339%"),
    ("prices", "enterprise: 0.02 is above the 0.038 of its table", "yes", "no"),
    ("prices", "premium: 0.03 is above the 0.038 of its table", "yes", "no"),
    ("summary", "an image costs 0.03 to 0.04", "yes", "no"),
    ("source", "the card of a GN7i instance", "A10G", "A10"),
]

AGREED = {
    ("conclusion", "seconds an image, 1024x1024, 40 steps"): "18 s",
    ("conclusion", "requests at once on 24 GB"): "3",
    ("speed", "growth over 1 step, at 10"): "224%",
    ("speed", "growth over 1 step, at 20"): "448%",
    ("speed", "growth over 1 step, at 40"): "771%",
    ("speed", "growth over 1 step, at 60"): "1124%",
    ("speed", "linear in the steps"): "2.61 s + 0.392 s a step, R2 0.9979",
    ("speed", "40 to 60 steps takes longer by"): "40%",
    ("concurrency", "images an hour, 1 at once"): "197",
    ("concurrency", "images an hour, 2 at once"): "332",
    ("concurrency", "images an hour, 3 at once"): "441",
    ("cards", "L4: images an hour"): "441",
    ("cards", "A40: requests at once"): "7",
    ("cards", "A40: images an hour"): "1029",
    ("cards", "H100: images an hour"): "2204",
    ("prices", "an hour together"): "5.00",
    ("prices", "base cost of an image"): "0.0114",
    ("prices", "premium: margin over cost"): "163%",
    ("prices", "enterprise: margin over cost"): "75%",
    ("prices", "volume price of 0.015 is above the base cost"): "yes",
    ("advice", "800x600 takes the memory of"): "832x640",
}


def test_the_list_of_disagreements_is_this_and_no_other() -> None:
    assert [(found.section, found.what, found.said, found.given) for found in disagreements()] == APART


@pytest.mark.parametrize(("figure", "given"), AGREED.items())
def test_what_the_formula_gives_where_they_agree(figure: tuple[str, str], given: str) -> None:
    [found] = [check for check in checks() if (check.section, check.what) == figure]
    assert found.given == given
    assert found.verdict in (Verdict.AGREES, Verdict.CLOSE)


def test_unit_costs_of_the_cards_are_four_to_six_times_the_formulas() -> None:
    notes = [check.note for check in checks() if check.what.endswith(": yuan an image")]
    assert [note.rpartition("said ")[2] for note in notes] == [
        f"{times} times that" for times in (4.0, 4.0, 6.0, 6.3)
    ]


def test_every_number_of_the_article_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [number for number in NUMBERS.split() if number not in page] == []


def test_the_page_is_what_the_program_writes() -> None:
    assert PAGE.read_text("utf-8") == document()
