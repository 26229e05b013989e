"""The article Easel comes from, checked: each of its figures beside what the formula gives from its inputs.

`docs/article.md` is written from here (`python -m tools.article`), and a test keeps the two the same.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from bot.config.section import MICRO
from bot.cost import formulas as f
from bot.cost.article import load_article
from tools.article_text import HEAD, SECTIONS

HEDGED = Fraction(2, 100)
"""A figure with `~`, or a round number of images, is close within this: rounded, not wrong."""

RESIDENT_MB = {512: 4800, 768: 5000, 1024: 5300, 1536: 5800, 2048: 6100}
PEAK_MB = {512: 5100, 768: 5600, 1024: 6200, 1536: 7900, 2048: 9400}
SECONDS = {1: "2.1", 10: "6.8", 20: "11.5", 40: "18.3", 60: "25.7", 100: "41.9"}
SECONDS_TOGETHER = {1: "18.3", 2: "21.7", 3: "24.5"}
A10G_MB = 24_000
RENT, OPERATIONS = 4_200_000, 800_000
OUTPUT = 440
SAID_COST = {"L4": "0.033", "A10G": "0.038", "A40": "0.040", "H100": "0.052"}
SAID_CONCURRENCY = {"L4": 3, "A10G": 3, "A40": 7, "H100": 15}
SAID_OUTPUT = {"L4": 440, "A10G": 440, "A40": 1020, "H100": 2180}
PRICES = {"member": 50_000, "premium": 30_000, "enterprise": 20_000}


class Verdict(StrEnum):
    """How a figure of the article stands beside the formula's."""

    AGREES = "agrees"
    CLOSE = "within 2 %"
    DIFFERS = "**differs**"
    INPUT = "input"
    UNCHECKED = "cannot be derived"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure: what the article says, what the formula gives, and how the two stand."""

    section: str
    what: str
    said: str
    given: str
    verdict: Verdict
    note: str = ""


def checks() -> list[Check]:
    """Every figure of the article's tables and text, in its order."""
    return [
        *_conclusions(),
        *_memory(),
        *_speed(),
        *_concurrency(),
        *_cards(),
        *_prices(),
        *_advice(),
        *_summary(),
        *_source(),
    ]


def disagreements() -> list[Check]:
    """Those that part from the formula."""
    return [check for check in checks() if check.verdict is Verdict.DIFFERS]


def _number(
    section: str,
    what: str,
    said: str,
    given: Fraction,
    *,
    unit: str = "",
    digits: int | None = None,
    within: Fraction | int = 0,
    note: str = "",
) -> Check:
    """Compare at the precision in which the article gives its figure; show `digits` where given."""
    plain, sign = said.lstrip("~").rstrip("%"), "%" if said.endswith("%") else ""
    precision, exact = len(plain.partition(".")[2]), Fraction(plain)
    within = HEDGED if said.startswith("~") else within
    if _decimal(given, precision) == plain:
        verdict = Verdict.AGREES
    else:
        verdict = Verdict.CLOSE if abs(given - exact) <= within * exact else Verdict.DIFFERS
    shown = _decimal(given, precision if digits is None else digits)
    return Check(section, what, f"{said}{unit}", f"{shown}{sign}{unit}", verdict, note)


def _word(section: str, what: str, said: object, given: object, note: str = "") -> Check:
    verdict = Verdict.AGREES if said == given else Verdict.DIFFERS
    return Check(section, what, str(said), str(given), verdict, note)


def _input(section: str, what: str, said: str, note: str = "") -> Check:
    return Check(section, what, said, "-", Verdict.INPUT, note)


def _decimal(value: Fraction, digits: int) -> str:
    """Rounded half up, with exactly so many digits."""
    scale = 10**digits
    rounded = (abs(value) * scale * 2 + 1) // 2
    whole, part = divmod(int(rounded), scale)
    return f"{'-' if value < 0 else ''}{whole}{f'.{part:0{digits}d}' if digits else ''}"


def _yuan(micro: Fraction | int) -> Fraction:
    return Fraction(micro) / MICRO


def _conclusions() -> list[Check]:
    at = "conclusion"
    return [
        _number(at, "seconds an image, 1024x1024, 40 steps", "~18", Fraction(SECONDS[40]), unit=" s"),
        _number(at, "peak memory", "6.2", Fraction(PEAK_MB[1024], 1000), unit=" GB"),
        _word(at, "requests at once on 24 GB", 3, f.instances(A10G_MB, PEAK_MB[1024])),
        _number(at, "images an hour", "600", f.images_an_hour(3, Fraction(SECONDS_TOGETHER[3])),
                note="600 is three at once at the 18 s of one alone; its own table has 24.5 s and 440"),
        _number(at, "yuan an image", "0.036", _yuan(Fraction(RENT, OUTPUT)), digits=4,
                note="4.20 / 440; with its own 600 an hour it would be 0.007"),
    ]  # fmt: skip


def _memory() -> list[Check]:
    at, found = "memory", []
    for size, peak in PEAK_MB.items():
        said_two = size <= 1024
        two = f.instances(A10G_MB, peak) >= 2
        note = "" if said_two == two else f"floor(24 / {peak / 1000}) = {f.instances(A10G_MB, peak)}"
        found += [
            _input(at, f"loaded, {size}", f"{RESIDENT_MB[size] / 1000} GB"),
            _input(at, f"peak, {size}", f"{peak / 1000} GB"),
            _word(at, f"two at once, {size}", _yes(said_two), _yes(two), note),
        ]
    growth = Fraction(PEAK_MB[2048], PEAK_MB[1024]) - 1
    return [
        *found,
        Check(at, "the model alone", "about 5 GB", "4.8 to 6.1 GB", Verdict.AGREES,
              "weights do not grow with the picture, so these readings hold more than weights"),
        _word(at, "growth from 1024 to 2048 above 50 %", _yes(True), _yes(growth > Fraction(1, 2)),
              f"{_decimal(growth * 100, 0)} %"),
        _word(at, "most requests at once, A10G, 1024", 3, f.instances(A10G_MB, PEAK_MB[1024]),
              f"one resident model: floor((24 - 5.3) / (6.2 - 5.3)) = "
              f"{f.sharing(A10G_MB, RESIDENT_MB[1024], PEAK_MB[1024])}"),
    ]  # fmt: skip


def _speed() -> list[Check]:
    at = "speed"
    one = Fraction(SECONDS[1])
    said = {1: "0%", 10: "224%", 20: "448%", 40: "771%", 60: "1124%", 100: "1867%"}
    found = []
    for steps, seconds in SECONDS.items():
        found.append(_input(at, f"seconds, steps: {steps}", f"{seconds} s"))
        growth = (Fraction(seconds) / one - 1) * 100
        found.append(_number(at, f"growth over 1 step, at {steps}", said[steps], growth))
    slope, start, fit = f.line([(steps, Fraction(seconds)) for steps, seconds in SECONDS.items()])
    more = Fraction(SECONDS[60]) / Fraction(SECONDS[40]) - 1
    return [
        *found,
        Check(at, "linear in the steps", "yes", f"{_decimal(start, 2)} s + {_decimal(slope, 3)} s a step, R2 "
              f"{_decimal(fit, 4)}", Verdict.AGREES),
        _number(at, "40 to 60 steps takes longer by", "40%", more * 100),
        Check(at, "steps that are worth it", "40", "8", Verdict.UNCHECKED,
              "Z-Image-Turbo is distilled for 8 steps at guidance 0; 40 at 7.5 is this article's build"),
    ]  # fmt: skip


def _concurrency() -> list[Check]:
    at, said = "concurrency", {1: "~197", 2: "~331", 3: "~440"}
    found = []
    for count, seconds in SECONDS_TOGETHER.items():
        found.append(_input(at, f"seconds, {count} at once", f"{seconds} s"))
        found.append(
            _number(
                at,
                f"images an hour, {count} at once",
                said[count],
                f.images_an_hour(count, Fraction(seconds)),
            )
        )
    needed = Fraction(4 * PEAK_MB[1024], 1000)
    return [
        *found,
        _word(
            at, "four at once run out of 24 GB", _yes(True), _yes(needed > 24), f"{_decimal(needed, 1)} GB"
        ),
        _input(at, "memory varies by", "0.1, 0.3, 0.5 GB"),
        _word(at, "best limit for requests at once", 3, f.instances(A10G_MB, PEAK_MB[1024])),
    ]


def _cards() -> list[Check]:
    at, found = "cards", []
    cards = load_article()
    slow = Fraction(SECONDS_TOGETHER[3])
    for name in SAID_COST:
        card, together = cards[name], f.instances(cards[name].memory_mb, PEAK_MB[1024])
        output = f.images_an_hour(SAID_CONCURRENCY[name], slow)
        cost = _yuan(Fraction(card.rent_micro, SAID_OUTPUT[name]))
        apart = Fraction(SAID_COST[name]) / cost
        found += [
            _input(at, f"{name}: memory, rent an hour",
                   f"{card.memory_mb // 1000} GB, {card.rent_micro / MICRO:.2f}"),
            _word(at, f"{name}: requests at once", SAID_CONCURRENCY[name], together,
                  "" if SAID_CONCURRENCY[name] == together else f"floor({card.memory_mb // 1000} / 6.2)"),
            _number(at, f"{name}: images an hour", str(SAID_OUTPUT[name]), output, within=HEDGED,
                    note="24.5 s an image, as on the A10G; no time of its own is given"),
            _number(at, f"{name}: yuan an image", SAID_COST[name], cost, digits=4,
                    note=f"rent / its own output; said {_decimal(apart, 1)} times that"),
        ]  # fmt: skip
    unit = {name: Fraction(cards[name].rent_micro, SAID_OUTPUT[name]) for name in SAID_COST}
    cheapest = min(unit, key=lambda name: unit[name])
    return [
        *found,
        _word(at, "the lowest cost an image", "L4", cheapest, "by rent / output of its own rows"),
    ]


def _prices() -> list[Check]:
    at = "prices"
    hour = RENT + OPERATIONS
    cost = Fraction(hour, OUTPUT)
    said = {"member": "~560%", "premium": "~160%", "enterprise": "~75%"}
    said_cost = Fraction(SAID_COST["A10G"]) * MICRO
    found = [
        _input(at, "rent an hour", "4.20", "called electricity and depreciation, and equal to the rent"),
        _input(at, "operations an hour", "0.80"),
        _number(at, "an hour together", "5.00", _yuan(hour)),
        _input(at, "images an hour", "440"),
        _number(at, "base cost of an image", "0.0114", _yuan(cost),
                note="not the 0.038 of its own table of cards"),
        _input(at, "free: price, images a month", "0.00, 100"),
        _input(at, "member: price, images a month", "0.05, 500"),
        _input(at, "premium: price, images a month", "0.03, 2000"),
        _input(at, "enterprise: price", "0.02, by use"),
    ]  # fmt: skip
    base = Fraction("0.0114") * MICRO
    for tier, price in PRICES.items():
        share = f.break_even(hour, price, OUTPUT)
        assert share is not None
        note = f"pays for the card at {_decimal(share * 100, 0)} % utilisation"
        found.append(
            _number(at, f"{tier}: margin over cost", said[tier], f.markup(price, base) * 100, note=note)
        )
    return [
        *found,
        _word(at, "enterprise: 0.02 is above the 0.038 of its table", _yes(True),
              _yes(PRICES["enterprise"] > said_cost), "by its own unit cost a loss, by 0.0114 not"),
        _word(at, "premium: 0.03 is above the 0.038 of its table", _yes(True),
              _yes(PRICES["premium"] > said_cost), "the same"),
        _word(at, "volume price of 0.015 is above the base cost", _yes(True),
              _yes(cost < 15_000),
              f"margin {_decimal(f.markup(15_000, base) * 100, 0)} %, at full load alone"),
        _input(at, "free images' share of all", "10 %", "a goal; Easel's queue holds it under contention"),
        Check(at, "768x768 raises the throughput", "yes",
              f"{f.instances(A10G_MB, PEAK_MB[768])} at once for 3", Verdict.AGREES),
    ]  # fmt: skip


def _advice() -> list[Check]:
    at = "advice"
    width, height = _up(800), _up(600)
    alone, four = PEAK_MB[1024], RESIDENT_MB[1024] + 4 * (PEAK_MB[1024] - RESIDENT_MB[1024])
    return [
        _word(at, "800x600 takes the memory of", "832x640", f"{width}x{height}",
              f"{_decimal((Fraction(width * height, 800 * 600) - 1) * 100, 0)} % more pixels"),
        Check(at, "1 image in place of 4 saves memory", "12 %",
              f"{_decimal((1 - Fraction(alone, four)) * 100, 0)} %", Verdict.UNCHECKED,
              "its tables have no row for four; given is peak + 3 x (peak - loaded)"),
        Check(at, "several at once are not faster", "yes", "-", Verdict.UNCHECKED,
              "its own table of concurrency has 440 an hour for 197"),
        _input(at, "steps: first try, daily, finished, sketch", "10-20, 40, 50-60, 1-5"),
        _input(at, "a heartbeat every", "5 min", "Easel's `keep_warm_every`"),
    ]  # fmt: skip


def _summary() -> list[Check]:
    at = "summary"
    cost, full = _yuan(Fraction(RENT, OUTPUT)), _yuan(Fraction(RENT + OPERATIONS, OUTPUT))
    low, high = Fraction("0.03"), Fraction("0.04")
    return [
        Check(at, "the formula", "rent / (at once x 3600 / seconds)", "the same", Verdict.AGREES),
        _word(at, "at most three at once", 3, f.instances(A10G_MB, PEAK_MB[1024])),
        _word(at, "an image costs 0.03 to 0.04", _yes(True), _yes(low <= cost <= high or low <= full <= high),
              f"{_decimal(cost, 4)} of rent, {_decimal(full, 4)} with operations"),
        _word(at, "prices of 0.03 to 0.05 keep a profit", _yes(True), _yes(full < low),
              "by the formula; against its own 0.03 to 0.04 the lower end would not"),
    ]  # fmt: skip


def _source() -> list[Check]:
    at = "source"
    return [
        _word(at, "the card of a GN7i instance", "A10G", "A10",
              "A10G is another cloud's; GN7i is sold with the A10"),
        _input(at, "CUDA, PyTorch, Ubuntu, model version", "11.8, 2.0, 20.04, v1.0.0"),
    ]  # fmt: skip


def _up(edge: int) -> int:
    return -(-edge // 64) * 64


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def document() -> str:
    """The whole of docs/article.md."""
    found = checks()
    parts = [HEAD]
    for section, (title, text) in SECTIONS.items():
        rows = [check for check in found if check.section == section]
        parts += [f"## {title}\n", f"{text}\n" if text else "", _table(rows)]
    parts.append("## Where they part\n")
    parts.append("\n".join(_sentence(check) for check in disagreements()) + "\n")
    return "\n".join(part for part in parts if part)


def _table(rows: list[Check]) -> str:
    head = "| figure | the article | the formula | | |\n|---|---|---|---|---|\n"
    return head + "".join(
        f"| {row.what} | {row.said} | {row.given} | {row.verdict} | {row.note} |\n" for row in rows
    )


def _sentence(check: Check) -> str:
    note = f" ({check.note})" if check.note else ""
    return f"- {check.section}, {check.what}: said {check.said}, the formula gives {check.given}{note}."


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/article.md")
    target.write_text(document(), "utf-8")
