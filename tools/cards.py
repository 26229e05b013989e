"""The tables of cards and memory in the READMEs and docs/gpu.md, from the code that decides.

    make reference

Each table stands between two comments, `<!-- NAME -->` and `<!-- /NAME -->`, and is written anew in place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cost.catalogue import planned_model
from bot.cost.fit import CARDS_GB, USUAL_PX, fit, largest_square_px, usable_bytes
from engine.events import Phase
from engine.families.plan import Need
from engine.families.registry import load_profile
from engine.worker.memory import MemoryGate, Mode, weights_bytes

if TYPE_CHECKING:
    from engine.families.profile import Profile

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "README.zh-CN.md", "docs/gpu.md")
GB = 10**9
GPU_PAGE_CARDS_GB = (8, 10, 12, 16, 22.5, 24, 32)
HEADS = {
    "cards": "| card | `memory_mode` | `quantisation` | largest picture |",
    "cards-zh": "| 显卡 | `memory_mode` | `quantisation` | 最大的图 |",
}


def cards(head: str) -> str:
    """What `auto` does on each card, and the largest square it draws then."""
    rows = []
    for gb in CARDS_GB:
        found = fit(gb, load_profile(planned_model()))
        rows.append(f"| {gb} GB | `{found.memory_mode}` | `{found.quantisation}` | {found.largest_px}² |")
    return "\n".join([head, "|---|---|---|---|", *reversed(rows)])


def weights() -> str:
    """Bytes of weights on the card, by mode and by what is done."""
    profile = load_profile(planned_model())
    rows = ["| `memory_mode` | while a prompt is encoded | while steps run | while a picture is decoded |"]
    rows.append("|---|---|---|---|")
    for mode in Mode:
        on_card = (
            weights_bytes(profile, mode, phase) for phase in (Phase.ENCODE, Phase.DENOISE, Phase.DECODE)
        )
        rows.append(f"| `{mode}` | {' | '.join(map(_gb, on_card))} |")
    return "\n".join(rows)


def peaks() -> str:
    """Bytes of each call above the weights, by size."""
    profile = load_profile(planned_model())
    rows = ["| picture | encode | step | decode |", "|---|---|---|---|"]
    for px in (512, 1024, 1536, 2048):
        told = (profile.peak_bytes(phase, px**2) for phase in (Phase.ENCODE, Phase.DENOISE, Phase.DECODE))
        rows.append(f"| {px}² | {' | '.join(map(_gb, told))} |")
    return "\n".join(rows)


def modes() -> str:
    """The largest square by card, mode and quantisation, and how many of 1024 squared share a forward."""
    full = load_profile(planned_model())
    kinds = [(profile, mode) for profile in (full, full.quantised()) for mode in Mode]
    names = [f"`{mode}`{'' if profile is full else ', int8'}" for profile, mode in kinds]
    rows = [f"| card | {' | '.join(names)} |", "|---" * (len(kinds) + 1) + "|"]
    for gb in GPU_PAGE_CARDS_GB:
        cells = (_largest(profile, mode, gb) for profile, mode in kinds)
        rows.append(f"| {gb:g} GB | {' | '.join(cells)} |")
    return "\n".join(rows)


def _largest(profile: Profile, mode: Mode, card_gb: float) -> str:
    """Side of the largest square, and how many of 1024 squared may share a forward."""
    largest_px = largest_square_px(profile, mode, card_gb)
    if largest_px < USUAL_PX:
        return str(largest_px or "")
    gate = MemoryGate(profile, usable_bytes(card_gb), mode)
    step_bytes = gate.call_bytes(Phase.DENOISE, Need(USUAL_PX, USUAL_PX))
    together = max(1, (gate.budget_bytes - gate.resident_bytes) // step_bytes)
    return f"{largest_px} ({1 if mode is Mode.LOW else together})"


def _gb(count: int) -> str:
    return f"{count / GB:.1f} GB"


def written(text: str) -> str:
    """The page with its tables as they are now."""
    tables = {name: cards(head) for name, head in HEADS.items()}
    tables |= {"weights": weights(), "peaks": peaks(), "modes": modes()}
    for name, table in tables.items():
        before, after = f"<!-- {name} -->", f"<!-- /{name} -->"
        text = re.sub(f"{before}.*?{after}", f"{before}\n{table}\n{after}", text, flags=re.S)
    return text


def main() -> None:
    for name in PAGES:
        page = ROOT / name
        page.write_text(written(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
