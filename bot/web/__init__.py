"""The HTTP face: an image API as OpenAI's clients speak it. Nothing outside this package imports fastapi."""

from bot.web.app import build_app
from bot.web.server import listen, serve

__all__ = ["build_app", "listen", "serve"]
