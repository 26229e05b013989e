"""Pictures on disk: whole or not at all, and gone when they are to go."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.errors import ImageGone, Reason, StoreUnavailable, UnknownJob, WrongState
from storage.images import ImageFolder
from tests.storage.house import USAGE, HandClock, ask, deliver, draw, forget, open_store

if TYPE_CHECKING:
    from storage.records.requests import RequestRecord
    from storage.store import Store


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_same_picture_is_kept_once(store: Store, tmp_path: Path) -> None:
    refs = {await store.pictures.put(b"a cat", ".png") for _ in range(3)}
    assert len(refs) == len(files(tmp_path / "images")) == 1
    assert await store.pictures.get(refs.pop()) == b"a cat"
    assert await store.pictures.put(b"a dog", ".webp") != await store.pictures.put(b"a dog", ".png")


@pytest.mark.parametrize(
    "ref", ["", "..", "../easel.db", "/etc/passwd", "ab/../../x.png", "0" * 32, "\0" * 44]
)
async def test_no_name_leaves_the_folder(store: Store, ref: str) -> None:
    with pytest.raises(ImageGone):
        await store.pictures.get(ref)


@pytest.mark.parametrize("step", ["image-written", "image-renamed"])
def test_a_crash_while_writing_leaves_a_whole_picture_or_none(tmp_path: Path, step: str) -> None:
    class PowerCut(BaseException):
        pass

    def cut(reached: str) -> None:
        if reached == step:
            raise PowerCut

    ImageFolder(tmp_path).prepare()
    with pytest.raises(PowerCut):
        ImageFolder(tmp_path, on_step=cut).put(b"a cat", ".png", 0)
    assert [path.read_bytes() for path in files(tmp_path)] == ([] if step == "image-written" else [b"a cat"])


def test_what_a_kill_left_half_written_is_cleared_at_the_next_start(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    folder.prepare()
    ref = folder.put(b"a cat", ".png", 0)
    (tmp_path / ref[:2] / ".tmp-1234").write_bytes(b"half a")
    folder.prepare(clear=False)
    assert len(files(tmp_path)) == 2
    folder.prepare()
    assert [path.name for path in files(tmp_path)] == [ref]


def test_file_and_folders_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    folder = ImageFolder(tmp_path / "images")
    folder.prepare()
    ref = folder.put(b"a cat", ".png", 0)
    assert synced[0] == "images"
    assert synced[1].startswith(".tmp-")
    assert synced[2] == ref[:2]


async def test_a_full_disk_is_told_and_the_picture_waits(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Reason] = []

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with await open_store(
        tmp_path,
        clock,
        on_trouble=lambda trouble: told.append(trouble.reason),
        retry_s=0.01,
        durable=True,
    ) as store:
        member = (await store.members.of("discord", "1")).key
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            putting = asyncio.create_task(store.pictures.put(b"a cat", ".png"))
            while len(told) < 2:
                await asyncio.wait([putting], timeout=0.005)
            assert set(told) == {Reason.DISK_FULL}
            assert files(tmp_path / "images") == []
            with pytest.raises(StoreUnavailable):
                await store.probe()
            with pytest.raises(StoreUnavailable):
                await store.requests.accept(ask(member))
        await putting
        await store.probe()
        await store.requests.accept(ask(member))


async def test_a_failure_from_before_the_clock_was_set_back_refuses_nothing(
    tmp_path: Path, clock: HandClock
) -> None:
    told: list[StoreUnavailable] = []
    async with await open_store(tmp_path, clock, on_trouble=told.append) as store:
        shutil.rmtree(tmp_path / "images")
        (tmp_path / "images").write_text("no folder")
        putting = asyncio.create_task(store.pictures.put(b"a cat", ".png"))
        while not told:
            await asyncio.wait([putting], timeout=0.005)
        putting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await putting
        with pytest.raises(StoreUnavailable):
            await store.probe()
        clock.advance(hours=-1)
        await store.probe()


async def test_a_disk_with_little_room_takes_no_requests(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock, min_free_bytes=1 << 62) as store:
        member = (await store.members.of("discord", "1")).key
        for verb in (store.probe(), store.requests.accept(ask(member))):
            with pytest.raises(StoreUnavailable) as trouble:
                await verb
            assert trouble.value.reason is Reason.DISK_FULL
        assert (await store.members.quota(member)).reserved == 0


async def test_a_folder_that_was_deleted_is_made_again(store: Store, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "images")
    ref = await store.pictures.put(b"a cat", ".png")
    assert await store.pictures.get(ref) == b"a cat"


async def test_a_picture_whose_member_was_forgotten_meanwhile_goes_too(
    store: Store, member: str, tmp_path: Path
) -> None:
    request = (await store.requests.accept(ask(member))).request
    ref = await store.pictures.put(b"a cat", ".png")
    await forget(store, "discord", "1001")
    with pytest.raises(UnknownJob):
        await store.jobs.drawn(request.jobs[0].job_id, ref, USAGE)
    assert files(tmp_path / "images") == []


async def test_a_picture_without_a_row_is_gone_after_a_start(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        request = await deliver(store, (await store.members.of("discord", "1")).key)
        await store.pictures.put(b"written, and then killed", ".png")
    async with await open_store(tmp_path, clock):
        assert [path.name for path in files(tmp_path / "images")] == [request.jobs[0].image]


async def delivered(store: Store, member: str, content: bytes) -> RequestRecord:
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request, content)
    await store.jobs.acknowledge(request.request_id)
    return await store.requests.get(request.request_id)


async def test_retention_by_age(store: Store, member: str, clock: HandClock) -> None:
    old = await delivered(store, member, b"old")
    clock.advance(days=20)
    again = await delivered(store, member, b"drawn again")
    clock.advance(days=20)
    await delivered(store, member, b"drawn again")
    assert await store.pictures.delete_oldest(max_age_s=30 * 86_400) == 1
    assert (await store.jobs.get(old.jobs[0].job_id)).image is None
    image = (await store.jobs.get(again.jobs[0].job_id)).image
    assert image is not None
    assert await store.pictures.get(image) == b"drawn again"
    assert old.jobs[0].image is not None
    with pytest.raises(ImageGone):
        await store.pictures.get(old.jobs[0].image)


async def test_retention_by_size_takes_the_oldest(store: Store, member: str, clock: HandClock) -> None:
    kept = []
    for number in range(4):
        kept.append(await delivered(store, member, bytes([number]) * 400_000))
        clock.advance(hours=1)
    assert await store.pictures.delete_oldest(total_mb=1) == 2
    images = [(await store.jobs.get(one.jobs[0].job_id)).image for one in kept]
    assert [image is None for image in images] == [True, True, False, False]
    assert await store.pictures.delete_oldest(total_mb=1) == 0


async def test_what_is_yet_to_be_delivered_stays(store: Store, member: str, clock: HandClock) -> None:
    request = (await store.requests.accept(ask(member))).request
    await draw(store, request)
    clock.advance(days=100)
    assert await store.pictures.delete_oldest(max_age_s=1, total_mb=0) == 0
    image = (await store.jobs.get(request.jobs[0].job_id)).image
    assert image is not None
    assert await store.pictures.get(image) == b"a picture"
    with pytest.raises(WrongState):
        await store.pictures.delete(request.jobs[0].job_id)


async def test_delete_takes_the_file_when_nobody_else_shows_it(store: Store, member: str) -> None:
    mine, same = await deliver(store, member), await deliver(store, member)
    await store.pictures.delete(mine.jobs[0].job_id)
    image = (await store.jobs.get(same.jobs[0].job_id)).image
    assert image is not None
    assert await store.pictures.get(image) == b"a picture"
    await store.pictures.delete(same.jobs[0].job_id)
    with pytest.raises(ImageGone):
        await store.pictures.get(image)
    await store.pictures.delete(same.jobs[0].job_id)
    with pytest.raises(UnknownJob):
        await store.pictures.delete("nothing")


async def test_a_kill_between_the_change_and_the_file_is_made_good(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.members.of("discord", "1")).key
        await deliver(store, member)
        await store.core.writer.write(lambda db: db.execute("UPDATE job SET image = NULL").rowcount)
        assert len(files(tmp_path / "images")) == 1
    async with await open_store(tmp_path, clock) as store:
        assert files(tmp_path / "images") == []


def test_a_picture_drawn_again_in_the_meantime_is_not_deleted(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    folder.prepare()
    ref = folder.put(b"a cat", ".png", 1_000_000)
    trash = [(ref, 2_000_000)]
    folder.put(b"a cat", ".png", 3_000_000)
    assert folder.delete(trash) == 0
    assert folder.get(ref) == b"a cat"
    assert folder.delete([(ref, 3_000_000)]) == 1


async def test_a_picture_that_was_just_written_is_not_overdue(store: Store, member: str) -> None:
    """Its row may be on its way: the same content was drawn again."""
    ref = await store.pictures.put(b"a cat", ".png")
    assert await store.pictures.delete_oldest(total_mb=0) == 0
    assert await store.pictures.get(ref) == b"a cat"
