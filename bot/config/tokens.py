"""What the form of a token tells: whether it is well-formed, and which bot it belongs to.

A token of either platform begins with the id of its bot.
"""

from __future__ import annotations

import base64
import binascii
import re

_DISCORD = re.compile(r"([A-Za-z0-9_-]{18,40})\.[A-Za-z0-9_-]{5,8}\.[A-Za-z0-9_-]{25,80}")
_TELEGRAM = re.compile(r"(\d{6,12}):[A-Za-z0-9_-]{30,}")


def discord_application(token: str) -> int | None:
    """The application's id; None for what is no token of Discord's."""
    shape = _DISCORD.fullmatch(token.strip())
    if shape is None:
        return None
    padded = shape[1] + "=" * (-len(shape[1]) % 4)
    try:
        decoded = base64.urlsafe_b64decode(padded).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return int(decoded) if decoded.isdecimal() else None


def telegram_bot(token: str) -> int | None:
    """The bot's id; None for what is no token of Telegram's."""
    shape = _TELEGRAM.fullmatch(token.strip())
    return int(shape[1]) if shape else None
