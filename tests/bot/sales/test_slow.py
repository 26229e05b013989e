"""A member whose month is used up chooses to go on slowly, and is drawn when nobody else waits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.simulation import simulate
from bot.app import tier_terms
from bot.config.money import Tier
from bot.imagine.engine_terms import slow_tier
from engine.families.profile import Curve
from tests.bot.faces.toy import Chat, ToyFace
from tests.easel import FieldModel, config_in, easel
from tests.engine.test_scheduler import PROFILE, flood

if TYPE_CHECKING:
    from pathlib import Path

TIERS = {
    "free": {"images_a_month": 1, "slow_images_a_month": 2, "billing": "none", "max_size": 768},
    "member": {"images_a_month": 5},
}
HOUR_S = 3600
SMALL = "/imagine a cat --size 64x64 --steps 1"


SELLING: dict[str, Any] = {"sales": {"enabled": True}, "offers": {"boost": {"images": 5, "stars": 9}}}


async def test_a_refusal_has_buttons_to_go_on_wait_or_buy(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path, tiers=TIERS, **SELLING)) as service:
        toy = ToyFace(service, Chat())

        async def refused() -> list[str]:
            await toy.delivery.settled()
            toy.chat.buttons.clear()
            await toy.type("anna", SMALL)
            return toy.chat.buttons

        await toy.type("anna", SMALL)
        assert await refused() == ["slow:on=anna", "slow:off=anna", "plans:"]
        assert "2 more can be drawn slowly" in toy.chat.words[-1]
        await toy.press("bob", "slow:on=anna")
        assert "for somebody else" in toy.chat.words[-1]
        await toy.press("anna", "slow:on=anna")
        await toy.type("anna", f"{SMALL} --images 2")
        assert await refused() == ["plans:"]
        assert "New ones come on" in toy.chat.words[-1]
        await toy.delivery.close()


async def test_more_than_may_be_drawn_slowly_is_told(tmp_path: Path) -> None:
    async with easel(config_in(tmp_path, tiers=TIERS)) as service:
        toy = ToyFace(service, Chat())
        await toy.type("anna", SMALL)
        await toy.delivery.settled()
        await toy.press("anna", "slow:on")
        await toy.type("anna", f"{SMALL} --images 3")
        assert "3" in toy.chat.words[-1]
        assert "have 2 left until" in toy.chat.words[-1]
        await toy.delivery.close()


async def test_a_member_goes_on_slowly_by_a_button(tmp_path: Path) -> None:
    model = FieldModel()
    async with easel(config_in(tmp_path, tiers=TIERS), model) as service:
        toy = ToyFace(service, Chat())

        async def draw() -> int:
            await toy.type("anna", SMALL)
            await toy.delivery.settled()
            return len(toy.chat.pictures)

        assert await draw() == 1
        assert await draw() == 1
        await toy.type("anna", "/quota")
        assert "After that: 2 slow images" in toy.chat.words[-1]
        assert toy.chat.buttons[-1] == "slow:on=anna"
        await toy.press("anna", "slow:on=anna")
        assert "slowly, when nobody else waits; 2 left" in toy.chat.words[-1]
        assert await draw() == 2
        assert await draw() == 3
        assert await draw() == 3
        assert "New ones come on" in toy.chat.words[-1]
        await toy.press("anna", "slow:off")  # as earlier versions wrote it
        assert toy.chat.buttons[-1] != "slow:on=anna"
        await toy.delivery.close()


async def test_whoever_is_not_slow_is_drawn_first(tmp_path: Path) -> None:
    model = FieldModel()
    async with easel(config_in(tmp_path, tiers=TIERS, engine={"max_active": 1}), model) as service:
        toy = ToyFace(service, Chat())
        await toy.type("anna", SMALL)
        await toy.delivery.settled()
        await toy.press("anna", "slow:on")
        member = await service.store.members.of("toy", "bob")
        await service.store.members.set_tier(member.key, "member", by="admin")
        model.gate.clear()
        for who in ("bob", "anna", "bob"):  # the worker has all three at hand before the first is drawn
            await toy.type(who, SMALL)
        waiting = {live.request_id: live.member for live in service.requests.unfinished()}
        model.gate.set()
        await toy.delivery.settled()
        drawn = [waiting[job.partition("-")[0]] for job in model.drawn[1:]]
        assert [who == member.key for who in drawn] == [True, True, False]
        await toy.delivery.close()


def test_one_is_drawn_every_hour_however_many_others_wait(tmp_path: Path) -> None:
    tiers, slow = tier_terms(config_in(tmp_path, tiers=TIERS)), slow_tier("free")
    assert set(tiers) == {"free", "member", slow}
    profile = replace(PROFILE, step_s=Curve(((1024 * 1024, 5.0),)))
    arrivals = [arrival for tier in tiers for arrival in flood(tier, 240)]
    outcome = simulate(arrivals, profile, tiers=tiers, until_s=2.5 * HOUR_S)
    ends_s = [story.finished_s for story in outcome.stories.values() if story.request.tier == slow]
    at_s = [0, *sorted(end_s for end_s in ends_s if end_s)]
    assert outcome.stories["member239"].finished_s is None  # nobody ran out of work
    assert all(later - earlier <= HOUR_S for earlier, later in pairwise([*at_s, outcome.ended_s]))


def test_slow_images_need_an_allowance_to_come_after() -> None:
    with pytest.raises(ValueError, match="must have images_a_month"):
        Tier(slow_images_a_month=5)
