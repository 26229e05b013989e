"""What need not be computed twice: text embeddings, and a member's own pictures. Bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.request import Drawing, Usage

if TYPE_CHECKING:
    from PIL.Image import Image

    from engine.request import DrawRequest

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteLRU(Generic[K, V]):
    """Least recently used first out. A budget of 0 keeps nothing."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.held_bytes = 0
        self.hits = 0
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def get(self, key: K) -> V | None:
        held = self._items.get(key)
        if held is None:
            return None
        self.hits += 1
        self._items.move_to_end(key)
        return held[0]

    def put(self, key: K, value: V, nbytes: int) -> None:
        if nbytes > self.budget_bytes:
            return
        self.forget(key)
        self._items[key] = (value, nbytes)
        self.held_bytes += nbytes
        while self.held_bytes > self.budget_bytes:
            _, (_, dropped) = self._items.popitem(last=False)
            self.held_bytes -= dropped

    def forget(self, key: K) -> None:
        held = self._items.pop(key, None)
        if held is not None:
            self.held_bytes -= held[1]

    def clear(self) -> None:
        self._items.clear()
        self.held_bytes = 0


BYTES_PER_PIXEL = 4
"""Pillow keeps RGB in 32 bits."""


class Pictures:
    """Finished pictures, for a member who asks for the very same once more."""

    def __init__(self, budget_bytes: int) -> None:
        self._kept: ByteLRU[Hashable, tuple[Image | bytes, bool]] = ByteLRU(budget_bytes)

    @property
    def hits(self) -> int:
        return self._kept.hits

    def again(self, request: DrawRequest) -> Drawing | None:
        """The drawing, where it was drawn before."""
        if (held := self._kept.get(picture_key(request))) is None:
            return None
        content, truncated = held
        return Drawing(request, _own(content), Usage(queue_s=request.waited_s, cached=True), truncated)

    def keep(self, drawing: Drawing) -> None:
        content = _own(drawing.content)
        if isinstance(content, bytes):
            nbytes = len(content)
        else:
            nbytes = content.width * content.height * BYTES_PER_PIXEL
        self._kept.put(picture_key(drawing.request), (content, drawing.prompt_truncated), nbytes)

    def clear(self) -> None:
        self._kept.clear()


def _own(content: Image | bytes) -> Image | bytes:
    """An image may be painted over by whoever has it."""
    return content if isinstance(content, bytes) else content.copy()


def picture_key(request: DrawRequest) -> tuple[Hashable, ...]:
    """All that a picture and its file depend on, and whose they are: one member's are never another's."""
    return request.tier, request.flow, request.picture, request.png
