"""Slices of device time add up, whatever could not be written in between."""

from __future__ import annotations

from types import SimpleNamespace

from bot.metering import MeterWriter
from engine.accounting import Totals
from storage.errors import Reason, StoreUnavailable
from storage.records import MeterSlice

SECOND_US = 1_000_000


class Ledger:
    def __init__(self) -> None:
        self.slices: list[MeterSlice] = []
        self.broken = False

    async def book(self, piece: MeterSlice) -> None:
        if self.broken:
            raise StoreUnavailable(Reason.DISK_FULL, "full")
        self.slices.append(piece)


async def test_slices_follow_each_other_and_hold_all_time() -> None:
    now_us, totals, ledger = 1_000 * SECOND_US, Totals(0.0, 0.0, 0.0), Ledger()
    engine = SimpleNamespace(snapshot=lambda: SimpleNamespace(totals=totals))
    meter = MeterWriter(engine, ledger, clock=lambda: now_us)  # type: ignore[arg-type]
    for busy_s, broken in ((4.0, False), (9.0, True), (12.5, False)):
        now_us += 10 * SECOND_US
        totals, ledger.broken = Totals(busy_s, 0.5, 0.0), broken
        await meter.book()
    first, second = ledger.slices
    assert first == MeterSlice(1_000 * SECOND_US, 1_010 * SECOND_US, 4 * SECOND_US, SECOND_US // 2)
    assert second == MeterSlice(1_010 * SECOND_US, 1_030 * SECOND_US, 8_500_000, 0)
