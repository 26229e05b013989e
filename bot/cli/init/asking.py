"""Questions on a terminal: a choice, a line, a secret. Ctrl-C and Ctrl-D leave with `KeyboardInterrupt`."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, TypeVar

from prompt_toolkit import prompt
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.shortcuts import choice
from prompt_toolkit.validation import Validator
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prompt_toolkit.key_binding import KeyPressEvent

    from bot.messages import Translator

T = TypeVar("T")


BESIDE_A_LABEL = 10
"""Columns taken by the number before a label and the margins."""


def choose(question: str, options: Sequence[tuple[T, str]], default: T) -> T:
    """One of a few, by arrow keys or number."""
    columns = shutil.get_terminal_size().columns
    labels = [(value, wrapped(label, columns)) for value, label in options]
    return choice(message=_bold(question), options=labels, default=default, key_bindings=_leaving())


def wrapped(label: str, columns: int) -> str:
    """A choice's label in lines that fit into a terminal: what is too long for one would be cut off."""
    lines = Text(label).wrap(Console(), max(columns - BESIDE_A_LABEL, 10))
    return "\n      ".join(line.plain.rstrip() for line in lines)


def _leaving() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("c-d")
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt())

    return keys


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
