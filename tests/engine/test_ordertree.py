"""The order tree against a sorted list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from engine.ordertree import Key, OrderTree

if TYPE_CHECKING:
    import random

keys = st.tuples(st.integers(0, 20).map(float), st.integers(0, 3).map(float), st.integers(0, 10_000))


@given(
    st.dictionaries(keys, st.integers(1, 9), max_size=60),
    st.randoms(use_true_random=False),
    keys,
    st.integers(0, 300),
)
def test_counts_like_a_sorted_list(
    costs: dict[Key, int], rng: random.Random, probe: Key, budget: int
) -> None:
    tree: OrderTree[Key] = OrderTree()
    for key, cost in costs.items():
        tree.add(key, key, cost)
    gone = rng.sample(sorted(costs), len(costs) // 3)
    for key in gone:
        assert tree.remove(key) == key
        del costs[key]

    order = sorted(costs)
    assert len(tree) == len(order)
    assert tree.cost == sum(costs.values())
    assert tree.first() == (order[0] if order else None)
    below = [key for key in order if key < probe]
    assert tree.before(probe) == (len(below), sum(costs[key] for key in below))
    fitting, total = 0, 0
    for key in order:
        if total + costs[key] >= budget:
            break
        fitting, total = fitting + 1, total + costs[key]
    assert tree.within(budget) == (fitting, total)


def test_stays_shallow_when_keys_arrive_in_order() -> None:
    tree: OrderTree[int] = OrderTree()
    for n in range(20_000):
        tree.add((float(n), 0.0, n), n, 1.0)
    compared = 0

    class Counted(float):
        __hash__ = float.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return super().__eq__(other)

    for n in range(0, 20_000, 1000):
        compared = 0
        tree.before((Counted(n), 0.0, n))
        assert 0 < compared < 60, "log2(20,000) is 14; a chain would be up to 20,000"
