"""A store on a real file and a clock moved by hand; whatever a test did, the invariants hold afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.storage.house import HandClock, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.store import Store


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    async with await open_store(tmp_path, clock) as store:
        yield store
        assert await store.check() == []


@pytest.fixture
async def member(store: Store) -> str:
    return (await store.members.of("discord", "1001")).key
