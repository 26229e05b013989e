"""What is bought at Discord: images by consumable SKUs, tiers by subscriptions, each once."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import discord
import pytest

from bot.imagine.asker import Asker
from bot.messages import UserError
from storage.clock import to_us
from storage.months import Period
from tests.bot.discord.conftest import labels, parts, words
from tests.bot.discord.subscriptions import Subscription
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config
    from storage.records.members import Quota
    from tests.bot.discord.conftest import Opened, World

pytestmark = pytest.mark.e2e

BOOST, MONTH = 5001, 5002
OFFERS: dict[str, Any] = {
    "boost": {"images": 100, "stars": 150, "discord_sku": BOOST, "discord_cents": 299},
    "month": {"tier": "member", "days": 30, "discord_sku": MONTH, "discord_cents": 499},
}
CONSUMABLE, PURCHASE = discord.SKUType.consumable, discord.EntitlementType.purchase


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path, sales={"enabled": True}, offers=OFFERS)


@pytest.fixture
def skus(world: World) -> tuple[Any, Any]:
    """The SKUs as they were set up at Discord."""
    boost = world.env.create_sku("100 images", type=CONSUMABLE, id=BOOST)
    return boost, world.env.create_sku("Member", type=discord.SKUType.subscription, id=MONTH)


ALWAYS = Period(0, to_us(dt.datetime(2100, 1, 1, tzinfo=dt.UTC)))


async def income(world: World) -> list[tuple[str, int, int]]:
    """Of each offer: payments, and what they come to."""
    lines = await world.service.store.sales.income(ALWAYS)
    return [(line.offer, line.payments, line.amount) for line in lines]


async def quota(world: World, who: Any = None) -> Quota:
    return await world.service.members.quota(Asker("discord", str((who or world.anna).id)))


async def whole(world: World) -> None:
    assert await world.service.store.check() == []


async def test_plans_has_discords_own_buttons(world: World, skus: Any) -> None:
    result = await world.anna.slash(world.channel, "plans")
    assert "100 extra images: $2.99" in words(result.response)
    buttons = [button for part in parts(result.response) for button in part["components"]]
    assert [(button["style"], int(button["sku_id"])) for button in buttons] == [(6, BOOST), (6, MONTH)]


async def test_a_consumable_is_credited_once_and_consumed(world: World, skus: Any) -> None:
    bought = await world.env.grant_entitlement(skus[0], user=world.anna, type=PURCHASE)
    assert (await quota(world)).topup == 100
    assert bought.snapshot().consumed
    for _ in range(4):
        await bought.replay_create()
    await world.bot.premium.reconcile()
    assert (await quota(world)).topup == 100
    await whole(world)


async def test_what_was_bought_while_the_bot_was_down_is_credited(world: World, skus: Any) -> None:
    await world.stop()
    bought = world.env.seed_entitlement(skus[0], user=world.anna, type=PURCHASE)
    await world.start()
    await world.env.settle()
    assert (await quota(world)).topup == 100
    assert bought.snapshot().consumed


async def test_what_was_paid_back_while_the_bot_was_down_is_taken_back(world: World, skus: Any) -> None:
    bought = await world.env.grant_entitlement(skus[0], user=world.anna, type=PURCHASE)
    assert (await quota(world)).topup == 100
    await world.stop()
    world.env.backend.entitlements[bought.id].deleted = True
    await world.start()
    await world.env.settle()
    assert (await quota(world)).topup == 0
    await whole(world)


async def test_200_members_who_buy_at_once_are_credited_once(world: World, skus: Any) -> None:
    users = range(70_000, 70_200)
    bought = [world.env.seed_entitlement(skus[0], user=user, type=PURCHASE) for user in users]
    await asyncio.gather(*(world.bot.premium.reconcile() for _ in range(2)))
    quotas = [await world.service.members.quota(Asker("discord", str(user))) for user in users]
    assert {quota.topup for quota in quotas} == {100}
    assert all(one.snapshot().consumed for one in bought)
    await whole(world)


async def test_who_was_forgotten_is_not_remembered_by_what_they_hold(world: World, skus: Any) -> None:
    await world.env.grant_entitlement(skus[1], user=world.anna)
    members, user = world.service.store.members, str(world.anna.id)
    await members.forget((await members.of("discord", user)).key)
    await world.bot.premium.reconcile()
    assert await members.find("discord", user) is None


async def test_one_that_was_credited_and_not_consumed_is_consumed_later(world: World, skus: Any) -> None:
    bought = world.env.seed_entitlement(skus[0], user=world.anna, type=PURCHASE)
    member = await world.service.store.members.of("discord", str(world.anna.id))
    premium = world.bot.premium
    terms, paid = premium.terms("boost", bought.snapshot()), premium.paid("boost", bought.snapshot())
    await world.service.shop.bought(member.key, terms, paid)  # and then the process was killed
    await premium.reconcile()
    assert bought.snapshot().consumed
    assert (await quota(world)).topup == 100


async def test_the_owner_is_sent_to_discord_for_a_refund(world: World, skus: Any) -> None:
    await world.env.grant_entitlement(skus[0], user=world.anna, type=PURCHASE)
    member = await world.service.store.members.of("discord", str(world.anna.id))
    (order,) = await world.service.store.sales.of(member.key)
    with pytest.raises(UserError, match="error-refund-elsewhere"):
        await world.service.shop.refund(order.order_id, by="owner", why="")
    assert (await quota(world)).topup == 100


async def test_what_discord_pays_back_is_taken_back_by_the_same_id(world: World, skus: Any) -> None:
    bought = await world.env.grant_entitlement(skus[0], user=world.anna, type=PURCHASE)
    await bought.revoke()
    assert (await quota(world)).topup == 0
    await world.bot.premium.reconcile()
    await whole(world)


async def test_a_subscription_gives_its_tier_while_discord_says_so(world: World, skus: Any) -> None:
    subscription = await world.env.grant_entitlement(skus[1], user=world.anna)
    assert "member" in await world.ask("quota")
    assert "free" in await world.ask("quota", who=world.bob)
    await subscription.end()
    assert "free" in await world.ask("quota")


async def test_a_durable_one_gives_its_tier_for_good_and_is_income_once(world: World) -> None:
    durable = world.env.create_sku("Member for good", type=discord.SKUType.durable, id=MONTH)
    bought = await world.env.grant_entitlement(durable, user=world.anna, type=PURCHASE)
    await world.bot.premium.reconcile()
    assert "member" in await world.ask("quota")
    assert not bought.snapshot().consumed, "Discord's durables are kept"
    assert await income(world) == [("month", 1, 499)]
    await bought.revoke()
    assert "free" in await world.ask("quota")
    await whole(world)


async def test_a_subscription_is_income_with_each_of_its_payments(world: World, skus: Any) -> None:
    bought = await world.env.grant_entitlement(skus[1], user=world.anna)
    subscription = Subscription(world.env, bought)
    for _ in range(2):
        subscription.update(months=0)
        subscription.update(months=1)
    await world.env.settle()
    subscription.update(months=2, told=False)
    await world.service.shop.reconcile(world.bot.premium)
    member = await world.service.store.members.of("discord", str(world.anna.id))
    assert member.tier_until is not None
    assert (member.tier_until - dt.datetime.now(dt.UTC)).days in (89, 90)
    assert await income(world) == [("month", 3, 3 * 499)]
    await bought.revoke()  # Discord pays the last one back
    assert [line[1] for line in await income(world)] == [3]
    assert (await world.service.store.sales.income(ALWAYS))[0].refunds == 1
    await whole(world)


async def test_what_was_given_for_free_brings_its_tier_and_no_income(world: World, skus: Any) -> None:
    await world.env.grant_entitlement(skus[1], user=world.anna, type=discord.EntitlementType.developer_gift)
    assert (await quota(world)).tier == "member"
    assert await income(world) == [("month", 1, 0)]
    await whole(world)


async def test_a_servers_tier_is_income_once_and_no_fee(world: World, skus: Any) -> None:
    await world.env.grant_entitlement(skus[1], guild=world.guild)
    for who in (world.anna, world.bob):
        await world.imagine(who=who)
    assert await income(world) == [("month", 1, 499)]
    assert (await quota(world)).tier == "free"  # it is the server's, and only there
    rows = await world.service.store.core.report(lambda db: db.execute("SELECT * FROM tier_month").fetchall())
    assert rows == []
    await whole(world)


async def test_a_server_that_subscribes_gives_the_tier_to_all_its_members(world: World, skus: Any) -> None:
    await world.env.grant_entitlement(skus[1], guild=world.guild)
    for who in (world.anna, world.bob):
        assert "member" in await world.ask("quota", who=who)


async def test_who_is_banned_waits_for_what_they_bought(world: World, skus: Any) -> None:
    member = await world.service.store.members.of("discord", str(world.anna.id))
    await world.service.store.members.ban(member.key, by="admin")
    bought = await world.env.grant_entitlement(skus[0], user=world.anna, type=PURCHASE)
    assert not bought.snapshot().consumed
    await world.service.store.members.unban(member.key, by="admin")
    await world.bot.premium.reconcile()
    assert (await quota(world)).topup == 100


async def test_a_refusal_has_buttons_to_go_on_wait_or_buy(
    opened: Opened, config: Config, tmp_path: Path
) -> None:
    tiers = {"free": {"images_a_month": 1, "slow_images_a_month": 5, "billing": "none"}, "member": {}}
    settings = config_in(tmp_path, sales={"enabled": True}, offers=OFFERS, tiers=tiers)
    async with opened(settings) as world:
        picture = await world.imagine()
        refusals = [await world.imagine(), (await world.click(picture, "Again")).followups[0]]
        for refusal in refusals:
            assert "5 more can be drawn slowly" in words(refusal)
            assert labels(refusal) == ["Go on slowly", "Wait for next month", "See plans"]
        await world.click(refusals[0], "Go on slowly")
        assert (await quota(world)).slow
        await world.imagine()
        assert (await quota(world)).used == 2
