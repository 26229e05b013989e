"""From a card's memory to where the weights should live, by the very rule that `auto` follows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.config.schema import SEED_TIERS
from engine.families.profile import load_profile
from engine.survey import survey_card
from engine.worker.memory import Mode, choose_mode, needed_bytes

GB = 1 << 30
CARDS_GB = (8, 12, 16, 24, 32, 48)
USUAL_PIXELS = 1024 * 1024
USABLE = 0.95
"""Of a card's memory: fragmentation takes some."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How Z-Image-Turbo goes on a card."""

    memory_mode: str
    quantisation: str


def fit(card_gb: int) -> Fit:
    """The fastest mode for the largest size on sale; 8-bit weights where a usual picture needs them."""
    profile, budget = load_profile("z-image-turbo"), round(USABLE * card_gb * GB)
    largest_px = max(tier.max_size for tier in SEED_TIERS.values())
    if needed_bytes(profile, Mode.LOW, USUAL_PIXELS) <= budget:
        return Fit(choose_mode(profile, budget, largest_px**2).value, "none")
    weights = dict(profile.weights_bytes)
    weights["transformer"] //= 2
    return Fit(choose_mode(replace(profile, weights_bytes=weights), budget, USUAL_PIXELS).value, "int8")


def card_here() -> tuple[str, int] | None:
    """Name and gigabytes of this machine's first card, as the driver tells; None without one."""
    card = survey_card()
    if card is None or card.memory is None:
        return None
    return card.name, round(card.memory.total_bytes / GB)
