"""What buttons do, on no platform: ids, who may, and what today's rules say to yesterday's request."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bot.commands import buttons
from bot.commands.button_ids import Action, Press, button_id, pressed, replied
from bot.commands.details import details_card
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Size, load_capabilities
from bot.imagine.events import Done
from bot.imagine.options import Options
from bot.messages import UserError, translator
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service

ANNA, BOB = Asker("discord", "anna"), Asker("discord", "bob")


async def delivered(service: Service, **options: object) -> LiveRequest:
    wanted = Options(**{"prompt": "a cat", "seed": "7", **options})  # type: ignore[arg-type]
    live = await service.imagine(ANNA, wanted, key="first", address={})
    assert isinstance(await live.outcome(), Done)
    await service.delivered(live, "m")
    return live


async def refused(awaitable: object) -> str:
    with pytest.raises(UserError) as error:
        await awaitable  # type: ignore[misc]
    return error.value.message.id


async def offered(live: LiveRequest, service: Service) -> list[Action]:
    done = await live.outcome()
    assert isinstance(done, Done)
    return [offer.action for row in buttons.offered(live, done, service) for offer in row]


def test_a_buttons_id_says_what_it_does_in_64_bytes() -> None:
    for action in Action:
        for target in ("0123456789abcdef", "0123456789abcdef-3"):
            press = pressed(button_id(action, target))
            assert press is not None
            assert (press.action, press.target, press.request_id) == (action, target, "0123456789abcdef")
            assert len(button_id(action, target).encode()) <= 64
            assert pressed(button_id(action, target, "5")) == Press(action, target, "5")


@pytest.mark.parametrize("id_", ["", "again", "again:", "again:xyz", "steal:0123456789abcdef", "x again:0"])
def test_any_other_id_is_not_ours(id_: str) -> None:
    assert pressed(id_) is None


async def test_again_has_a_new_seed_and_vary_the_same(service: Service) -> None:
    live = await delivered(service)
    again = await buttons.again(service, BOB, live.request_id, key="2", address={})
    assert again.request.prompt == "a cat"
    assert again.request.seed != 7
    varied = await buttons.vary(service, BOB, live.request_id, "a dog", key="3", address={})
    assert (varied.request.prompt, varied.request.seed) == ("a dog", 7)


async def test_one_of_a_grid_is_varied_from_its_own_seed(service: Service) -> None:
    live = await delivered(service, images="3")
    varied = await buttons.vary(service, ANNA, f"{live.request_id}-2", "a dog", key="2", address={})
    assert varied.request.seed == 9


async def test_redrawn_larger_is_the_next_size_of_one_picture(service: Service) -> None:
    live = await delivered(service, images="2")
    larger = await buttons.redraw(service, ANNA, f"{live.request_id}-1", key="2", address={})
    assert str(larger.request.size) == "192x192"
    assert (larger.request.seed, larger.request.images) == (8, 1)


async def test_there_is_nothing_larger_than_the_largest(service: Service) -> None:
    live = await delivered(service, size="256x256")
    asked = buttons.redraw(service, ANNA, live.request_id, key="2", address={})
    assert await refused(asked) == "action-largest"
    assert Action.REDRAW not in await offered(live, service)


async def test_redrawn_larger_keeps_the_shape_and_is_not_offered_beyond_tier_and_model(
    tmp_path: Path,
) -> None:
    free = {"max_size": 128, "default_size": 128}
    async with easel(config_in(tmp_path, tiers={"free": free})) as service:
        live = await delivered(service, size="128x128")
        assert Action.REDRAW not in await offered(live, service)
        assert (await buttons.single(service, ANNA, f"{live.request_id}-0")).larger == (Action.LARGER,)
        asked = buttons.redraw(service, ANNA, live.request_id, key="2", address={})
        assert await refused(asked) == "action-largest-tier"
    tall = Size(128, 256)
    assert load_capabilities("embedded").larger(tall, 1024**2) is None
    assert load_capabilities("embedded").larger(Size(96, 160), 1024**2) == Size(144, 240)


async def test_whoever_asks_again_is_checked_like_anybody(service: Service) -> None:
    live = await delivered(service)
    bob = await service.members.of(BOB)
    await service.store.members.ban(bob.key, by="test")
    assert await refused(buttons.again(service, BOB, live.request_id, key="2", address={})) == "error-banned"


async def test_a_private_request_is_its_owners(service: Service) -> None:
    live = await delivered(service, private=True)
    t = translator("en")
    for asked in (
        buttons.again(service, BOB, live.request_id, key="2", address={}),
        buttons.single(service, BOB, f"{live.request_id}-0"),
        details_card(service, BOB, live.request_id, t),
        buttons.fetch(service, BOB, live.request_id),
    ):
        assert await refused(asked) == "error-not-owner"
    assert (await buttons.single(service, ANNA, f"{live.request_id}-0")).request.seed == 7


async def test_delete_takes_the_file_and_is_the_owners_or_a_moderators(service: Service) -> None:
    live = await delivered(service, images="2")
    assert await refused(buttons.delete(service, BOB, live.request_id)) == "error-not-owner"
    await buttons.delete(service, BOB, live.request_id, moderator=True)
    assert await refused(buttons.single(service, ANNA, f"{live.request_id}-1")) == "error-gone"


async def test_cancel_is_the_owners_or_a_moderators(service: Service, model: FieldModel) -> None:
    model.gate.clear()
    live = await service.imagine(ANNA, Options("a cat"), key="1", address={})
    assert await refused(buttons.cancel(service, BOB, live.request_id)) == "error-not-yours"
    await buttons.cancel(service, BOB, live.request_id, moderator=True)
    model.gate.set()
    assert not isinstance(await live.outcome(), Done)


async def test_details_hold_everything_to_draw_it_again(service: Service) -> None:
    live = await delivered(service, images="2", negative="text", guidance="2")
    card = await details_card(service, BOB, live.request_id, translator("en"))
    facts = dict(card.facts)
    assert card.text == "a cat"
    assert facts["Seed"] == "7, 8"
    assert facts["Guidance"] == "2"
    assert facts["Negative prompt"] == "text"
    assert facts["Time"]
    assert not {"GPU time", "Cost"} & set(facts)


async def test_what_it_cost_is_told_to_tiers_that_are_shown_it_and_to_owners(
    tmp_path: Path,
) -> None:
    tiers = {"free": {}, "pro": {"show_cost": True}}
    async with easel(config_in(tmp_path, tiers=tiers)) as service:
        live = await delivered(service)
        for asker, told in (
            (BOB, False),
            (replace(BOB, tier="pro"), True),
            (replace(BOB, owner=True), True),
        ):
            card = await details_card(service, asker, live.request_id, translator("en"))
            assert ({"GPU time", "Cost"} <= set(dict(card.facts))) == told


async def test_what_waits_in_the_history_counts_when_it_is_fetched(service: Service) -> None:
    live = await service.imagine(ANNA, Options("a cat"), key="1", address={})
    await live.outcome()
    await service.park(live)
    assert (await service.members.quota(ANNA)).used == 0
    fetched = await buttons.fetch(service, ANNA, live.request_id)
    assert isinstance(await fetched.outcome(), Done)
    await service.delivered(fetched, "m")
    assert (await service.members.quota(ANNA)).used == 1


async def test_an_unknown_request_is_said_to_be_gone(service: Service) -> None:
    asked = buttons.again(service, ANNA, "0123456789abcdef", key="1", address={})
    assert await refused(asked) == "error-gone"


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        ("hist:0123456789abcdef", "older:0123456789abcdef"),
        ("lang:zh-CN", "language:zh-CN"),
        ("link:y:OFFER", "link:OFFER"),
        ("link:n:OFFER", "unlink:OFFER"),
        ("forget:y:", "forget:"),
        ("forget:n:", "keep:"),
        ("set:preview:off", "set:preview=off"),
    ],
)
def test_buttons_of_earlier_versions_are_still_understood(earlier: str, now: str) -> None:
    assert replied(earlier) == replied(now) is not None
