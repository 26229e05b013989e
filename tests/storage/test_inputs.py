"""Pictures that come with requests: there before the request is, gone with the last one drawn from them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from storage.errors import ImageGone
from storage.records.requests import CancelledBy, NewInput
from tests.storage.house import HandClock, ask, deliver, draw, forget, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

CAT, MASK = b"a cat", b"a mask"


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "images").rglob("*") if path.is_file()]


async def brought(store: Store) -> tuple[NewInput, NewInput]:
    return (
        NewInput("init", await store.pictures.put_input(CAT)),
        NewInput("mask", await store.pictures.put_input(MASK)),
    )


async def test_a_picture_is_known_by_the_digest_of_its_bytes(store: Store) -> None:
    digest = await store.pictures.put_input(CAT)
    assert digest == hashlib.sha256(CAT).hexdigest()
    assert await store.pictures.get_input(digest) == CAT
    await store.pictures.discard_input(digest)
    with pytest.raises(ImageGone):
        await store.pictures.get_input(digest)


async def test_it_stays_until_the_last_request_is_pruned(
    store: Store, member: str, tmp_path: Path, clock: HandClock
) -> None:
    for _ in range(2):
        await deliver(store, member, inputs=await brought(store), kind="inpaint")
        clock.advance(days=10)
    await store.requests.prune(closed_for_s=15 * 86_400)
    assert {CAT, MASK} < set(files(tmp_path))
    clock.advance(days=10)
    await store.requests.prune(closed_for_s=15 * 86_400)
    assert files(tmp_path) == []


async def test_by_age_it_goes_once_no_job_is_drawn_from_it(
    store: Store, member: str, tmp_path: Path, clock: HandClock
) -> None:
    accepted = await store.requests.accept(ask(member, inputs=await brought(store)))
    clock.advance(days=2)
    await store.pictures.delete_oldest(max_age_s=86_400)
    assert sorted(files(tmp_path)) == [CAT, MASK]
    await store.jobs.cancelled(accepted.request.jobs[0].job_id, by=CancelledBy.MEMBER)
    await store.pictures.delete_oldest(max_age_s=86_400)
    assert files(tmp_path) == []


async def test_a_request_that_is_taken_back_leaves_nothing(store: Store, member: str, tmp_path: Path) -> None:
    accepted = await store.requests.accept(ask(member, inputs=await brought(store)))
    await store.requests.take_back(accepted.request.request_id)
    await store.pictures.empty_trash()
    assert files(tmp_path) == []


async def test_a_forgotten_member_leaves_nothing_and_others_keep_theirs(
    store: Store, member: str, tmp_path: Path
) -> None:
    bob = (await store.members.of("discord", "bob")).key
    await store.requests.accept(ask(member, inputs=await brought(store)))
    await store.requests.accept(ask(bob, inputs=(await brought(store))[:1]))
    exported = await store.members.export(member)
    assert [one["role"] for one in exported.data["requests"][0]["inputs"]] == ["init", "mask"]
    assert len(exported.pictures) == 2
    await forget(store, "discord", "1001")
    assert files(tmp_path) == [CAT]


async def test_a_backup_holds_it_and_a_check_misses_it(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        inputs = await brought(store)
        await store.requests.accept(ask(member, inputs=inputs))
        backup = await store.backup(tmp_path / "backup")
        assert (backup.pictures, backup.missing) == (2, 0)
        await asyncio.to_thread(
            (tmp_path / "images" / inputs[1].digest[:2] / f"{inputs[1].digest}.png").unlink
        )
        (finding,) = await store.check()
        assert finding.invariant == "a picture yet to be drawn from is on disk"


async def test_edits_are_counted_by_kind(store: Store, member: str, clock: HandClock) -> None:
    for kind in ("text", "vary", "vary", "inpaint"):
        await deliver(store, member, kind=kind)
    stats = await store.stats.of(store.calendar.period("today", clock()))
    assert {kind: tally.images for kind, tally in stats.by_kind.items()} == {"vary": 2, "inpaint": 1}
    assert stats.by_kind["vary"].cost_micro * 2 == stats.total.cost_micro
    ever = await store.stats.totals_by_kind()
    assert {kind: tally.images for kind, tally in ever.items()} == {"text": 1, "vary": 2, "inpaint": 1}
    assert sum(tally.gpu_us for tally in ever.values()) == stats.total.gpu_us
    assert sorted(row.kind for row in await store.ledger.rows()) == ["inpaint", "text", "vary", "vary"]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from storage.records.requests import NewInput
from tests.storage.house import HandClock, ask, open_store

async def main(folder, accepted):
    store = await open_store(folder, HandClock())
    member = (await store.members.of("discord", "1")).key
    digest = await store.pictures.put_input(b"a cat")
    if accepted:
        await store.requests.accept(ask(member, inputs=(NewInput("init", digest),)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "accepted"))
"""


@pytest.mark.parametrize("when", ["uploaded", "accepted"])
async def test_a_kill_loses_no_accepted_picture_and_leaves_no_other(
    tmp_path: Path, clock: HandClock, when: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, tmp_path, when, cwd=os.getcwd()
    )
    assert await process.wait() == -signal.SIGKILL
    assert files(tmp_path) == [CAT]
    async with await open_store(tmp_path, clock) as store:
        requests = await store.requests.unfinished()
        assert (len(requests), files(tmp_path)) == ((1, [CAT]) if when == "accepted" else (0, []))
        for request in requests:
            await draw(store, request)
        assert await store.check() == []
