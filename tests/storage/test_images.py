"""Pictures on disk: whole or not at all, and gone when they are to go."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.errors import ImageGone, Reason, StoreUnavailable, UnknownJob, WrongState
from storage.images import ImageFolder
from tests.storage.house import HandClock, ask, deliver, draw, open_store

if TYPE_CHECKING:
    from storage.records import RequestRecord
    from storage.store import Store


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_the_same_picture_is_kept_once(store: Store, tmp_path: Path) -> None:
    refs = {await store.put_image(b"a cat", ".png") for _ in range(3)}
    assert len(refs) == len(files(tmp_path / "images")) == 1
    assert await store.image(refs.pop()) == b"a cat"
    assert await store.put_image(b"a dog", ".webp") != await store.put_image(b"a dog", ".png")


@pytest.mark.parametrize(
    "ref", ["", "..", "../easel.db", "/etc/passwd", "ab/../../x.png", "0" * 32, "\0" * 44]
)
async def test_no_name_leaves_the_folder(store: Store, ref: str) -> None:
    with pytest.raises(ImageGone):
        await store.image(ref)


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


async def test_a_full_disk_is_told_and_leaves_nothing_behind(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("storage.images.os.fsync", full)
        with pytest.raises(StoreUnavailable) as trouble:
            await store.put_image(b"a cat", ".png")
    assert trouble.value.reason is Reason.DISK_FULL
    assert files(tmp_path / "images") == []
    await store.put_image(b"a cat", ".png")


async def delivered(store: Store, member: str, content: bytes) -> RequestRecord:
    request = (await store.accept(ask(member))).request
    await draw(store, request, content)
    await store.acknowledge(request.request_id)
    return await store.request(request.request_id)


async def test_retention_by_age(store: Store, member: str, clock: HandClock) -> None:
    old = await delivered(store, member, b"old")
    clock.advance(days=20)
    again = await delivered(store, member, b"drawn again")
    clock.advance(days=20)
    await delivered(store, member, b"drawn again")
    assert await store.retain(max_age_s=30 * 86_400) == 1
    assert (await store.job(old.jobs[0].job_id)).image is None
    image = (await store.job(again.jobs[0].job_id)).image
    assert image is not None
    assert await store.image(image) == b"drawn again"
    assert old.jobs[0].image is not None
    with pytest.raises(ImageGone):
        await store.image(old.jobs[0].image)


async def test_retention_by_size_takes_the_oldest(store: Store, member: str, clock: HandClock) -> None:
    kept = []
    for number in range(4):
        kept.append(await delivered(store, member, bytes([number]) * 400_000))
        clock.advance(hours=1)
    assert await store.retain(total_mb=1) == 2
    images = [(await store.job(one.jobs[0].job_id)).image for one in kept]
    assert [image is None for image in images] == [True, True, False, False]
    assert await store.retain(total_mb=1) == 0


async def test_what_is_yet_to_be_delivered_stays(store: Store, member: str, clock: HandClock) -> None:
    request = (await store.accept(ask(member))).request
    await draw(store, request)
    clock.advance(days=100)
    assert await store.retain(max_age_s=1, total_mb=0) == 0
    image = (await store.job(request.jobs[0].job_id)).image
    assert image is not None
    assert await store.image(image) == b"a picture"
    with pytest.raises(WrongState):
        await store.delete_image(request.jobs[0].job_id)


async def test_delete_takes_the_file_when_nobody_else_shows_it(store: Store, member: str) -> None:
    mine, same = await deliver(store, member), await deliver(store, member)
    await store.delete_image(mine.jobs[0].job_id)
    image = (await store.job(same.jobs[0].job_id)).image
    assert image is not None
    assert await store.image(image) == b"a picture"
    await store.delete_image(same.jobs[0].job_id)
    with pytest.raises(ImageGone):
        await store.image(image)
    await store.delete_image(same.jobs[0].job_id)
    with pytest.raises(UnknownJob):
        await store.delete_image("nothing")


async def test_a_kill_between_the_change_and_the_file_is_made_good(tmp_path: Path, clock: HandClock) -> None:
    async with await open_store(tmp_path, clock) as store:
        member = (await store.member("discord", "1")).key
        request = await deliver(store, member)

        async def killed() -> int:
            return 0

        store._sweep = killed  # type: ignore[method-assign]
        await store.delete_image(request.jobs[0].job_id)
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
    ref = await store.put_image(b"a cat", ".png")
    assert await store.retain(total_mb=0) == 0
    assert await store.image(ref) == b"a cat"
