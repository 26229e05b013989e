"""Output on terminals that cannot show every character: those are replaced, where Python would raise."""

from __future__ import annotations

import codecs
import sys
from io import TextIOWrapper

PLAIN = dict(zip("“”‘’·×⚠✓✗━¥", "\"\"''-x!+x=Y", strict=True))
PLAIN |= {"…": "...", "→": "->", "\N{VARIATION SELECTOR-16}": "", "\N{NO-BREAK SPACE}": " "}


def write_what_can_be_shown() -> None:
    """From now on a character that the terminal does not know is written as one that it does."""
    codecs.register_error("easel.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="easel.plain")


def shows(text: str) -> bool:
    """Whether this terminal knows the characters."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(one, "?") for one in error.object[error.start : error.end]), error.end
