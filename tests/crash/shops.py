"""One life of the bot as it sells, through its real adapters, until it is killed; and the reckoning after.

On Telegram the platform is another process (`tests.crash.street`). simcord plays Discord inside the bot's own
process, so what Discord knows is kept in a journal, and is put back at each birth.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from typing import TYPE_CHECKING, Any

import discord
import simcord

from bot.alerts import Alerts
from bot.discord.client import EaselClient
from bot.telegram import Client
from tests.bot.discord.subscriptions import Subscription
from tests.bot.telegram.conftest import FAST, config_for
from tests.bot.telegram.standin import TOKEN
from tests.crash.journal import Journal
from tests.crash.reckoning import Report
from tests.crash.street import OFFERS, TRUTH
from tests.easel import easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from bot.config.schema import Config
    from storage.store import Store

SKUS = {5001: discord.SKUType.consumable, 5002: discord.SKUType.subscription}
SOLD = (5001, 5001, 5001, 5001, 5002)
"""How often which is bought: subscriptions stay in Discord's list, which each birth reads."""
FIRST_USER, USERS = 70_000, 8
FIRST_ID = 10**15
STARTED = "started"
"""In the journal: a life has read Discord's whole list."""


def config(folder: Path, port: int) -> Config:
    """A bot that sells, and draws nothing for free."""
    tiers = {
        "free": {"images_a_month": 0, "billing": "none"},
        "member": {"images_a_month": 5},
        "premium": {"images_a_month": 50},
    }
    return config_for(folder, f"http://127.0.0.1:{port}", sales={"enabled": True}, offers=OFFERS, tiers=tiers)


async def on_telegram(folder: Path, port: int, on_serving: Callable[[], None]) -> None:
    """Serve until killed."""
    async with _telegram(folder, port) as (client, running):
        await client.started.wait()
        on_serving()
        await running


@contextlib.asynccontextmanager
async def _telegram(folder: Path, port: int) -> AsyncIterator[tuple[Client, asyncio.Task[None]]]:
    settings = config(folder, port)
    async with easel(settings) as service:
        assert not (findings := await service.store.check()), findings
        client = Client(service, TOKEN, settings, Alerts(), FAST)
        running = asyncio.create_task(client.run())
        try:
            yield client, running
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def on_discord(folder: Path, port: int, seed: int, grants: int, on_serving: Callable[[], None]) -> None:
    """Sell so many times, or until it is killed."""
    journal, chance = Journal(folder / "discord"), random.Random(seed)
    settings = config(folder, port)
    async with easel(settings) as service:
        assert not (findings := await service.store.check()), findings
        bot = EaselClient(service, settings.discord, Alerts(), edit_every_s=0.001, shard_count=1)
        env = simcord.Env(bot, settle_timeout=PATIENCE_S)
        bought = _put_back(env, journal)
        try:
            await env.start()
        except TimeoutError:  # simcord gives a start five seconds, however busy the machine is
            return
        journal.note(STARTED)
        on_serving()
        for n in range(grants):
            id_, sku, user = (
                FIRST_ID + seed * 1000 + n,
                chance.choice(SOLD),
                FIRST_USER + chance.randrange(USERS),
            )
            journal.note("granted", id=id_, sku=sku, user=user)
            bought[id_] = await env.grant_entitlement(sku, user=user, id=id_, type=_type(sku))
            if chance.random() < 0.3:
                await bought[id_].replay_create()
            if chance.random() < 0.3:
                back = chance.choice([*bought])
                journal.note("revoked", id=back)
                await bought[back].revoke()
        with env.time_context():
            await bot.close()
        await env.shutdown()


def started(folder: Path) -> int:
    """How many lives have read Discord's whole list."""
    return len(Journal(folder / "discord").lines(STARTED))


def _put_back(env: simcord.Env, journal: Journal) -> dict[int, Any]:
    """Discord as the last life left it; what the bot consumes from now on is noted, and nobody renews."""
    Subscription.newest = None
    for sku, type_ in SKUS.items():
        env.create_sku(f"sku {sku}", type=type_, id=sku)
    consumed = {line["id"] for line in journal.lines("consumed")}
    revoked = {line["id"] for line in journal.lines("revoked")}
    consume = env.backend.consume_entitlement

    def noted(id_: int) -> None:
        consume(id_)
        journal.note("consumed", id=id_)

    env.backend.consume_entitlement = noted
    return {
        line["id"]: env.seed_entitlement(
            line["sku"],
            user=line["user"],
            id=line["id"],
            type=_type(line["sku"]),
            deleted=line["id"] in revoked,
            consumed=line["id"] in consumed,
        )
        for line in journal.lines("granted")
    }


def _type(sku: int) -> discord.EntitlementType:
    consumable = SKUS[sku] is discord.SKUType.consumable
    return (
        discord.EntitlementType.purchase if consumable else discord.EntitlementType.application_subscription
    )


async def reckon(folder: Path, port: int) -> Report:
    """Compare both platforms' truth with the book."""
    report = Report()
    async with easel(config(folder, port)) as service:
        for finding in await service.store.check():
            report.must(False, f"{finding.invariant}: {finding.sentence}")
        fates = await _fates(service.store)
        report.must(not await service.store.refunds.due("telegram"), "a refund is still due")
    telegram = json.loads((folder / TRUTH).read_text())
    # an edit whose answer a kill has taken is made again, and changes nothing
    amiss = [told for told in telegram["complaints"] if not told.startswith("message is not modified")]
    report.must(not amiss, f"Telegram was asked amiss: {amiss[:3]}")
    _agree(report, "telegram", telegram["charges"], fates["telegram"])
    journal = Journal(folder / "discord")
    revoked = {str(line["id"]) for line in journal.lines("revoked")}
    granted = {str(line["id"]): str(line["id"]) in revoked for line in journal.lines("granted")}
    written = fates["discord"]
    unheard = {id_ for id_, back in granted.items() if back and id_ not in written}  # taken back before
    _agree(report, "discord", {id_: back for id_, back in granted.items() if id_ not in unheard}, written)
    boosts = {str(line["id"]) for line in journal.lines("granted") if line["sku"] == 5001} - revoked
    consumed = {str(line["id"]) for line in journal.lines("consumed")}
    report.must(boosts <= consumed, f"never consumed: {boosts - consumed}")
    return report


def _agree(report: Report, platform: str, truth: dict[str, bool], book: dict[str, tuple[int, int]]) -> None:
    """Each payment is written, brought one thing or was paid back, the latter on both sides or on neither."""
    report.must(set(truth) == set(book), f"{platform}: paid on one side alone: {set(truth) ^ set(book)}")
    for charge, (brought, refunds) in book.items():
        report.must(brought <= 1, f"{platform}: {charge} was credited {brought} times")
        report.must(bool(brought or refunds), f"{platform}: {charge} brought nothing")
        report.must(
            bool(refunds) == truth.get(charge), f"{platform}: {charge} is paid back on one side alone"
        )
    report.figures[f"payments on {platform}"] = len(truth)
    report.figures["paid back"] += sum(truth.values())


async def _fates(store: Store) -> dict[str, dict[str, tuple[int, int]]]:
    """By platform and charge: what a payment brought, and whether it was paid back."""
    rows = await store.core.report(lambda db: db.execute(_FATES).fetchall())
    fates: dict[str, dict[str, tuple[int, int]]] = {"telegram": {}, "discord": {}}
    for row in rows:
        fates[row["provider"]][row["charge"]] = (row["credits"], row["refunds"])
    return fates


_FATES = """
SELECT provider, charge,
       (SELECT count(*) FROM credit WHERE credit.payment = payment.id)
       + (SELECT count(*) FROM period WHERE period.payment = payment.id) AS credits,
       EXISTS (SELECT 1 FROM refund WHERE refund.payment = payment.id) AS refunds
FROM payment
"""


async def drain(folder: Path, port: int, quiet: Callable[[], bool], on_serving: Callable[[], None]) -> None:
    """A life on Telegram that ends by itself once nothing is left to do."""
    async with _telegram(folder, port) as (client, running):
        on_serving()
        await client.started.wait()
        while not quiet() and not (await asyncio.wait({running}, timeout=0.05))[0]:
            pass
        await client.face.settled()
