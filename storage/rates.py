"""Which rates hold for a card: those listed for it, else those of any card. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .records.figures import Rate


def of_device(rates: Iterable[Rate], device: str) -> list[Rate]:
    """The rates whose words all stand in the device's name, as many words as possible; any others never.

    `L4` is no `L40S`: "NVIDIA L4 (worker-1)" has the one word and "NVIDIA L40S" has it not.
    """
    name = words(device)
    fitting = [rate for rate in rates if words(rate.gpu) <= name]
    most = max((len(words(rate.gpu)) for rate in fitting), default=0)
    return [rate for rate in fitting if len(words(rate.gpu)) == most]


def words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", name.lower()))
