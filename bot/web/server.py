"""uvicorn as one more face: on our event loop, on a socket of ours, stopped by cancelling it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from typing import TYPE_CHECKING

import structlog
import uvicorn

from bot.messages import UserError, say
from bot.web.app import build_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.config import Config, Http
    from bot.service import Service

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 75
"""Longer than the proxies in front (60 s is common), so that none sends into a closing connection."""
HURRY_S = 5


class Server(uvicorn.Server):
    """Signals belong to the process, which cancels its faces."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(section: Http) -> socket.socket:
    """The listening socket. Raises UserError: the address is taken, or not ours."""
    family = socket.AF_INET6 if ":" in section.listen else socket.AF_INET
    try:
        return socket.create_server((section.listen, section.port), family=family, backlog=512)
    except OSError as error:
        address = f"{section.listen}:{section.port}"
        raise UserError(
            say("http-cannot-listen", address=address, reason=error.strerror or str(error))
        ) from error


async def serve(
    service: Service, config: Config, at: socket.socket | None = None, *, metrics_token: str | None = None
) -> None:
    """Serve HTTP until cancelled, on the socket `at` or where bot.toml says. Raises UserError.

    Cancelled, it lets open requests end before it closes the door.
    """
    at = at or listen(config.http)
    app = build_app(service, config, metrics_token=metrics_token)
    server = Server(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=bool(config.http.trusted_proxies),
            forwarded_allow_ips=list(config.http.trusted_proxies),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(config.engine.drain_timeout.total_seconds()) + HURRY_S,
        )
    )
    host, port = at.getsockname()[:2]
    log.info("http.listening", host=host, port=port)
    running = asyncio.create_task(server.serve([at]), name="http")
    try:
        await asyncio.shield(running)
    finally:
        server.should_exit = True
        await running
        log.info("http.stopped")
