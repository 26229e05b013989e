"""Which platforms to serve, and serving them side by side; their libraries are imported only when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING

import structlog

from bot.extras import extra
from bot.faces.platforms import CHATS
from bot.messages import UserError, translator

if TYPE_CHECKING:
    from bot.alerts import Alerts
    from bot.config.credentials import Credentials
    from bot.config.schema import Config
    from bot.faces.platforms import ChatPlatform
    from bot.imagine.service import Service
    from bot.metrics.counting import Counting

log = structlog.get_logger(__name__)

FIRST = asyncio.FIRST_COMPLETED
Serve = Callable[["Service"], Coroutine[None, None, None]]


def configured_faces(
    config: Config, credentials: Credentials, alerts: Alerts, counting: Counting
) -> dict[str, Serve]:
    """The platforms whose token is there, and the HTTP API where it is turned on, by name.

    They tell owners of `alerts`, and publish what `counting` has.

    Raises `UserError` where a token cannot be one, or a library is not installed.
    """
    for name, token in credentials.tokens.items():
        if CHATS[name].bot_id(token) is None:
            raise UserError(CHATS[name].token_shape)
    faces: dict[str, Serve] = {}
    if config.http.enabled:
        with extra("api"):
            from bot import web

        metrics_token = credentials.metrics_token.get_secret_value() if credentials.metrics_token else None
        faces["http"] = lambda service: web.serve(
            service, service.config, alerts=alerts, counting=counting, metrics_token=metrics_token
        )
    for name, token in credentials.tokens.items():
        faces[name] = _face(CHATS[name], token, alerts)
    return faces


def _face(chat: ChatPlatform, token: str, alerts: Alerts) -> Serve:
    serve = chat.serve()
    return lambda service: serve(service, token, service.config, alerts)


async def serve_all(service: Service, faces: dict[str, Serve]) -> bool:
    """Serve until cancelled. A face that fails takes no other down; False when all have, or the engine broke.

    Nothing is drawn without an engine, and what is queued is written down: leave, to be started again.
    """
    serving = [asyncio.create_task(_serve(name, serve, service)) for name, serve in faces.items()]
    engine = asyncio.create_task(service.models.default.backend.wait())
    try:
        while not engine.done() and not all(face.done() for face in serving):
            await asyncio.wait({engine, *(face for face in serving if not face.done())}, return_when=FIRST)
        return not engine.done() and any(face.result() for face in serving)
    finally:
        for task in (engine, *serving):
            task.cancel()
        await asyncio.gather(engine, *serving, return_exceptions=True)


async def _serve(name: str, serve: Serve, service: Service) -> bool:
    try:
        await serve(service)
    except UserError as error:
        log.error("face.refused", face=name, why=translator(service.config.language)(error.message))
        return False
    except Exception:
        log.exception("face.failed", face=name)
        return False
    return True
