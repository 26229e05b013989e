"""A command whose words are a prompt: dashes, quotes and all, they are read as in a chat."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from bot.imagine.options import OPTIONS, Kind
from bot.messages import LANGUAGES, translator

if TYPE_CHECKING:
    from collections.abc import Callable


class WordsCommand(TyperCommand):
    """Takes its own options out of the line, wherever they stand, and leaves all other words as typed."""

    own = ("--out", "--image", "--mask", "--config", "--help")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        taken: list[str] = []
        words: list[str] = []
        left = iter(args)
        for word in left:
            name, has_value, _ = word.partition("=")
            if name not in self.own:
                words.append(word)
                continue
            taken.append(word)
            if not has_value and name != "--help" and (value := next(left, None)) is not None:
                taken.append(value)
        return super().parse_args(ctx, [*taken, "--", *words])


def listing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Have `command`'s help list the options of `/imagine`; `parse_words` reads them from the words."""
    t = translator(LANGUAGES[0])
    signature = inspect.signature(command, eval_str=True)
    listed: dict[str, tuple[Any, bool | None]] = {}
    for option in OPTIONS:
        kind, default = (bool, False) if option.kind is Kind.FLAG else (str | None, None)
        told = typer.Option(f"--{option.shown}", help=f"{t(option.about)}.")
        listed[option.name] = Annotated[kind, told], default

    def bare(**given: Any) -> None:
        command(**{name: given[name] for name in signature.parameters})

    bare.__doc__ = command.__doc__
    bare.__name__ = command.__name__
    types = {name: kind for name, (kind, _) in listed.items()}
    bare.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()} | types
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [one.replace(kind=keyword) for one in signature.parameters.values()]
    more = [
        inspect.Parameter(name, keyword, default=default, annotation=kind)
        for name, (kind, default) in listed.items()
    ]
    bare.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    return bare
