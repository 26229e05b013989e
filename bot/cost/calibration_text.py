"""The calibration as an engine profile, and as the article's tables in Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bot.cost.calibration import fit
from engine.worker.memory import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.cost.calibration import Points
    from bot.messages import Translator
    from engine.families.profile import Profile

GB = 1e9


def profile_toml(points: Points, base: Profile) -> str:
    """What was measured, in the form of `engine/families`; what was not, from the profile it started with."""
    sizes = sorted(points.sizes.values(), key=lambda size: size.edge)
    weights = ", ".join(f"{part} = {count}" for part, count in base.weights_bytes.items() if part != ADAPTERS)
    qualities = ", ".join(f"{json.dumps(name)} = {steps}" for name, steps in base.qualities.items())
    gains = ", ".join(f"[{round(pixels**0.5)}, {gain:.4g}]" for pixels, gain in _gains(points, base))
    # The curve says what one picture adds: the peak above the weights.
    peaks = ", ".join(f"[{size.edge}, {max(0, size.peak_bytes - points.resident_bytes)}]" for size in sizes)
    steps = ", ".join(f"[{size.edge}, {size.step_s:.6f}]" for size in sizes)
    decodes = ", ".join(f"[{size.edge}, {size.decode_s:.6f}]" for size in sizes)
    device = json.dumps(points.device, ensure_ascii=False)
    return f"""\
# Measured by `easel calibrate` on {points.device}.
name = {json.dumps(base.name)}
default_speed = {device}
batch_gain = [{gains}]

[sizes]
multiple = {base.multiple}
min = {round(base.min_pixels**0.5)}
max = {round(base.max_pixels**0.5)}
default = {base.default_size[0]}
tile_above = {round(base.tile_above_pixels**0.5)}
tile = {base.tile_px}

[steps]
default = {base.default_steps}
guidance = {base.guidance}
qualities = {{ {qualities} }}

[memory]
weights_bytes = {{ {weights} }}
precise_bytes = {base.precise_bytes}
peak_bytes = [{peaks}]

[speed.{device}]
encode_s = {points.encode_s:.6f}
step_s = [{steps}]
decode_s = [{decodes}]
"""


def _gains(points: Points, base: Profile) -> list[tuple[float, float]]:
    """What two in one forward bring over one after the other; on a CPU two at once are two cores instead."""
    gains = dict(base.batch_gain.points)
    one, two = points.together.get("1"), points.together.get("2")
    if one and two and not points.device.startswith("cpu"):
        gains[points.edge**2] = two.images_an_hour / one.images_an_hour
    return sorted(gains.items())


def markdown(points: Points, t: Translator) -> str:
    """The article's three tables with this machine's figures, and the line through the seconds."""
    slope, start, good = fit(points)
    first = min(points.steps, key=int)
    one_s = points.steps[first]
    parts = [
        f"# {t('calibrate-heading', model=points.model, device=points.device)}\n",
        f"## {t('calibrate-memory')}\n",
        _table(
            (t("calibrate-size"), t("calibrate-loaded"), t("calibrate-peak"), t("calibrate-seconds")),
            (
                (
                    f"{size.edge}x{size.edge}",
                    _gb(points.resident_bytes),
                    _gb(size.peak_bytes),
                    _s(size.seconds),
                )
                for size in sorted(points.sizes.values(), key=lambda size: size.edge)
            ),
        ),
        f"## {t('calibrate-speed')}\n",
        _table(
            (t("calibrate-steps"), t("calibrate-seconds"), t("calibrate-growth")),
            (
                (steps, _s(seconds), f"+{seconds / one_s - 1:.0%}")
                for steps, seconds in sorted(points.steps.items(), key=lambda item: int(item[0]))
            ),
        ),
        t("calibrate-fit", start=f"{float(start):.3f}", slope=f"{float(slope):.4f}", r2=f"{float(good):.4f}")
        + "\n",
        f"## {t('calibrate-throughput')}\n",
        _table(
            (t("calibrate-at-once"), t("calibrate-seconds"), t("calibrate-hour"), t("calibrate-peak")),
            (
                (str(point.count), _s(point.seconds), f"{point.images_an_hour:.0f}", _gb(point.peak_bytes))
                for point in sorted(points.together.values(), key=lambda point: point.count)
            ),
        ),
        t(f"calibrate-stopped-{points.stopped or 'limit'}") + "\n",
    ]
    return "\n".join(parts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _gb(count: int) -> str:
    return f"{count / GB:.2f} GB" if count >= GB else f"{count / 1e6:.0f} MB"


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"
