"""Any interleaving of reserve, settle, release, expire, grant, tier and month change, linking and forgetting.

A plain model in Python says what each member must have left; the invariants say that the tables agree.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from storage.errors import QuotaExceeded
from storage.records.members import TierTerms
from storage.records.requests import CancelledBy
from tests.storage.house import USAGE, HandClock, ask, forget, open_store

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from storage.store import Store

TIERS = {
    "free": TierTerms("free", 5, 0),
    "member": TierTerms("member", 9, 50_000),
    "enterprise": TierTerms("enterprise", None, 20_000),
}
PEOPLE = [("discord", "1"), ("discord", "2"), ("telegram", "3")]
WHO = st.integers(0, len(PEOPLE) - 1)


@dataclass(eq=False)
class Person:
    """What the model knows of a member: by month what is used and reserved; what is left of the top-up."""

    tier: str = "free"
    used: dict[int, int] = field(default_factory=dict)
    reserved: dict[int, int] = field(default_factory=dict)
    carried: dict[int, int] = field(default_factory=dict)
    topup: int = 0
    split_from: Person | None = None

    def left(self, month: int) -> int | None:
        allowance = TIERS[self.tier].allowance
        if allowance is None:
            return None
        return max(0, allowance - self.used.get(month, 0) - self.reserved.get(month, 0)) + self.topup


@dataclass(eq=False)
class Job:
    job_id: str
    person: Person
    month: int
    counts_as: int
    from_topup: int
    accepted_at: datetime
    drawn: bool = False

    def release(self) -> None:
        self.person.topup += self.from_topup
        self.person.reserved[self.month] -= self.counts_as - self.from_topup

    def settle(self) -> None:
        from_month = self.counts_as - self.from_topup
        self.person.reserved[self.month] -= from_month
        self.person.used[self.month] = self.person.used.get(self.month, 0) + from_month


class Quotas(RuleBasedStateMachine):
    """The store beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = HandClock(datetime(2027, 12, 30, tzinfo=UTC))
        self.loop = asyncio.new_event_loop()
        self.store: Store = self.do(self.opened())
        self.jobs: list[Job] = []
        self.people: list[Person] = []

    async def opened(self) -> Store:
        return await open_store(Path(self.folder.name), self.clock, tiers=TIERS)

    def do(self, verb: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(verb)

    def key(self, who: int) -> str:
        return str(self.do(self.store.members.of(*PEOPLE[who])).key)

    @property
    def month(self) -> int:
        return self.store.calendar.month(self.clock())

    @property
    def now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.clock())

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.people = [Person() for _ in PEOPLE]

    @rule(who=WHO, pictures=st.integers(1, 4), counts_as=st.sampled_from([1, 1, 2, 3]))
    def reserve(self, who: int, pictures: int, counts_as: int) -> None:
        person, month = self.people[who], self.month
        left = person.left(month)
        request = ask(self.key(who), pictures, counts_as=counts_as)
        images = pictures * counts_as
        try:
            self.do(self.store.requests.accept(request))
        except QuotaExceeded:
            assert left is not None
            assert images > left
            return
        assert left is None or images <= left
        free = images if left is None else min(images, left - person.topup)
        person.reserved[month] = person.reserved.get(month, 0) + free
        person.topup -= images - free
        for index, job in enumerate(request.jobs):
            from_topup = min(counts_as, max(0, (index + 1) * counts_as - free))
            self.jobs.append(Job(job.job_id, person, month, counts_as, from_topup, self.now))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def draw(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.jobs))
        picture = self.do(self.store.pictures.put(b"a picture", ".png"))
        self.do(self.store.jobs.drawn(job.job_id, picture, USAGE))
        job.drawn = True

    @precondition(lambda self: any(job.drawn for job in self.jobs))
    @rule(data=st.data(), how=st.sampled_from(["delivered", "blocked", "lost"]))
    def deliver(self, data: st.DataObject, how: str) -> None:
        job = data.draw(st.sampled_from([job for job in self.jobs if job.drawn]))
        for _ in range(2):  # the platform tells it twice
            if how == "delivered":
                self.do(self.store.jobs.acknowledge([job.job_id], "message"))
            else:
                self.do(self.store.jobs.undeliverable([job.job_id], how, members_doing=how == "blocked"))
        self.jobs.remove(job)
        if how == "lost":
            job.release()
        else:
            job.settle()

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), how=st.sampled_from(["failed", "refunded", "charged"]))
    def end(self, data: st.DataObject, how: str) -> None:
        job = data.draw(st.sampled_from(self.jobs))
        if how == "failed":
            self.do(self.store.jobs.failed(job.job_id, "no GPU", USAGE))
        else:
            self.do(
                self.store.jobs.cancelled(
                    job.job_id,
                    USAGE,
                    by=CancelledBy.MEMBER,
                    refunds_a_day=0 if how == "charged" else None,
                )
            )
        self.jobs.remove(job)
        if how == "charged":
            job.settle()
        else:
            job.release()

    @rule()
    def expire(self) -> None:
        expired = {
            job.job_id for job in self.do(self.store.jobs.expire(unfinished_s=86_400, undelivered_s=10**9))
        }
        limit = self.now - timedelta(days=1)
        overdue = [job for job in self.jobs if not job.drawn and job.accepted_at <= limit]
        assert expired == {job.job_id for job in overdue}
        for job in overdue:
            job.release()
            self.jobs.remove(job)

    @rule(who=WHO, images=st.integers(1, 3))
    def grant(self, who: int, images: int) -> None:
        self.do(self.store.members.grant(self.key(who), images, by="admin"))
        self.people[who].topup += images

    @rule(who=WHO, tier=st.sampled_from(list(TIERS)))
    def change_tier(self, who: int, tier: str) -> None:
        self.do(self.store.members.set_tier(self.key(who), tier, by="admin"))
        self.people[who].tier = tier

    @rule(days=st.sampled_from([0.4, 1, 20]))
    def time_passes(self, days: float) -> None:
        self.clock.advance(days=days)

    @rule()
    def restart(self) -> None:
        self.do(self.store.close())
        self.store = self.do(self.opened())
        unfinished = [job.job_id for one in self.do(self.store.requests.unfinished()) for job in one.jobs]
        assert unfinished == [job.job_id for job in self.jobs if not job.drawn]

    @rule(one=WHO, other=WHO)
    def link(self, one: int, other: int) -> None:
        keeper, joining = self.people[one], self.people[other]
        if keeper is joining:
            return
        offer = self.do(
            self.store.links.redeem(self.key(other), self.do(self.store.links.code(self.key(one))))
        )
        self.do(self.store.links.confirm(self.key(one), offer.offer_id))
        self.do(self.store.links.confirm(self.key(other), offer.offer_id))
        for younger, elder in ((keeper, joining), (joining, keeper)):
            if younger.split_from is elder:
                for month, images in younger.carried.items():
                    younger.used[month] -= images
                younger.carried = {}
        for kept, added in (
            (keeper.used, joining.used),
            (keeper.reserved, joining.reserved),
            (keeper.carried, joining.carried),
        ):
            for month, images in added.items():
                kept[month] = kept.get(month, 0) + images
        keeper.topup += joining.topup
        keeper.tier = max(keeper.tier, joining.tier, key=list(TIERS).index)
        self.people = [keeper if person is joining else person for person in self.people]
        for job in self.jobs:
            if job.person is joining:
                job.person = keeper

    @rule(who=WHO)
    def unlink(self, who: int) -> None:
        common = self.people[who]
        if self.people.count(common) < 2:
            return
        self.do(self.store.links.unlink(*PEOPLE[who]))
        carried = common.used.get(self.month, 0) + common.reserved.get(self.month, 0)
        self.people[who] = Person(
            used={self.month: carried}, carried={self.month: carried}, split_from=common
        )

    @rule(who=WHO)
    def forget(self, who: int) -> None:
        gone = self.people[who]
        self.key(who)
        self.do(forget(self.store, *PEOPLE[who]))
        self.jobs = [job for job in self.jobs if job.person is not gone]
        used = gone.used.get(self.month, 0)
        for index, person in enumerate(self.people):
            if person is gone:
                self.people[index] = Person(used={self.month: used}, carried={self.month: used})
                self.key(index)  # they come back at once

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        for who, person in enumerate(self.people):
            quota = self.do(self.store.members.quota(self.key(who)))
            month = self.month
            expected = (
                person.used.get(month, 0),
                person.reserved.get(month, 0),
                person.topup,
                person.left(month),
            )
            assert (quota.used, quota.reserved, quota.topup, quota.left) == expected
        assert self.do(self.store.check()) == []


Quotas.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_quotas = Quotas.TestCase
