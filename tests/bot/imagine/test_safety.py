"""The optional classifier: a spoiler, or a refusal that is refunded as often as a cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bot.imagine.asker import Asker
from bot.imagine.events import Done, Failed
from bot.imagine.options import Options
from bot.imagine.picture import is_spoiler
from bot.imagine.safety import Safety
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image

ANNA = Asker("console", "anna")


@dataclass
class Judge:
    """Says what it is told to say of every picture."""

    score: float | Exception

    def unsafe(self, image: Image) -> float:
        if isinstance(self.score, Exception):
            raise self.score
        return self.score


async def drawn(folder: Path, judge: Judge, times: int = 1, **moderation: Any) -> tuple[list[Any], int]:
    """What became of so many requests, and how many were charged."""
    config = config_in(folder, moderation=moderation, limits={"refunded_cancels_a_day": 1})
    async with easel(config, safety=Safety(config.moderation, judge)) as service:
        outcomes = []
        for n in range(times):
            live = await service.imagine(ANNA, Options(f"cat {n}"), key=str(n), address={})
            outcome = await live.outcome()
            outcomes.append(await service.read(outcome) if isinstance(outcome, Done) else outcome)
        return outcomes, (await service.members.quota(ANNA)).used


async def test_what_the_classifier_does_not_mind_is_shown(tmp_path: Path) -> None:
    (done,), _ = await drawn(tmp_path, Judge(0.4))
    assert isinstance(done, Done)
    assert not done.pictures[0].spoiler


@pytest.mark.parametrize("judge", [Judge(0.5), Judge(RuntimeError("broken"))])
async def test_what_it_warns_of_is_a_spoiler_and_the_file_remembers(tmp_path: Path, judge: Judge) -> None:
    (done,), _ = await drawn(tmp_path, judge)
    assert isinstance(done, Done)
    assert done.pictures[0].spoiler
    assert is_spoiler(done.pictures[0].png)


async def test_a_refused_picture_is_refunded_a_few_times_a_day(tmp_path: Path) -> None:
    outcomes, used = await drawn(tmp_path, Judge(1.0), times=2, classifier_action="refuse")
    assert all(isinstance(outcome, Failed) for outcome in outcomes)
    told = [outcome.message.id for outcome in outcomes]
    assert told == ["moderation-image", "moderation-image-charged"]
    assert used == 1
