"""Cards and facts as the terminal prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bot.render import Card, Fact


def show_card(console: Console, card: Card) -> None:
    """A card as a title and a table."""
    console.print(card.title, style="bold", markup=False)
    show_facts(console, card.facts)
    if card.text:
        console.print(card.text, markup=False, highlight=False)
    if card.link:
        console.print(card.link, markup=False, highlight=False, soft_wrap=True)
    for part in card.parts:
        show_card(console, part)


def show_facts(console: Console, facts: Sequence[Fact]) -> None:
    """Labels and values in two columns."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in facts:
        table.add_row(label, value)
    if facts:
        console.print(table)
