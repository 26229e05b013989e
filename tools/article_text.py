"""The words of docs/cost-model.md around the tables that `article` computes."""

from __future__ import annotations

HEAD = """\
# What an image costs

`cost of an image = rent an hour / (requests at once x 3600 / seconds of one)`

Easel comes from an article that measured Z-Image-Turbo on rented cards and drew prices from it. Here is
every figure of its tables and text, beside what that formula gives from the article's own inputs. Easel
plans with the formula and measures the rest: `easel plan`, `easel calibrate`, `easel stats`.

*This page is written by `python -m tools.article`; a test compares the two.* Prices are in yuan. A
figure is an input where the article measured or chose it; it agrees where the formula gives the same
digits.

## Two formulas for "at once"

| | requests at once |
|---|---|
| a model instance for each request, as the article assumes | floor(memory / peak) |
| one resident model that all share, as Easel draws | floor((memory - resident) / (peak - resident)) |

At 1024x1024 on 24 GB: floor(24 / 6.2) = 3, and floor((24 - 5.3) / (6.2 - 5.3)) = 20. The second says what
fits, not what is fast: requests that share a card share its arithmetic. So the plan adds no images an hour
beyond the last concurrency that was measured. For other sizes take the same row of the memory table, both
of its figures.
"""

SECTIONS: dict[str, tuple[str, str]] = {
    "conclusion": ("The article's conclusions", ""),
    "memory": ("Memory by size (A10G, 24 GB)", ""),
    "speed": ("Seconds by steps (1024x1024)", ""),
    "concurrency": ("Images an hour by requests at once (1024x1024, 40 steps)", ""),
    "cards": (
        "Cards",
        "Only the A10G was measured at several concurrencies. The others have one point each, and it is "
        "the A10G's time for a request again: an H100 would be no faster than an A10G. Their images an hour "
        "are for the article's requests at once.",
    ),
    "prices": (
        "Cost and prices (A10G)",
        "The margin is profit over cost, over its 0.0114. The share behind each margin is the break-even: "
        "rent and operations / (price x 440).",
    ),
    "advice": ("Advice", ""),
    "summary": ("Summary", ""),
    "source": ("Where it was measured", ""),
}

FOOT = """\
## A month, simulated

![A month of 500 members on one A10G](month.png)

`make month` simulates a month of 500 members in the four tiers on one A10G: real scheduler, queue, memory
gate, accounting, quotas and ledger, a virtual clock, and a card that takes the seconds of the article's
tables (three at once slow each other down as its table of concurrency says). At the end every total of the
report is compared with a recount from the raw tables, to the micro-unit.

The long waits belong to requests for four images: three are begun at a time, so the fourth waits for one of
the others. Paying tiers draw 1024x1024 in 40 steps and the free tier 768x768 in 20, which is why free waits
less. Members hardly ever wait for each other: the card is idle 80 % of the month.

## With your own numbers

- `easel plan --gpu "RTX 4090" --price 2.5 --members free=400,member=70 --utilisation 40%` plans with the
  model, steps and bytes of today; your own cards go into `gpus.toml` in the folder where you call `easel`, in
  the form of `bot/cost/gpus.toml`. `easel plan --article` shows the article's cards by its own formulas.
- `easel calibrate` measures this machine as the article measured its own; `easel plan --measured` plans
  with it.
- `easel stats month --chart month.png`, `--json`, `--csv`: what it came to. In a chat: `/stats cost`.
- `[cost]` in bot.toml: limits for the cost of an image and for the idle share; the owners are told when
  one is passed.

## How Easel counts

- Money is integers, millionths of one currency; time is integer microseconds; every sum is exact, and a
  division is rounded once, at its end.
- An image's drawing cost is its billed part of the device's time at the rate of that moment: its cost at
  full load. The cost at the real utilisation is rent and operations of all the time the bot was up, over
  all images charged.
- Rent is busy, overhead and idle time at the rates that were valid then (`[[rent]]` in bot.toml), so an old
  month keeps its old rent. Time lost to a killed process is shown apart.
- A tier's revenue is its ledger where it pays for each image (volume prices included), and members times
  fee where it subscribes: fee = price x images a month, in proportion for a part of a month. A key's tier is
  held from its making until it is revoked or expires; a tier that a role stands for counts for each month in
  which its member drew under it.
- By platform, size and member, revenue is what the ledger charged: a fee belongs to none of them.
- A forecast goes on as the period went so far.
- Break-even is the part of an hour's images that must be sold: hourly cost / (price x images an hour).
- Percentiles come from a histogram and are right within 9 %.
"""
