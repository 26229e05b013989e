"""Alerts of engine and store: each cause once an hour, to everybody who listens."""

from __future__ import annotations

from bot.alerts import HOUR_S, Alerts
from bot.messages import LANGUAGES, Message, say, translator
from engine.worker.watchdog import Alert, Cause
from storage.errors import Reason, StoreUnavailable


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_cause_is_told_once_an_hour_and_others_beside_it() -> None:
    clock, heard = Clock(), list[Message]()
    alerts = Alerts(clock=clock)
    alerts.subscribe(heard.append)
    full, locked = (StoreUnavailable(reason, "x") for reason in (Reason.DISK_FULL, Reason.LOCKED))
    for error in (full, full, locked):
        alerts.store_trouble(error)
    assert [message.args["reason"] for message in heard] == ["disk_full", "locked"]
    clock.now_s = HOUR_S
    alerts.store_trouble(full)
    assert len(heard) == 3


def test_the_engines_alerts_are_heard_until_the_listener_leaves() -> None:
    heard = list[Message]()
    alerts = Alerts(clock=Clock())
    leave = alerts.subscribe(heard.append)
    alerts.on_alert(Alert(Cause.GPU_LOST, "The GPU is gone.", 0.0))
    leave()
    alerts.on_alert(Alert(Cause.HUNG_STEP, "A step hung.", 0.0))
    assert [message.args["cause"] for message in heard] == ["gpu_lost"]


def test_a_listener_that_fails_keeps_nobody_else_from_hearing() -> None:
    heard = list[Message]()
    alerts = Alerts(clock=Clock())

    def deaf(message: Message) -> None:
        raise RuntimeError("boom")

    alerts.subscribe(deaf)
    alerts.subscribe(heard.append)
    alerts.tell("x", say("alert-store", reason="io", detail=""))
    assert len(heard) == 1


def test_every_cause_has_its_sentence_in_every_language() -> None:
    for language in LANGUAGES:
        t = translator(language)
        engine = {t(say("alert-engine", cause=cause.value, detail="")) for cause in Cause}
        assert len(engine) == len(Cause)
