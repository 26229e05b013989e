"""An ordered set that also counts: rank and prefix cost of any key in O(log n).

A treap (binary search tree by key, heap by random priority) whose nodes know the size and the cost of their
subtree. The fair queue asks it who is next, how many are ahead, and how many seconds those take.
"""

from __future__ import annotations

import random
from typing import Generic, TypeVar

Key = tuple[float, float, int]
T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("cost", "count", "item", "key", "left", "own", "priority", "right")

    def __init__(self, key: Key, item: T, cost: float, priority: float) -> None:
        self.key = key
        self.item = item
        self.own = cost
        self.priority = priority
        self.left: _Node[T] | None = None
        self.right: _Node[T] | None = None
        self.count = 1
        self.cost = cost

    def refresh(self) -> None:
        count, cost = 1, self.own
        if self.left is not None:
            count += self.left.count
            cost += self.left.cost
        if self.right is not None:
            count += self.right.count
            cost += self.right.cost
        self.count = count
        self.cost = cost


class OrderTree(Generic[T]):
    """Items by key. Keys are unique; `cost` is in seconds."""

    def __init__(self) -> None:
        self._root: _Node[T] | None = None
        self._random = random.Random(0)

    def __len__(self) -> int:
        return self._root.count if self._root is not None else 0

    @property
    def cost(self) -> float:
        """Sum of all costs."""
        return self._root.cost if self._root is not None else 0.0

    def add(self, key: Key, item: T, cost: float) -> None:
        node = _Node(key, item, cost, self._random.random())
        below, above = _split(self._root, key)
        self._root = _merge(_merge(below, node), above)

    def remove(self, key: Key) -> T:
        """Take the item out. Raises KeyError where the key is not held."""
        path: list[_Node[T]] = []
        node = self._root
        while node is not None and node.key != key:
            path.append(node)
            node = node.left if key < node.key else node.right
        if node is None:
            raise KeyError(key)
        rest = _merge(node.left, node.right)
        if not path:
            self._root = rest
        elif path[-1].left is node:
            path[-1].left = rest
        else:
            path[-1].right = rest
        for parent in reversed(path):
            parent.refresh()
        return node.item

    def first(self) -> T | None:
        node = self._root
        if node is None:
            return None
        while node.left is not None:
            node = node.left
        return node.item

    def before(self, key: Key) -> tuple[int, float]:
        """Count and cost of the items with a smaller key."""
        count, cost = 0, 0.0
        node = self._root
        while node is not None:
            if node.key < key:
                count += 1
                cost += node.own
                if node.left is not None:
                    count += node.left.count
                    cost += node.left.cost
                node = node.right
            else:
                node = node.left
        return count, cost

    def within(self, budget: float) -> tuple[int, float]:
        """Count and cost of the first items that together cost less than `budget`."""
        count, cost = 0, 0.0
        node = self._root
        while node is not None:
            upto = cost + node.own + (node.left.cost if node.left is not None else 0.0)
            if upto < budget:
                count += 1 + (node.left.count if node.left is not None else 0)
                cost = upto
                node = node.right
            else:
                node = node.left
        return count, cost


def _split(node: _Node[T] | None, key: Key) -> tuple[_Node[T] | None, _Node[T] | None]:
    if node is None:
        return None, None
    if node.key < key:
        node.right, above = _split(node.right, key)
        node.refresh()
        return node, above
    below, node.left = _split(node.left, key)
    node.refresh()
    return below, node


def _merge(below: _Node[T] | None, above: _Node[T] | None) -> _Node[T] | None:
    if below is None:
        return above
    if above is None:
        return below
    if below.priority > above.priority:
        below.right = _merge(below.right, above)
        below.refresh()
        return below
    above.left = _merge(below, above.left)
    above.refresh()
    return above
