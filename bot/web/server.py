"""uvicorn as one more face: on our event loop, on a socket of ours, stopped by cancelling it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import structlog
import uvicorn

from bot.alerts import Alerts
from bot.messages import UserError, say
from bot.metrics.counting import Counting
from bot.metrics.health import Health
from bot.web.app import build_app
from bot.web.connection_limits import Connections, allow_files, protocol
from bot.web.delivery import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from bot.config.faces import Http
    from bot.config.schema import Config
    from bot.imagine.service import Service

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 75
"""Longer than the proxies in front (60 s is common), so that none sends into a closing connection."""
SEND_BUFFER = 128 * 1024
"""The send buffer for a client that does not read. What is in it counts as delivered, so it is small."""
HURRY_S = 5
"""For answers that are ready, once nobody waits for a picture any more."""


class Server(uvicorn.Server):
    """Signals are handled by the process, which cancels its faces."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(section: Http) -> socket.socket:
    """The listening socket. Raises UserError: the address is taken, or not ours."""
    family = socket.AF_INET6 if ":" in section.listen else socket.AF_INET
    try:
        listener = socket.create_server((section.listen, section.port), family=family, backlog=512)
    except OSError as error:
        address = f"{section.listen}:{section.port}"
        raise UserError(
            say("http-cannot-listen", address=address, reason=error.strerror or str(error))
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # Its connections inherit this. asyncio asks it only of sockets that name their protocol, and without it
    # the second half of an answer waits up to 40 ms for the client's delayed acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve(
    service: Service,
    config: Config,
    at: socket.socket | None = None,
    *,
    delivery: Delivery | None = None,
    health: Health | None = None,
    alerts: Alerts | None = None,
    counting: Counting | None = None,
    metrics_token: str | None = None,
) -> None:
    """Serve HTTP until cancelled, on the socket `at` or where bot.toml says. Raises UserError.

    Cancelled, it refuses what is new, lets finish what is being drawn, and only then stops listening.
    """
    delivery = delivery or Delivery(service)
    app = build_app(
        service,
        config,
        delivery,
        health=health or Health(service),
        alerts=alerts or Alerts(),
        counting=counting or Counting(),
        metrics_token=metrics_token,
    )
    with at or listen(config.http) as listener:
        host, port = listener.getsockname()[:2]
        server = Server(_settings(app, config))
        await delivery.recover()
        running = asyncio.create_task(server.serve([listener]), name="http")
        log.info("http.listening", host=host, port=port)
        if config.http.links_lead_inside:
            log.warning("http.no_public_url", links=config.http.url)
        try:
            await asyncio.shield(running)
        finally:
            await delivery.drain(config.engine.drain_timeout.total_seconds())
            server.should_exit = True
            await running
            await delivery.close()
            log.info("http.stopped")


def _settings(app: FastAPI, config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol(Connections(config.http, allow_files())),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(config.http.trusted_proxies),
        forwarded_allow_ips=list(config.http.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=HURRY_S,
    )
