"""The words of docs/article.md around the tables that `article` computes."""

from __future__ import annotations

HEAD = """\
# The article that Easel began with, recomputed

*Z-Image-Turbo GPU算力需求测算:按小时计费参考*
("GPU requirements of Z-Image-Turbo: a reference for billing by the hour", in Chinese) measured
Z-Image-Turbo on rented cards and drew prices from it. This appendix to [cost-model.md](cost-model.md) sets
every figure of its tables and text beside what its own formula gives from its own inputs:

`cost of an image = rent an hour / (requests at once x 3600 / seconds of one)`

*This page is written by `python -m tools.article`; a test compares the two.* Prices are in yuan. A
figure is an input where the article measured or chose it; it agrees where the formula gives the same
digits.

## Two formulas for "at once"

| | requests at once |
|---|---|
| a model instance for each request, as the article assumes | floor(memory / peak) |
| one resident model that all share, as Easel draws | floor((memory - resident) / (peak - resident)) |

At 1024x1024 on 24 GB: floor(24 / 6.2) = 3, and floor((24 - 5.3) / (6.2 - 5.3)) = 20. The second says what
fits, not what is fast: requests that share a card share its arithmetic. So `easel plan --article` adds no
images an hour beyond the last concurrency that was measured. For other sizes take the same row of the
memory table, both of its figures.
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
