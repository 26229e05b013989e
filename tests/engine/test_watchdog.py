"""The watchdog on a clock of the test's: slow and why, cold, hung, and who is told how often."""

from __future__ import annotations

import pytest

from engine.worker.nvml import GpuProcess, Throttle
from engine.worker.telemetry import GpuSample
from engine.worker.watchdog import Alert, Cause, Watchdog, WatchdogSettings

SHAPE = (128, 128, 32)
PREDICTED_S = 0.5
SLOW_S = 0.8
"""1.6 times the prediction."""

CALM = GpuSample(at_s=0, others=(), throttle=Throttle(0), temperature_c=60, power_w=150)
NEIGHBOUR = GpuSample(at_s=0, others=(GpuProcess(4711, 1 << 30),), throttle=Throttle(0))
HOT = GpuSample(at_s=0, others=(), throttle=Throttle.SOFTWARE_THERMAL, temperature_c=91)
CAPPED = GpuSample(at_s=0, others=(), throttle=Throttle.POWER_CAP, power_w=299.6)


class Yard:
    """A watchdog, its clock, and everything it barked."""

    def __init__(self, settings: WatchdogSettings | None = None, *, offloading: bool = False) -> None:
        self.now_s = 1_000.0
        self.heard: list[Alert] = []
        self.dog = Watchdog(
            settings, clock=lambda: self.now_s, on_alert=self.heard.append, offloading=offloading
        )

    def steps(self, count: int, took_s: float, sample: GpuSample | None = CALM) -> list[Alert]:
        """The alerts that these steps raise."""
        told = [self.dog.stepped(SHAPE, PREDICTED_S, took_s, sample) for _ in range(count)]
        return [alert for alert in told if alert is not None]


@pytest.fixture
def yard() -> Yard:
    return Yard()


# Suddenly slow


def test_twenty_slow_steps_in_a_row_are_told_once(yard: Yard) -> None:
    assert yard.steps(19, SLOW_S) == []
    assert yard.dog.slow is None

    [alert] = yard.steps(1, SLOW_S)

    assert alert.cause is Cause.UNKNOWN
    assert alert.at_s == 1_000.0
    assert (alert.details["ratio"], alert.details["steps"]) == (pytest.approx(1.6), 20)
    assert alert.details["shape"] == SHAPE
    assert alert.message == (
        "Steps take 1.6 times as long as predicted, 20 in a row: nothing the driver tells explains it."
    )
    assert yard.dog.slow is Cause.UNKNOWN
    assert yard.steps(500, SLOW_S) == []
    assert yard.heard == [alert]


def test_a_slowness_is_told_once_whatever_joins_it() -> None:
    yard = Yard(WatchdogSettings(again_after_s=0))

    yard.steps(30, SLOW_S, HOT)
    yard.steps(30, SLOW_S, NEIGHBOUR)

    assert [alert.cause for alert in yard.heard] == [Cause.THERMAL_THROTTLING]


def test_one_step_at_speed_begins_the_count_anew(yard: Yard) -> None:
    assert yard.steps(19, SLOW_S) + yard.steps(1, 0.75) + yard.steps(19, SLOW_S) == []


def test_exactly_one_and_a_half_is_not_slow(yard: Yard) -> None:
    assert yard.steps(50, 1.5 * PREDICTED_S) == []


def test_each_shape_is_held_to_its_own_prediction(yard: Yard) -> None:
    for _ in range(50):
        assert yard.dog.stepped("small", 0.1, 0.12, CALM) is None
        assert yard.dog.stepped("large", 2.0, 2.4, CALM) is None
    told = [
        yard.dog.stepped(shape, predicted_s, 2 * predicted_s, CALM)
        for _ in range(10)
        for shape, predicted_s in (("small", 0.1), ("large", 2.0))
    ]
    assert [alert.cause for alert in told if alert] == [Cause.UNKNOWN]


@pytest.mark.parametrize("predicted_s", [None, 0.0])
def test_a_step_without_a_prediction_says_nothing(yard: Yard, predicted_s: float | None) -> None:
    yard.steps(10, SLOW_S)
    assert yard.dog.stepped(SHAPE, predicted_s, 99.0, CALM) is None
    assert yard.steps(9, SLOW_S) == []
    assert len(yard.steps(1, SLOW_S)) == 1


def test_it_is_over_when_steps_are_back_to_speed(yard: Yard) -> None:
    yard.steps(20, SLOW_S, HOT)
    assert yard.dog.slow is Cause.THERMAL_THROTTLING

    yard.steps(1, PREDICTED_S)

    assert yard.dog.slow is None


@pytest.mark.parametrize(
    ("sample", "offloading", "cause", "words"),
    [
        (NEIGHBOUR, False, Cause.OTHER_PROCESS, "another process is on the GPU (pid 4711)"),
        (HOT, False, Cause.THERMAL_THROTTLING, "has lowered its clock (91 °C)"),
        (CAPPED, False, Cause.POWER_THROTTLING, "a power limit (300 W)"),
        (CALM, True, Cause.OFFLOAD, "weights are offloaded"),
        (CALM, False, Cause.UNKNOWN, "nothing the driver tells"),
        (None, False, Cause.UNKNOWN, "nothing the driver tells"),
        (None, True, Cause.OFFLOAD, "weights are offloaded"),
        (GpuSample(at_s=0), False, Cause.UNKNOWN, "nothing the driver tells"),
    ],
)
def test_the_cause_comes_from_telemetry(
    sample: GpuSample | None, offloading: bool, cause: Cause, words: str
) -> None:
    yard = Yard(offloading=offloading)

    [alert] = yard.steps(20, SLOW_S, sample)

    assert alert.cause is cause
    assert words in alert.message
    assert alert.details["sample"] is sample


@pytest.mark.parametrize(
    ("throttle", "cause"),
    [
        (Throttle.HARDWARE_THERMAL, Cause.THERMAL_THROTTLING),
        (Throttle.HARDWARE_SLOWDOWN, Cause.THERMAL_THROTTLING),
        (Throttle.HARDWARE_SLOWDOWN | Throttle.HARDWARE_THERMAL, Cause.THERMAL_THROTTLING),
        (Throttle.HARDWARE_SLOWDOWN | Throttle.POWER_BRAKE, Cause.POWER_THROTTLING),
        (Throttle.POWER_BRAKE, Cause.POWER_THROTTLING),
        (Throttle.IDLE | Throttle.SYNC_BOOST | Throttle.DISPLAY_CLOCKS, Cause.UNKNOWN),
    ],
)
def test_every_throttle_reason_has_its_cause(yard: Yard, throttle: Throttle, cause: Cause) -> None:
    assert [alert.cause for alert in yard.steps(20, SLOW_S, GpuSample(at_s=0, throttle=throttle))] == [cause]


def test_the_newcomer_is_blamed_not_what_was_always_there(yard: Yard) -> None:
    yard.steps(20, PREDICTED_S, NEIGHBOUR)
    hot_too = GpuSample(at_s=0, others=NEIGHBOUR.others, throttle=Throttle.SOFTWARE_THERMAL)

    assert [alert.cause for alert in yard.steps(20, SLOW_S, hot_too)] == [Cause.THERMAL_THROTTLING]


def test_what_was_always_there_is_blamed_where_nothing_is_new(yard: Yard) -> None:
    yard.steps(20, PREDICTED_S, NEIGHBOUR)

    assert [alert.cause for alert in yard.steps(20, SLOW_S, NEIGHBOUR)] == [Cause.OTHER_PROCESS]


def test_a_passing_visitor_is_not_blamed(yard: Yard) -> None:
    yard.steps(2, SLOW_S, NEIGHBOUR)

    assert [alert.cause for alert in yard.steps(18, SLOW_S, HOT)] == [Cause.THERMAL_THROTTLING]


def test_the_memory_mode_may_change(yard: Yard) -> None:
    yard.steps(20, PREDICTED_S)
    yard.dog.offloading = True

    assert [alert.cause for alert in yard.steps(20, SLOW_S)] == [Cause.OFFLOAD]


def test_settings_say_how_slow_and_how_long() -> None:
    yard = Yard(WatchdogSettings(slow_ratio=3, slow_steps=2))

    assert yard.steps(10, 2.9 * PREDICTED_S) == []
    assert len(yard.steps(2, 3.1 * PREDICTED_S)) == 1


# Cold first picture


def test_the_heartbeat_is_due_after_idling(yard: Yard) -> None:
    assert yard.dog.heartbeat_in_s(1_300, 1_000) == 0
    assert yard.dog.heartbeat_in_s(1_100, 1_000) == 200
    assert yard.dog.heartbeat_in_s(9_999, 1_000) == 0


@pytest.mark.parametrize("every_s", [300.0, None])
def test_a_device_that_never_worked_is_warmed_up_at_once(every_s: float | None) -> None:
    assert Yard(WatchdogSettings(keep_warm_every_s=every_s)).dog.heartbeat_in_s(5, None) == 0


@pytest.mark.parametrize("every_s", [None, 0.0])
def test_the_heartbeat_can_be_off(every_s: float | None) -> None:
    dog = Yard(WatchdogSettings(keep_warm_every_s=every_s)).dog

    assert dog.heartbeat_in_s(1e9, 0) is None


# Hung step


@pytest.mark.parametrize(
    ("predicted_s", "first", "deadline_s"),
    [
        (0.5, False, 60),
        (30, False, 300),
        (0.5, True, 900),
        (200, True, 2_000),
        (None, False, 900),
        (0, False, 900),
    ],
)
def test_the_deadline_of_a_step(
    yard: Yard, predicted_s: float | None, first: bool, deadline_s: float
) -> None:
    assert yard.dog.step_deadline_s(predicted_s, first=first) == deadline_s


# Alerts


def test_an_alert_is_told_once_an_hour_for_each_cause(yard: Yard) -> None:
    first = yard.dog.alert(Cause.OUT_OF_MEMORY, "a", job="j1")
    assert yard.dog.alert(Cause.OUT_OF_MEMORY, "b") is None
    other = yard.dog.alert(Cause.HUNG_STEP, "c")
    yard.now_s += 3_599
    assert yard.dog.alert(Cause.OUT_OF_MEMORY, "d") is None
    yard.now_s += 1
    again = yard.dog.alert(Cause.OUT_OF_MEMORY, "e")

    assert yard.heard == [first, other, again]
    assert [alert.message for alert in yard.heard] == ["a", "c", "e"]
    assert first is not None
    assert first.details == {"job": "j1"}


def test_a_slowness_that_comes_and_goes_is_told_once_an_hour(yard: Yard) -> None:
    for _ in range(5):
        yard.steps(20, SLOW_S, HOT)
        yard.steps(1, PREDICTED_S)
        yard.now_s += 600
    assert [alert.cause for alert in yard.heard] == [Cause.THERMAL_THROTTLING]

    yard.steps(20, SLOW_S, NEIGHBOUR)
    yard.steps(1, PREDICTED_S)
    yard.now_s += 600
    yard.steps(20, SLOW_S, HOT)

    assert [alert.cause for alert in yard.heard[1:]] == [Cause.OTHER_PROCESS, Cause.THERMAL_THROTTLING]


def test_the_silence_is_configurable() -> None:
    yard = Yard(WatchdogSettings(again_after_s=0))
    yard.dog.alert(Cause.GPU_LOST, "a")
    yard.dog.alert(Cause.GPU_LOST, "b")

    assert len(yard.heard) == 2
