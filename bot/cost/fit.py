"""From a card's memory to where the weights should live, by the very rule that `auto` follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.config.money import SEED_TIERS
from engine.families.plan import Need
from engine.worker.memory import USABLE_PART, MemoryGate, Mode, choose_mode, needed_bytes

if TYPE_CHECKING:
    from engine.families.profile import Profile

GB = 1 << 30
"""Cards are sold in these."""
CARDS_GB = (10, 12, 16, 24, 32, 48)
USUAL_PX = 1024


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model goes on a card."""

    memory_mode: Mode
    quantisation: str
    largest_px: int
    """Side of the largest square that is drawn; 0 where none is."""


def fit(card_gb: float, profile: Profile) -> Fit:
    """The fastest mode for the largest size on sale; 8-bit weights where a usual picture needs them."""
    budget = usable_bytes(card_gb)
    largest_px = max(tier.max_size for tier in SEED_TIERS.values())
    quantisation = "none"
    if needed_bytes(profile, Mode.LOW, USUAL_PX**2) > budget:
        profile, quantisation = profile.quantised(), "int8"
    mode = choose_mode(profile, budget, largest_px**2)
    return Fit(mode, quantisation, largest_square_px(profile, mode, card_gb))


def largest_square_px(profile: Profile, mode: Mode, card_gb: float) -> int:
    """Side of the largest square that fits on a card in this mode; 0 where none does."""
    gate = MemoryGate(profile, usable_bytes(card_gb), mode)
    low, high = (round(pixels**0.5) for pixels in (profile.min_pixels, profile.max_pixels))
    return max((px for px in range(low, high + 1, 64) if gate.ever_fits(Need(px, px))), default=0)


def usable_bytes(card_gb: float) -> int:
    """What of a card's memory Easel takes."""
    return round(USABLE_PART * card_gb * GB)
