"""The meter: the slices of any whole hour add up to that hour, and their rent to its rent."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.clock import HOUR_US, SECOND_US, to_us
from storage.months import Period
from storage.records.figures import MeterSlice, Uptime
from tests.storage.house import HandClock, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.store import Store

TEN_US = to_us(datetime(2026, 11, 23, 10, tzinfo=UTC))


async def uptime(store: Store, start_us: int = TEN_US, hours: int = 1) -> Uptime:
    return (await store.stats.of(Period(start_us, start_us + hours * HOUR_US))).uptime


def slice_of(start_s: int, end_s: int, busy_s: int = 0, overhead_s: int = 0, device: str = "") -> MeterSlice:
    start_us, end_us = TEN_US + start_s * SECOND_US, TEN_US + end_s * SECOND_US
    return MeterSlice(start_us, end_us, busy_s * SECOND_US, overhead_s * SECOND_US, device)


async def test_an_hour_of_slices_is_an_hour_of_rent(store: Store) -> None:
    for start_s in range(0, 3600, 10):
        await store.meter.book(slice_of(start_s, start_s + 10, busy_s=3, overhead_s=1))
    booked = await uptime(store)
    assert (booked.busy_us, booked.overhead_us, booked.idle_us, booked.lost_us) == (
        1080 * SECOND_US,
        360 * SECOND_US,
        2160 * SECOND_US,
        0,
    )
    assert (booked.rent_micro, booked.operations_micro) == (3_600_000, 800_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, 3 * HOUR_US - 1), max_size=12), share=st.integers(0, 100))
async def test_however_it_is_sliced_any_hour_is_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: set[int], share: int
) -> None:
    async with await open_store(tmp_path_factory.mktemp("meter"), HandClock()) as store:
        edges = [0, *sorted(cuts), 3 * HOUR_US]
        for start_us, end_us in pairwise(edges):
            busy_us = (end_us - start_us) * share // 100
            await store.meter.book(MeterSlice(TEN_US + start_us, TEN_US + end_us, busy_us, 0))
        for hour in range(3):
            booked = await uptime(store, TEN_US + hour * HOUR_US)
            assert booked.busy_us + booked.overhead_us + booked.idle_us + booked.lost_us == HOUR_US
            assert booked.rent_micro == 3_600_000
        whole = await uptime(store, hours=3)
        expected = sum((end - start) * share // 100 for start, end in pairwise(edges))
        assert whole.busy_us == expected


async def test_time_booked_is_not_booked_again(store: Store) -> None:
    await store.meter.book(slice_of(0, 10, busy_s=10))
    await store.meter.book(slice_of(0, 10, busy_s=10))
    await store.meter.book(slice_of(5, 15, busy_s=10))
    booked = await uptime(store)
    assert (booked.busy_us, booked.idle_us) == (15 * SECOND_US, 0)


async def test_an_old_hour_keeps_its_old_rate(store: Store) -> None:
    start_us = to_us(datetime(2026, 11, 30, 23, tzinfo=UTC))
    await store.meter.book(MeterSlice(start_us, start_us + 2 * HOUR_US, busy_us=HOUR_US, overhead_us=0))
    assert (await uptime(store, start_us)).rent_micro == 3_600_000
    assert (await uptime(store, start_us + HOUR_US)).rent_micro == 7_200_000
    assert (await uptime(store, start_us, hours=2)).rent_micro == 10_800_000


@pytest.mark.parametrize("slept_s", [300, 3599, 100_000])
async def test_a_killed_process_loses_time(tmp_path: Path, slept_s: int) -> None:
    clock = HandClock(datetime(2026, 11, 23, 10, 10, tzinfo=UTC))
    async with await open_store(
        tmp_path, clock, serving=False
    ) as store:  # which takes no leave, as if killed
        await store.meter.book(slice_of(0, 600, busy_s=600))
    clock.advance(seconds=slept_s)
    async with await open_store(tmp_path, clock, serving=False) as store:
        assert (await uptime(store, hours=48)).lost_us == 0
    for _ in range(2):
        async with await open_store(tmp_path, clock, outage_limit_s=3600) as store:
            assert (await uptime(store, hours=48)).lost_us == min(slept_s, 3600) * SECOND_US


async def test_an_orderly_stop_loses_nothing(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 23, 10, 10, tzinfo=UTC))
    async with await open_store(tmp_path, clock) as store:
        await store.meter.book(slice_of(0, 600))
    clock.advance(minutes=10)
    async with await open_store(tmp_path, clock) as store:
        await store.meter.book(slice_of(1200, 1210))
        booked = await uptime(store)
        assert (booked.lost_us, booked.idle_us) == (0, 610 * SECOND_US)


async def test_a_gap_while_it_serves_is_lost(store: Store) -> None:
    await store.meter.book(slice_of(0, 10))
    await store.meter.book(slice_of(25, 35))
    booked = await uptime(store)
    assert (booked.lost_us, booked.idle_us) == (15 * SECOND_US, 20 * SECOND_US)


async def test_each_device_has_its_own_time(store: Store) -> None:
    await store.meter.book(slice_of(0, 3600, busy_s=3600, device="gpu0"))
    await store.meter.book(slice_of(0, 3600, device="gpu1"))
    booked = await uptime(store)
    assert (booked.busy_us, booked.idle_us, booked.rent_micro) == (HOUR_US, HOUR_US, 7_200_000)


@pytest.mark.parametrize(
    "piece", [slice_of(10, 0), slice_of(0, 10, busy_s=11), slice_of(0, 10, 6, 6), slice_of(0, 10, busy_s=-1)]
)
async def test_what_is_no_slice(store: Store, piece: MeterSlice) -> None:
    with pytest.raises(ValueError, match="slice"):
        await store.meter.book(piece)
