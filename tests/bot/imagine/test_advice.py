"""Advice: one line where it saves money, once a day, and never in the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bot.config.money import SEED_TIERS
from bot.imagine.advice import DAY_S, Adviser, for_request
from bot.imagine.capabilities import load_capabilities
from bot.imagine.options import Options
from bot.imagine.request import resolve
from bot.messages import LANGUAGES, translator
from storage.errors import Reason, StoreUnavailable
from tests.easel import only
from tests.storage.house import HandClock, ask, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.request import ImageRequest, Resolved
    from bot.messages import Message

TURBO = load_capabilities("z-image-turbo")
CAT = Options("an orange cat on a green meadow", seed="7")


def resolved(options: Options) -> Resolved:
    return resolve(options, models=only(TURBO), tier=SEED_TIERS["premium"], styles={})


def advice(prompt: str, before: ImageRequest | None = None, **more: str) -> Message | None:
    options = Options(prompt, **more)  # type: ignore[arg-type]
    return for_request(options, resolved(options).request, before)


def named(message: Message | None) -> str | None:
    return message.id if message else None


BEFORE = resolved(CAT).request


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_several_images_at_once_are_not_faster() -> None:
    assert named(advice("a cat", images="4")) == "advice-images"
    assert advice("a cat", images="1") is None


@pytest.mark.parametrize(
    ("prompt", "more"),
    [
        ("an orange cat on a green meadow, sunset", {}),
        ("an orange cat on a green meadow", {"quality": "final"}),
        ("an orange cat on a green meadow", {"size": "portrait"}),
    ],
)
def test_a_changed_picture_is_compared_with_its_old_seed(prompt: str, more: dict[str, str]) -> None:
    found = advice(prompt, BEFORE, **more)
    assert named(found) == "advice-seed"
    assert found is not None
    assert found.args["seed"] == "7"


@pytest.mark.parametrize(
    ("prompt", "more"),
    [
        ("an orange cat on a green meadow", {}),  # another try at the very same
        ("a steam train in the snow", {}),
        ("an orange cat on a green meadow, sunset", {"seed": "9"}),  # they chose a seed
    ],
)
def test_nothing_is_said_where_nothing_is_wasted(prompt: str, more: dict[str, str]) -> None:
    assert advice(prompt, BEFORE, **more) is None


async def test_advice_comes_once_a_day_and_only_where_no_rule_has_spoken(
    tmp_path: Path, clock: HandClock
) -> None:
    now = [0.0]
    async with await open_store(tmp_path, clock) as store:
        adviser = Adviser(store, clock=lambda: now[0])
        four = Options("a cat", images="4")
        said = []
        for at_s in (0.0, 10.0, DAY_S + 1):
            now[0] = at_s
            said.append(len((await adviser.advise("m", four, resolved(four))).notes))
        assert said == [1, 0, 1]
        snapped = Options("a cat", images="4", size="1000x1000")
        notes = (await adviser.advise("other", snapped, resolved(snapped))).notes
        assert [note.id for note in notes] == ["note-size-snapped"]


async def test_the_last_request_is_the_members_own(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        anna, ben = [(await store.members.of("discord", name)).key for name in ("1", "2")]
        await store.requests.accept(ask(anna, payload=BEFORE.to_json()))
        again = Options("an orange cat on a green meadow at night")
        adviser = Adviser(store)
        assert [n.id for n in (await adviser.advise(anna, again, resolved(again))).notes] == ["advice-seed"]
        assert (await adviser.advise(ben, again, resolved(again))).notes == ()


class Stuck:
    """A store that never answers, or cannot."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.requests = self

    async def history(self, _member: str, _limit: int) -> list[object]:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()
        return []


@pytest.mark.parametrize("error", [None, StoreUnavailable(Reason.DISK_FULL, "disk")])
async def test_a_request_never_waits_for_advice(error: Exception | None) -> None:
    adviser = Adviser(Stuck(error), patience_s=0.01)  # type: ignore[arg-type]
    options = Options("a cat")
    request = resolved(options)
    assert await adviser.advise("m", options, request) is request


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_is_one_line_in_each_language(language: str) -> None:
    t = translator(language)
    for text in (t("advice-images", images=4), t("advice-seed", seed="7")):
        assert "\n" not in text
        assert 20 < len(text) < 160 or language == "zh-CN"
