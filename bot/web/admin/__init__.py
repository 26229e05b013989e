"""The owner's page: made on the server, whole without JavaScript, behind a link that works once."""

from bot.web.admin.app import build

__all__ = ["build"]
