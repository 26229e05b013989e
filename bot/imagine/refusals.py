"""Why not, in one sentence: what storage and engine refuse, told to the person who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import format_date

from bot.messages import UserError, say
from engine.request import DrawFailed, EngineError, OutOfMemory, QueueFull, StepTimeout, TooLarge
from storage.errors import (
    AccountTooYoung,
    CapScope,
    DailyCapReached,
    MemberBanned,
    QuotaExceeded,
    SourceReused,
    SpendingCapReached,
    StorageError,
)

if TYPE_CHECKING:
    from datetime import datetime


def explain(error: StorageError, language: str) -> UserError:
    """What the store refused, as a sentence. Unknown troubles read as "storage is down"."""
    match error:
        case QuotaExceeded(left=0):
            return UserError(say("error-quota-used", resets=day(error.resets_at, language)))
        case QuotaExceeded():
            resets = day(error.resets_at, language)
            return UserError(say("error-quota-short", wanted=error.wanted, left=error.left, resets=resets))
        case SpendingCapReached():
            return UserError(say("error-spending-cap", resets=day(error.resets_at, language)))
        case SourceReused():
            return UserError(say("api-key-reused"))
        case MemberBanned(reason=reason):
            return UserError(say("error-banned-why", reason=reason) if reason else say("error-banned"))
        case DailyCapReached(scope=scope):
            return UserError(say("error-cap-server" if scope is CapScope.SERVER else "error-cap-total"))
        case AccountTooYoung():
            return UserError(say("error-account-young", days=-(-error.needed_s // 86_400)))
        case _:
            return UserError(say("error-storage"))


def explain_engine(error: EngineError) -> UserError:
    """What the engine refused or failed with, as a sentence."""
    match error:
        case QueueFull(flow=True):
            return UserError(say("error-queue-yours", limit=error.limit))
        case QueueFull():
            return UserError(say("error-queue-full"))
        case TooLarge():
            return UserError(say("error-too-large"))
        case OutOfMemory():
            return UserError(say("error-memory"))
        case StepTimeout() | DrawFailed():
            return UserError(say("error-draw"))
        case _:
            return UserError(say("error-draw"))


def day(moment: datetime, language: str) -> str:
    """A date as the reader writes it."""
    return format_date(moment, "medium", locale=language.replace("-", "_"))
