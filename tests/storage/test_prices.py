"""Volume prices, by what was charged before; and how long tiers were held, for subscriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from storage.clock import HOUR_US, SECOND_US
from storage.errors import SpendingCapReached
from storage.records.members import KeyScope, TierTerms
from storage.records.requests import CancelledBy, Source
from tests.storage.house import NOON, TIERS, HandClock, ask, deliver, draw, forget, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

VOLUME = TierTerms("bulk", None, 20_000, volume=((3, 15_000), (5, 10_000)))


@pytest.mark.parametrize(
    ("before", "price"), [(0, 20_000), (2, 20_000), (3, 15_000), (4, 15_000), (5, 10_000), (99, 10_000)]
)
def test_the_price_of_the_next_image_goes_by_how_many_there_were(before: int, price: int) -> None:
    assert VOLUME.price_of_next(before) == price


async def test_a_request_across_a_step_is_charged_image_by_image(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers={**TIERS, "bulk": VOLUME}) as store:
        member = (await store.members.of("discord", "1")).key
        await store.members.set_tier(member, "bulk", by="owner")
        await deliver(store, member, images=2)
        await deliver(store, member, images=4)
        charged = sorted(row.price_micro for row in await store.ledger.rows())
        assert charged == [10_000, 15_000, 15_000, 20_000, 20_000, 20_000]
        assert await store.check() == []


async def test_what_is_only_reserved_does_not_count_and_a_new_month_starts_anew(
    tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock, tiers={**TIERS, "bulk": VOLUME}) as store:
        member = (await store.members.of("discord", "1")).key
        await store.members.set_tier(member, "bulk", by="owner")
        await store.requests.accept(ask(member, 3))
        await deliver(store, member)
        clock.advance(days=10)
        await deliver(store, member)
        assert [row.price_micro for row in await store.ledger.rows()] == [20_000, 20_000]
        assert await store.check() == []


async def test_images_that_are_given_up_make_the_others_no_cheaper(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers={**TIERS, "bulk": VOLUME}) as store:
        member = (await store.members.of("discord", "1")).key
        await store.members.set_tier(member, "bulk", by="owner")
        decoys = [(await store.requests.accept(ask(member))).request for _ in range(20)]
        real = (await store.requests.accept(ask(member, 4))).request
        await draw(store, real)
        await store.jobs.acknowledge(real.request_id)
        for decoy in decoys:
            await store.jobs.cancelled(decoy.jobs[0].job_id, by=CancelledBy.MEMBER)
        await deliver(store, member, images=2)
        charged = [row.price_micro for row in await store.ledger.rows() if row.charged]
        assert charged == [20_000, 20_000, 20_000, 15_000, 15_000, 10_000]
        assert await store.check() == []


async def test_pictures_that_count_as_several_are_charged_in_the_order_of_volume_too(
    tmp_path: Path, clock: HandClock
) -> None:
    async with await open_store(tmp_path, clock, tiers={**TIERS, "bulk": VOLUME}) as store:
        member = (await store.members.of("discord", "1")).key
        await store.members.set_tier(member, "bulk", by="owner")
        decoy = (await store.requests.accept(ask(member, counts_as=4))).request  # three at 20_000, one less
        await deliver(store, member, images=2)
        await deliver(store, member, counts_as=2)
        await store.jobs.cancelled(decoy.jobs[0].job_id, by=CancelledBy.MEMBER)
        charged = [row.price_micro for row in await store.ledger.rows() if row.charged]
        assert charged == [20_000, 20_000, 20_000 + 15_000]
        assert await store.check() == []


async def test_a_spending_cap_leaves_what_a_top_up_pays(tmp_path: Path, clock: HandClock) -> None:
    spent = TierTerms("spent", allowance=0, price_micro=50_000)
    async with await open_store(tmp_path, clock, tiers={**TIERS, "spent": spent}) as store:
        _, key = await store.keys.create(
            "shop", scopes=frozenset({KeyScope.IMAGES}), tier="spent", by="owner", spend_cap_micro=0
        )
        await store.members.grant(key.member, 2, by="owner")
        assert len((await store.requests.accept(ask(key.member, 2))).request.jobs) == 2


async def test_the_cap_of_a_revoked_key_holds_only_for_what_was_let_in_with_it(
    store: Store, member: str
) -> None:
    _, key = await store.keys.create(
        "shop", scopes=frozenset({KeyScope.IMAGES}), tier="member", by="owner", spend_cap_micro=0
    )
    with pytest.raises(SpendingCapReached):
        await store.requests.accept(ask(key.member))
    await store.keys.revoke(key.prefix, by="owner")
    with pytest.raises(SpendingCapReached):
        await store.requests.accept(ask(key.member, source=Source("api", f"{key.prefix}:1")))
    await store.requests.accept(ask(key.member))


async def test_a_spending_cap_counts_the_lower_price(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, tiers={**TIERS, "bulk": VOLUME}) as store:
        _, key = await store.keys.create(
            "shop", scopes=frozenset({KeyScope.IMAGES}), tier="bulk", by="owner", spend_cap_micro=75_000
        )
        await store.requests.accept(ask(key.member, 4))
        with pytest.raises(SpendingCapReached):
            await store.requests.accept(ask(key.member))


async def test_a_tier_is_held_until_it_is_replaced_or_ends(store: Store, clock: HandClock) -> None:
    one, two = [(await store.members.of("discord", name)).key for name in ("1", "2")]
    await store.members.set_tier(one, "member", by="owner")
    await store.members.set_tier(two, "member", NOON + timedelta(hours=5), by="owner")
    clock.advance(hours=3)
    await store.members.set_tier(one, "enterprise", by="owner")
    clock.advance(hours=6)
    held = await store.stats.held(store.calendar.today(clock()))
    assert held == {"member": (3 + 5) * HOUR_US, "enterprise": 6 * HOUR_US}


async def test_what_was_held_before_a_period_and_after_it_is_not_its(store: Store, clock: HandClock) -> None:
    member = (await store.members.of("discord", "1")).key
    await store.members.set_tier(member, "member", by="owner")
    clock.set(datetime(2027, 1, 15, tzinfo=UTC))
    assert await store.stats.held(store.calendar.month_of(202612)) == {"member": 31 * 86_400 * SECOND_US}
    assert await store.stats.held(store.calendar.month_of(202610)) == {}
    assert await store.stats.held(store.calendar.month_of(202701)) == {"member": 14 * 86_400 * SECOND_US}


async def test_who_is_forgotten_counts_until_then(store: Store, clock: HandClock) -> None:
    member = (await store.members.of("discord", "1")).key
    await store.members.set_tier(member, "member", by="owner")
    clock.advance(hours=1)
    await forget(store, "discord", "1")
    clock.advance(hours=1)
    assert await store.stats.held(store.calendar.today(clock())) == {"member": HOUR_US}


async def test_a_keys_tier_is_held_until_the_key_is_revoked_or_expires(
    store: Store, clock: HandClock
) -> None:
    made = {"scopes": frozenset({KeyScope.IMAGES}), "tier": "member", "by": "owner"}
    _, revoked = await store.keys.create("one", **made)  # type: ignore[arg-type]
    await store.keys.create("two", expires_at=NOON + timedelta(hours=2), **made)  # type: ignore[arg-type]
    clock.advance(hours=3)
    await store.keys.revoke(revoked.prefix, by="owner")
    clock.advance(hours=3)
    assert await store.stats.held(store.calendar.today(clock())) == {"member": (3 + 2) * HOUR_US}


async def test_a_roles_tier_counts_for_the_month_in_which_somebody_drew_under_it(
    store: Store, clock: HandClock
) -> None:
    one, two = [(await store.members.of("discord", name)).key for name in ("1", "2")]
    for _ in range(2):
        await store.requests.accept(ask(one, tier="member"))
    await store.requests.accept(ask(two))
    days = 22 * 24 + 12  # of November, until noon of the 23rd
    month = store.calendar.month_of(202611)
    assert await store.stats.held(month) == {"member": days * HOUR_US}
    await store.members.set_tier(one, "member", by="owner")  # now by name, which is no second subscription
    clock.advance(hours=1)
    assert await store.stats.held(month) == {"member": (days + 1) * HOUR_US}
    assert await store.stats.held(store.calendar.month_of(202610)) == {}
    clock.set(datetime(2027, 1, 15, tzinfo=UTC))
    assert await store.stats.held(month) == {"member": 30 * 24 * HOUR_US}
    assert await store.check() == []


async def test_a_tier_that_comes_by_linking_is_held_once(store: Store, clock: HandClock) -> None:
    one, two = [(await store.members.of(platform, "1")).key for platform in ("discord", "telegram")]
    await store.members.set_tier(two, "member", by="owner")
    clock.advance(hours=1)
    offer = await store.links.redeem(two, await store.links.code(one))
    for member in (one, two):
        await store.links.confirm(member, offer.offer_id)
    clock.advance(hours=2)
    assert await store.stats.held(store.calendar.today(clock())) == {"member": 3 * HOUR_US}
