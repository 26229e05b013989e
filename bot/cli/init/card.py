"""This machine's card, as the driver tells it."""

from __future__ import annotations

from bot.cost.fit import GB
from engine.survey import survey_card


def card_here() -> tuple[str, int] | None:
    """Name and gigabytes of this machine's first card, as the driver tells; None without one."""
    card = survey_card()
    if card is None or card.memory is None:
        return None
    return card.name, round(card.memory.total_bytes / GB)
