"""Questions on a terminal: a choice, a line, a secret. Ctrl-C and Ctrl-D leave with `KeyboardInterrupt`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from prompt_toolkit import prompt
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.shortcuts import choice
from prompt_toolkit.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from bot.messages import Translator

T = TypeVar("T")


def choose(question: str, options: Sequence[tuple[T, str]], default: T) -> T:
    """One of a few, by arrow keys or number."""
    return choice(message=_bold(question), options=options, default=default)


def line(question: str, *, check: Callable[[str], bool], hint: str, default: str = "") -> str:
    """A line that passes `check`; `hint` says what is wrong with one that does not."""
    return _ask(question, check, hint, default=default)


def secret(question: str, *, check: Callable[[str], bool], hint: str) -> str:
    """A line that is never shown: stars stand for its characters."""
    return _ask(question, check, hint, hidden=True)


def _ask(
    question: str, check: Callable[[str], bool], hint: str, *, default: str = "", hidden: bool = False
) -> str:
    validator = Validator.from_callable(
        lambda typed: check(typed.strip()), error_message=hint, move_cursor_to_end=True
    )
    try:
        answer = prompt(
            _bold(f"{question} "),
            default=default,
            is_password=hidden,
            validator=validator,
            validate_while_typing=False,
        )
    except EOFError:
        raise KeyboardInterrupt from None
    return answer.strip()


def _bold(text: str) -> HTML:
    return HTML("<b>{}</b>").format(text)


def yes(question: str, t: Translator, *, default: bool) -> bool:
    return choose(question, [(True, t("init-yes")), (False, t("init-no"))], default=default)


def say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
