"""After the kills: what the platform saw beside what the store says."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image, ImageColor

from bot.imagine.request import ImageRequest
from storage.errors import ImageGone
from storage.records.requests import JobState
from tests.crash.buyers import reckon_sales
from tests.crash.journal import Journal
from tests.crash.life import PLATFORM, open_store
from tests.easel import config_in

if TYPE_CHECKING:
    from pathlib import Path

    from storage.records.requests import RequestRecord
    from storage.store import Store

CLOSED = (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)


@dataclass
class Report:
    """The figures, and in words whatever is wrong."""

    figures: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def must(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)

    def __str__(self) -> str:
        figures = ", ".join(f"{count} {name}" for name, count in self.figures.items())
        return f"{figures}; " + ("; ".join(self.problems[:10]) or "nothing lost, nobody overcharged")


async def reckon(folder: Path) -> Report:
    """Compare the journal with jobs, ledger and quotas."""
    report = Report()
    journal = Journal(folder / "journal")
    left = files_of(folder)  # before this opening deletes what belongs to nothing
    async with await open_store(folder) as store:
        for finding in await store.check():
            report.must(False, f"{finding.invariant}: {finding.sentence}")
        report.must(not await store.requests.unfinished(), "jobs are still unfinished")
        report.must(not await store.requests.undelivered(PLATFORM), "pictures are still undelivered")
        await _requests(store, journal, report)
        await _files(store, left, report)
        await reckon_sales(store, journal, report)
    return report


async def _requests(store: Store, journal: Journal, report: Report) -> None:
    asked = {line["key"]: line for line in journal.lines("asked")}
    colours: dict[str, set[str]] = defaultdict(set)
    for line in journal.lines("asked"):
        colours[line["key"]] |= {line["picture"]} - {None}
    accepted = {line["key"]: line["request"] for line in journal.lines("accepted")}
    refused = {line["key"] for line in journal.lines("refused")}
    report.must(set(asked) == set(accepted) | refused, "an update was never answered")
    requests = [await store.requests.get(request) for request in accepted.values()]
    report.must(len(set(accepted.values())) == len(accepted), "two updates became one request")
    for key, request in zip(accepted, requests, strict=True):
        report.must(request.source.key == key, f"{key} led to the request of {request.source.key}")
        report.must(len(request.jobs) == asked[key]["images"], f"{key} has lost a job")
        report.must(all(job.state in CLOSED for job in request.jobs), f"{key} has a job that is not closed")
        await _pictures(store, request, report)
        await _brought(store, request, colours[key], report)
    await _charges(store, journal, requests, report)
    shown = journal.lines("shown")
    report.figures["requests"] = len(requests)
    report.figures["refused"] = len(refused - set(accepted))
    report.figures["shown"] = len(shown)
    report.figures["shown twice"] = len(shown) - len({line["request"] for line in shown})


async def _pictures(store: Store, request: RequestRecord, report: Report) -> None:
    for job in request.jobs:
        if job.state is JobState.DELIVERED:
            try:
                await store.pictures.get(job.image or "")
            except ImageGone:
                report.must(False, f"the picture of {job.job_id} is gone")


async def _brought(store: Store, request: RequestRecord, colours: set[str], report: Report) -> None:
    """What somebody brought, the first or a later time, is what it was drawn from."""
    drawn = ImageRequest.from_json(request.payload)
    report.must(bool(drawn.init) == bool(colours), f"{request.source.key} has lost its picture")
    if drawn.init and colours:
        try:
            file = await store.pictures.get_input(drawn.init)
        except ImageGone:
            report.must(False, f"the picture that {request.source.key} came with is gone")
        else:
            pixel = Image.open(io.BytesIO(file)).convert("RGB").getpixel((0, 0))
            report.must(
                pixel in map(ImageColor.getrgb, colours), f"{request.source.key} has another's picture"
            )
        report.figures["with pictures"] += 1


def files_of(folder: Path) -> set[str]:
    """The names of all files among the pictures."""
    pictures = config_in(folder).storage.folder / "images"
    return {path.name for path in pictures.rglob("*") if path.is_file()}


async def _files(store: Store, left: set[str], report: Report) -> None:
    """Each file that the last life left belongs to a job or to a request."""
    query = "SELECT ref FROM input UNION SELECT image FROM job WHERE image IS NOT NULL"
    known = await store.core.report(lambda db: {ref for (ref,) in db.execute(query)})
    report.must(not left - known, f"{len(left - known)} files belong to nothing")
    report.figures["files"] = len(left)


async def _charges(store: Store, journal: Journal, requests: list[RequestRecord], report: Report) -> None:
    """Charged is exactly what the platform showed, and what its member did not let it show."""
    due = journal.jobs("shown", "blocked")
    job_ids = {job.job_id for request in requests for job in request.jobs}
    outcomes = await store.core.report(
        lambda db: dict(db.execute("SELECT job_id, charged FROM ledger JOIN job ON job.id = ledger.job"))
    )
    charged = {job_id for job_id, was in outcomes.items() if was}
    report.must(job_ids <= set(outcomes), "an accepted job has no ledger row")
    report.must(charged <= job_ids, f"a refused request was charged: {sorted(charged - job_ids)}")
    report.must(not charged - due, f"charged and never shown: {charged - due}")
    report.must(not due - charged, f"shown and never charged: {due - charged}")
    members: Counter[str] = Counter()
    for request in requests:
        members[request.member] += sum(job.job_id in due for job in request.jobs)
    for member, images in members.items():
        quota = await store.members.quota(member)
        report.must(quota.used == images, f"member {member}: {quota.used} used, {images} received")
        report.must(quota.reserved == 0, f"member {member}: {quota.reserved} still reserved")
    report.figures["jobs"] = len(job_ids)
    report.figures["charged"] = len(charged)
