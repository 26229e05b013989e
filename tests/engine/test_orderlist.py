"""The order list against a dictionary that is sorted for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from engine.orderlist import Key, OrderList

if TYPE_CHECKING:
    import random

keys = st.tuples(st.integers(0, 20).map(float), st.integers(0, 3).map(float), st.integers(0, 10_000))


@given(
    st.dictionaries(keys, st.integers(1, 9), max_size=60),
    st.randoms(use_true_random=False),
    keys,
    st.integers(0, 300),
)
def test_counts_like_a_sorted_dictionary(
    costs: dict[Key, int], rng: random.Random, probe: Key, budget: int
) -> None:
    order_list: OrderList[Key] = OrderList()
    for key, cost in costs.items():
        order_list.add(key, key, cost)
    gone = rng.sample(sorted(costs), len(costs) // 3)
    for key in gone:
        order_list.remove(key)
        del costs[key]

    order = sorted(costs)
    assert len(order_list) == len(order)
    assert order_list.first() == (order[0] if order else None)
    below = [key for key in order if key < probe]
    assert order_list.before(probe) == (len(below), sum(costs[key] for key in below))
    fitting, total = 0, 0
    for key in order:
        if total + costs[key] >= budget:
            break
        fitting, total = fitting + 1, total + costs[key]
    assert order_list.within(budget) == (fitting, total)
