"""What must hold in a world once it is quiet, whatever broke on the way."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bot.imagine.events import Done, Failed
from storage.checking import check
from storage.images import picture_path
from storage.keys import PLATFORM
from tests.world.fairness import unfair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.world.platform import Platform
    from tests.world.world import World

_JOBS = """
SELECT job_id, request_id, request.platform, source_key, job.state, parked, coalesce(charged, 0) AS charged,
       coalesce(ledger.outcome, '') AS outcome, coalesce(receipt, '') AS receipt
FROM job JOIN request ON request.id = job.request LEFT JOIN ledger ON ledger.job = job.id ORDER BY job.id
"""


_PAYMENTS = """
SELECT provider, charge, refund.payment IS NOT NULL
FROM payment LEFT JOIN refund ON refund.payment = payment.id
"""


_OVERSPENT = """
SELECT prefix, spend_cap_micro, month, sum(price_micro * charged) AS spent FROM api_key
JOIN ledger USING (member) WHERE spend_cap_micro IS NOT NULL GROUP BY prefix, month
HAVING spent > spend_cap_micro
"""


_CHARGED_CANCELS = """
SELECT member, sum(charged) AS times FROM ledger WHERE outcome = 'cancelled' GROUP BY member
HAVING times > 0 AND count(*) - times < :refunds
"""
NOT_FETCHED = "not fetched"
"""The receipt of pictures that were held for a client for too long, and are charged."""


class Job(NamedTuple):
    """A job as the database has it in the end."""

    job_id: str
    request_id: str
    platform: str
    key: str
    state: str
    parked: int
    charged: int
    outcome: str
    receipt: str


def unfinished(database: Path) -> list[str]:
    """Jobs that are open, but for those that wait to be fetched out of the history."""
    return [job.job_id for job in _jobs(database) if _is_open(job)]


def broken(world: World) -> list[str]:
    """Everything that is not as it must be."""
    folder = world.config.storage.folder / "images"
    findings = check(world.database, lambda ref: picture_path(folder, ref).exists())
    problems = [f"{finding.invariant}: {finding.sentence}" for finding in findings]
    problems += unfair(world.device, world.demand, workers=len(world.workers) or 1)
    jobs = _jobs(world.database)
    for platform in world.platforms:
        mine = [job for job in jobs if job.platform == platform.name]
        problems += _every_request_once(world, platform, mine)
        problems += _pictures_and_charges(platform, mine)
        forgot = {name for where, name in world.street.forgot if where == platform.name}
        problems += _messages(platform, mine, forgot)
    problems += _calls(world, [job for job in jobs if job.platform == PLATFORM])
    return problems + list(_sales(world))


def _calls(world: World, jobs: list[Job]) -> Iterator[str]:
    """Who called with a key has what was charged, once, and is charged what they have."""
    charged = Counter(job.request_id for job in jobs if job.charged)
    kept = Counter(job.request_id for job in jobs if job.receipt == NOT_FETCHED)
    delivered = Counter(job.request_id for job in jobs if job.state == "delivered")
    have, sent = Counter[str](), Counter[str]()
    for call in world.clients.given:
        for connection in call.connections:
            if connection.after_revoked and connection.pictures:
                yield f"{call.key}: answered with a key that had been taken back"
            for request_id, pictures in Counter(connection.sent).items():
                sent[request_id] = max(sent[request_id], pictures)
            for request_id, pictures in Counter(connection.pictures).items():
                have[request_id] = max(have[request_id], pictures)
                if charged[request_id] < pictures and not (call.cut or call.left):
                    yield f"{call.key} has {pictures} pictures of {request_id}, {charged[request_id]} charged"
        answered = {request_id for connection in call.connections for request_id in connection.pictures}
        if len(answered) > 1:
            yield f"{call.key} was drawn as {len(answered)} requests"
    unseen = {job.request_id: job for job in jobs if charged[job.request_id] > have[job.request_id]}
    for request_id, job in unseen.items():
        if world.clients.asked_as(job.key):
            yield f"{request_id}: charged {charged[request_id]}, and {have[request_id]} are with the client"
    never = delivered - kept - sent
    partly = sum(connection.partly for call in world.clients.given for connection in call.connections)
    if never.total() > partly:
        yield f"{dict(never)} were charged as delivered and never sent, {partly} at most in answers cut short"
    with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as db:
        for prefix, cap, _, spent in db.execute(_OVERSPENT):
            yield f"{prefix} spent {spent} in a month, and may spend {cap}"
        refunds_a_day = world.config.limits.refunded_cancels_a_day
        for member, times in db.execute(_CHARGED_CANCELS, {"refunds": refunds_a_day}):
            yield f"member {member} was charged for {times} cancelled images, with refunds left"


def unwritten(world: World) -> list[str]:
    """Payments that the book lacks, and refunds that one side lacks."""
    with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as db:
        written = {(row[0], row[1]): row[2] for row in db.execute(_PAYMENTS)}
        due = [f"refund of payment {payment}" for (payment,) in db.execute("SELECT payment FROM refund_due")]
    charges = {(p.name, charge.id): charge.refunded for p in world.platforms for charge in p.charges.values()}
    return due + [
        f"{charge} of {where}"
        for (where, charge), refunded in charges.items()
        if written.get((where, charge)) != refunded
    ]


def _sales(world: World) -> Iterator[str]:
    """Each charge is written once, and paid back on both sides or on none. `check` knows what it brought."""
    for what in unwritten(world):
        yield f"{what} is on one side alone"
    known = {(platform.name, id_) for platform in world.platforms for id_ in platform.charges}
    with contextlib.closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as db:
        for provider, charge, _ in db.execute(_PAYMENTS):
            if (provider, charge) not in known:
                yield f"{charge} of {provider} was never paid"


def _jobs(database: Path) -> list[Job]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return [Job(*row) for row in db.execute(_JOBS)]


def _is_open(job: Job) -> bool:
    return job.state in ("queued", "running") or (job.state == "drawn" and not job.parked)


def _every_request_once(world: World, platform: Platform, jobs: list[Job]) -> Iterator[str]:
    wanted = world.street.images
    by_key: dict[str, list[Job]] = {}
    for job in jobs:
        by_key.setdefault(job.key, []).append(job)
    for key, mine in by_key.items():
        if key not in wanted:
            yield f"{key} became a request, and is no event of {platform.name}"
        if len({job.request_id for job in mine}) > 1:
            yield f"{key} became several requests"
        elif wanted.get(key) and len(mine) != wanted[key]:
            yield f"{key} asked for {wanted[key]} images and has {len(mine)} jobs"
    known = {job.request_id for job in jobs}
    for post in platform.posts.values():
        if post.request_id not in known and (platform.name, post.chat) not in world.street.forgot:
            yield f"{post.request_id} is shown to {post.chat}, and nothing is written of it"


def _pictures_and_charges(platform: Platform, jobs: list[Job]) -> Iterator[str]:
    shown = platform.shown()
    for job in jobs:
        if job.state == "delivered" and job.job_id not in shown:
            yield f"{job.job_id} was charged as delivered, and nobody has seen it"
        if job.job_id in shown and job.state != "delivered" and not platform.ever_closed:
            yield f"{job.job_id} was shown, and is {job.state} ({job.outcome})"


def _messages(platform: Platform, jobs: list[Job], forgot: set[str]) -> Iterator[str]:
    by_request: dict[str, list[Job]] = {}
    for job in jobs:
        by_request.setdefault(job.request_id, []).append(job)
    for request_id, mine in by_request.items():
        status = platform.status_of(request_id)
        chat = status.chat if status is not None else None
        if chat in platform.ever_closed | forgot or any(_is_open(job) or job.parked for job in mine):
            continue
        delivered = {job.job_id for job in mine if job.state == "delivered"}
        told = {
            picture.job_id
            for post in platform.results_of(request_id)
            if isinstance(post.event, Done)
            for picture in post.event.pictures
        }
        if status is None:
            if not platform.ever_closed and not forgot:
                yield f"nobody was ever told of {request_id}"
            continue
        match status.event:
            case Done() as done:
                if {picture.job_id for picture in done.pictures} != delivered or told != delivered:
                    yield f"{request_id}: {sorted(told)} were told of, {sorted(delivered)} delivered"
                failed = sum(job.state == "failed" for job in mine)
                if done.missing != failed:
                    yield f"{request_id}: {done.missing} images are told missing, {failed} failed"
            case Failed() as failure:
                if failure.kept:
                    yield f"{request_id} is over, and its message says that it is kept"
                if delivered:
                    yield f"{request_id}: told of a failure ({status.text}), {sorted(delivered)} delivered"
                charged = sum(job.charged for job in mine)
                if bool(charged) != (failure.message.id == "cancelled-charged"):
                    yield f"{request_id}: {charged} charged, and it says: {status.text}"
            case _:
                yield f"{request_id} is over, and its message says: {status.text}"
