"""What is counted as it happens: the engine's events, requests to the HTTP server, the event loop's lag.

These begin at zero with each process. What must survive a restart is read from the ledger instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine.events import Action, Observer, Phase

if TYPE_CHECKING:
    from engine.events import Event, Worked
    from engine.worker.watchdog import Alert

MODEL_S = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 30, 60)
WAIT_S = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAG_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Counting(Observer):
    """An engine's observer, with a registry of its own. Used from the event loop only."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"easel_{name}", what, labels, buckets=buckets, registry=registry)

        self._calls = {
            Phase.ENCODE: histogram("encode_seconds", "Wall seconds of encoding a prompt.", MODEL_S),
            Phase.BEGIN: histogram("begin_seconds", "Wall seconds of encoding a picture.", MODEL_S),
            Phase.DENOISE: histogram(
                "step_seconds", "Wall seconds of one denoising step of a group.", MODEL_S
            ),
            Phase.DECODE: histogram("decode_seconds", "Wall seconds of decoding a picture.", MODEL_S),
        }
        self._wait = histogram("queue_wait_seconds", "From acceptance until work began.", WAIT_S, "tier")
        self._alerts = Counter(
            "easel_alerts", "Alerts of the engine's watchdog.", ("cause",), registry=registry
        )
        self._http = Counter(
            "easel_http_requests",
            "Requests to the HTTP server.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._http_seconds = histogram(
            "http_request_seconds", "Until the answer's last byte.", HTTP_S, "route"
        )
        self.loop_lag = histogram("event_loop_lag_seconds", "How late the event loop woke a timer.", LAG_S)

    def on_event(self, event: Event) -> None:
        """A job that begins tells how long it waited."""
        if event.action is Action.ADMITTED:
            fields = event.fields
            self._wait.labels(str(fields["tier"])).observe(float(str(fields["waited_s"])))

    def on_work(self, worked: Worked) -> None:
        """A model call has finished."""
        self._calls[worked.phase].observe(worked.wall_s)

    def on_alert(self, alert: Alert) -> None:
        """The engine's watchdog raised an alert."""
        self._alerts.labels(alert.cause.value).inc()

    def on_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """The HTTP server answered; `route` is the path's pattern, so that the labels stay few."""
        self._http.labels(method, route, str(status)).inc()
        self._http_seconds.labels(route).observe(seconds)
