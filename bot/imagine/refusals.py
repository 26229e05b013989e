"""Turns what storage and engine refuse into one sentence for the person who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import format_date

from bot.messages import Message, Moment, Reason, UserError, say
from engine.request import EngineError, ModelAway, OutOfMemory, QueueFull, TooLarge, UnreadableInput
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


class UsedUp(UserError):
    """The month has too few images left. `may_go_slowly`: the member has yet to choose that, and could."""

    def __init__(self, message: Message, *, may_go_slowly: bool) -> None:
        super().__init__(message)
        self.may_go_slowly = may_go_slowly


def explain(error: StorageError, language: str) -> UserError:
    """The sentence for a refusal of the store. Any other storage error reads as "storage is down"."""
    message, reason = _refused(error, language)
    if isinstance(error, QuotaExceeded):
        slowly = not error.left and not error.slow and error.slow_left > 0
        return UsedUp(message.because(reason), may_go_slowly=slowly)
    return UserError(message.because(reason))


def explain_engine(error: EngineError) -> UserError:
    """What the engine refused or failed with, as a sentence."""
    match error:
        case QueueFull(flow=True):
            return UserError(say("error-queue-yours", limit=error.limit).because(Reason.TOO_FAST))
        case QueueFull():
            return UserError(say("error-queue-full").because(Reason.TOO_FAST))
        case UnreadableInput():
            return UserError(say("error-picture-gone").because(Reason.GONE))
        case ModelAway(model=model):
            return UserError(say("error-model-away", model=model).because(Reason.UNAVAILABLE))
        case TooLarge():
            return UserError(say("error-too-large", option="size"))
        case OutOfMemory():
            return UserError(say("error-memory").because(Reason.FAILED))
        case _:
            return UserError(say("error-draw").because(Reason.FAILED))


def _refused(error: StorageError, language: str) -> tuple[Message, Reason]:
    match error:
        case QuotaExceeded(left=0, slow=False, slow_left=slow_left) if slow_left:
            slowly = say("error-quota-slow", resets=day(error.resets_at, language), left=slow_left)
            return slowly, Reason.NO_QUOTA
        case QuotaExceeded(left=0, slow=True, slow_left=slow_left) if slow_left:
            resets = day(error.resets_at, language)
            short = say("error-quota-short", wanted=error.wanted, left=slow_left, resets=resets)
            return short, Reason.NO_QUOTA
        case QuotaExceeded(left=0):
            return say("error-quota-used", resets=day(error.resets_at, language)), Reason.NO_QUOTA
        case QuotaExceeded():
            resets = day(error.resets_at, language)
            short = say("error-quota-short", wanted=error.wanted, left=error.left, resets=resets)
            return short, Reason.NO_QUOTA
        case SpendingCapReached():
            return say("error-spending-cap", resets=day(error.resets_at, language)), Reason.NO_QUOTA
        case DailyCapReached(scope=scope):
            return say("error-cap-server" if scope is CapScope.SERVER else "error-cap-total"), Reason.NO_QUOTA
        case MemberBanned(reason=reason):
            return say("error-banned-why", reason=reason) if reason else say(
                "error-banned"
            ), Reason.NOT_ALLOWED
        case AccountTooYoung():
            return say("error-account-young", days=-(-error.needed_s // 86_400)), Reason.NOT_ALLOWED
        case SourceReused():
            return say("api-key-reused"), Reason.REUSED
        case _:
            return say("error-storage"), Reason.UNAVAILABLE


def day(moment: datetime, language: str) -> Moment:
    """A date as the reader writes it."""
    return Moment(moment, format_date(moment, "medium", locale=language.replace("-", "_")))
