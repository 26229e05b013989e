"""One line an event, on stderr: readable on a terminal, JSON in a service."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from typing import TYPE_CHECKING

import structlog

from bot.log_advice import advise
from engine.libraries import quieten

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.config.credentials import Redactor


WORDY = ("PIL", "aiosqlite", "discord", "httpcore", "matplotlib", "openai", "telegram")
"""Libraries that log, below INFO, whatever passes through them: messages, bodies, pieces of files."""
CALLING = ("discord.client", "httpx")
"""Libraries that log, at INFO, every call that they make: a bot that nobody uses asks twice a minute."""

REPEATING = ("asyncio", "uvicorn.error")
"""What strangers can make these say as often as they like: bytes that are no HTTP, endless connections."""
REPEAT_AFTER_S = 60.0
MOST_LINES = 1000


class OnceAMinute(logging.Filter):
    """Lets the same line through once a minute, with how many were held back since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s, line = self._clock(), (record.name, str(record.msg)[:80])
        at_s, held_back = self._said.get(line, (-REPEAT_AFTER_S, 0))
        if now_s - at_s < REPEAT_AFTER_S:
            self._said[line] = (at_s, held_back + 1)
            return False
        if len(self._said) >= MOST_LINES:
            self._said.clear()
        self._said[line] = (now_s, 0)
        if held_back:
            record.msg = f"{record.msg} ({held_back} more like this were not logged)"
        return True


class RedactingHandler(logging.Handler):
    """Writes to whatever stderr is now, with the redactor as the very last thing a line passes.

    A line that cannot be formatted is redacted too; the standard library would print its arguments bare.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:
            line = f"a log line of {record.name} cannot be formatted: {traceback.format_exc()}"
        sys.stderr.write(self._redactor(line) + "\n")


def set_up_logs(level: str, redactor: Redactor, *, json: bool | None = None, prompts: bool = False) -> None:
    """Send the standard library's and structlog's lines through the redactor to stderr.

    `json` None: where nobody watches. `prompts`: lines may hold what people typed.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        advise,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = RedactingHandler(redactor)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in WORDY:
        logging.getLogger(name).setLevel(logging.NOTSET if prompts else logging.INFO)
    for name in CALLING:
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.WARNING)
    for name in REPEATING:
        logging.getLogger(name).filters[:] = [OnceAMinute()]
    quieten()
    sys.excepthook = lambda *error: sys.stderr.write(redactor("".join(traceback.format_exception(*error))))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
