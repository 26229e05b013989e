"""Slices of device time add up, whatever could not be written in between."""

from __future__ import annotations

from types import SimpleNamespace

from bot.background.metering import MeterWriter
from engine.worker.accounting import Totals
from storage.errors import Reason, StoreUnavailable
from storage.records.figures import MeterSlice

SECOND_US = 1_000_000


class Ledger:
    def __init__(self) -> None:
        self.slices: list[MeterSlice] = []
        self.left: list[str] = []
        self.broken = False
        self.meter = self

    async def device_left(self, device: str) -> None:
        self.left.append(device)

    async def book(self, piece: MeterSlice) -> None:
        if self.broken:
            raise StoreUnavailable(Reason.DISK_FULL, "full")
        self.slices.append(piece)


async def test_slices_follow_each_other_and_hold_all_time() -> None:
    now_us, totals, ledger = 1_000 * SECOND_US, Totals(0.0, 0.0, 0.0), Ledger()
    engine = SimpleNamespace(snapshot=lambda: SimpleNamespace(totals=totals, clustered=False))
    meter = MeterWriter(engine, ledger, clock=lambda: now_us)  # type: ignore[arg-type]
    for busy_s, broken in ((4.0, False), (9.0, True), (12.5, False)):
        now_us += 10 * SECOND_US
        totals, ledger.broken = Totals(busy_s, 0.5, 0.0), broken
        await meter.book()
    first, second = ledger.slices
    assert first == MeterSlice(1_000 * SECOND_US, 1_010 * SECOND_US, 4 * SECOND_US, SECOND_US // 2)
    assert second == MeterSlice(1_010 * SECOND_US, 1_030 * SECOND_US, 8_500_000, 0)


async def test_each_worker_has_its_own_slices_for_as_long_as_it_is_there() -> None:
    now_us, ledger = 1_000 * SECOND_US, Ledger()
    workers: dict[str, float] = {}

    def snapshot() -> SimpleNamespace:
        told = [
            SimpleNamespace(device_name=name, totals=Totals(busy_s, 0.0, 100.0))
            for name, busy_s in workers.items()
        ]
        return SimpleNamespace(clustered=True, workers=told, totals=None)

    meter = MeterWriter(SimpleNamespace(snapshot=snapshot), ledger, clock=lambda: now_us)  # type: ignore[arg-type]
    for found in (
        {"L4 (one)": 3.0},
        {"L4 (one)": 5.0, "H100 (two)": 1.0},
        {"L4 (one)": 1.5, "H100 (two)": 9.0},
        {"H100 (two)": 10.0},
    ):
        now_us += 10 * SECOND_US
        workers = found
        await meter.book()
    booked = [(piece.device, piece.start_us // SECOND_US, piece.busy_us / 1e6) for piece in ledger.slices]
    assert booked == [
        ("L4 (one)", 1010, 2.0),
        ("L4 (one)", 1020, 1.5),
        ("H100 (two)", 1020, 8.0),
        ("H100 (two)", 1030, 1.0),
    ], "the first look is the beginning; a new process under an old name begins anew"
    assert ledger.left == ["L4 (one)"]
