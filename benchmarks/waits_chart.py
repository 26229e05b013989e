"""docs/waits.svg: how long paying members wait, as bars. Legible on light pages and on dark ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, ROW, LEFT, RIGHT = 720, 34, 250, 70
OURS = "Easel"
STYLE = """
text { font: 15px system-ui, sans-serif; fill: #1c1b1a; }
.quiet { fill: #6b6762; }
rect { fill: #a9a39b; }
.ours { fill: #0072b2; }
text.ours { font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text { fill: #ece9e4; } .quiet { fill: #a29c94; } rect { fill: #6b6660; } .ours { fill: #56b4e9; }
}
"""


def waits_chart(rows: Sequence[dict[str, Any]]) -> str:
    """An SVG of each contender's `paying_p95_s`, the shortest first."""
    ordered = sorted(rows, key=lambda row: float(row["paying_p95_s"]))
    longest_s = float(ordered[-1]["paying_p95_s"])
    height = ROW * (len(ordered) + 1)
    parts = []
    for place, row in enumerate(ordered):
        wait_s, y = float(row["paying_p95_s"]), ROW * place + 8
        kind, name = ("ours" if row["contender"] == OURS else ""), escape(row["contender"])
        length = max(2.0, (WIDTH - LEFT - RIGHT) * wait_s / longest_s)
        parts += [
            f'<text class="{kind}" x="{LEFT - 12}" y="{y + 15}" text-anchor="end">{name}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="20" rx="3"/>',
            f'<text class="{kind}" x="{LEFT + length + 8:.1f}" y="{y + 15}">{wait_s:.1f} s</text>',
        ]
    told = "95 of 100 paying members have their picture within; two CPU cores, the small model"
    parts.append(f'<text class="quiet" x="{WIDTH / 2}" y="{height - 8}" text-anchor="middle">{told}</text>')
    label = "; ".join(f"{row['contender']} {float(row['paying_p95_s']):.1f} s" for row in ordered)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(label)}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )
