"""Builds the FastAPI application: one router an idea, none of which knows the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from bot.web import admin, errors, models, operations

if TYPE_CHECKING:
    from bot.config import Config
    from bot.service import Service


def build_app(service: Service, config: Config, *, metrics_token: str | None = None) -> FastAPI:
    """The application over a started service. It owns nothing: who builds it starts and stops the parts."""
    app = FastAPI(title="Easel", summary="Pictures from words.", docs_url=None, redoc_url=None)
    errors.install(app, config.language)
    app.add_middleware(operations.CountRequests, counting=service.counting)
    app.include_router(models.router(service))
    app.include_router(operations.router(service, metrics_token))
    app.mount("/admin", admin.build(service))
    return app
