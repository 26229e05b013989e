"""Overlapping tiles over what is too large to be worked on as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

OVERLAP = 4
"""Neighbours share at least this part of their side, one in so many."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Tiles of one size that cover a picture, evenly spread, row by row. In any unit; pure."""

    width: int
    height: int
    """Of a tile."""
    lefts: tuple[int, ...]
    tops: tuple[int, ...]

    @classmethod
    def over(cls, width: int, height: int, side: int, *, multiple: int = 1) -> Grid:
        """Over a picture of this size: tiles of this side at most, everything in multiples."""
        tile_width, tile_height = min(side, width), min(side, height)
        return cls(
            tile_width,
            tile_height,
            _starts(width, tile_width, multiple),
            _starts(height, tile_height, multiple),
        )

    def __len__(self) -> int:
        return len(self.lefts) * len(self.tops)

    def __iter__(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of each."""
        for top in self.tops:
            for left in self.lefts:
                yield slice(top, top + self.height), slice(left, left + self.width)

    def scaled(self, divisor: int) -> Grid:
        """The same in units so many times larger."""
        return Grid(
            self.width // divisor,
            self.height // divisor,
            tuple(left // divisor for left in self.lefts),
            tuple(top // divisor for top in self.tops),
        )

    def weight(self, length: int) -> list[float]:
        """How much a tile counts along a side of this length: rising from its edges over the overlap."""
        ramp = max(1, length // OVERLAP)
        return [min(i + 0.5, length - i - 0.5, ramp) / ramp for i in range(length)]


def _starts(length: int, tile: int, multiple: int) -> tuple[int, ...]:
    if tile >= length:
        return (0,)
    stride = max(1, (tile - tile // OVERLAP) // multiple) * multiple
    last = length - tile
    count = 1 + -(-last // stride)
    return tuple(round(n * last / (count - 1) / multiple) * multiple for n in range(count))


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """What is worked out tile by tile, such as velocities, and what it comes to where they overlap."""

    boxes: tuple[tuple[slice, slice], ...]
    weight: torch.Tensor
    """Of a tile (height, width): how much it counts where others overlap it."""
    whole: torch.Tensor
    """What the weights add up to (height, width)."""
    total: torch.Tensor
    """Of this round's tiles so far, weighted (channels, height, width)."""

    @classmethod
    def over(cls, grid: Grid, latents: torch.Tensor) -> Tiles:
        rows, columns = (latents.new_tensor(grid.weight(side)) for side in (grid.height, grid.width))
        weight, whole = rows[:, None] * columns, latents.new_zeros(latents.shape[-2:])
        for box in grid:
            whole[box] += weight
        return cls(tuple(grid), weight, whole, latents.new_zeros(latents.shape))

    def of(self, latents: torch.Tensor, step: int) -> torch.Tensor:
        """The tile that this step is for."""
        return latents[:, *self.boxes[step % len(self.boxes)]]

    def taken_in(self, part: torch.Tensor, step: int) -> tuple[Tiles, torch.Tensor | None]:
        """With this tile's; after the last of a round, the whole picture's as well, and an empty total."""
        total = self.total.clone()
        self.of(total, step).add_(self.weight * part)
        if (step + 1) % len(self.boxes):
            return replace(self, total=total), None
        return replace(self, total=total.new_zeros(total.shape)), total / self.whole

    def blended(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """The whole picture's, from those of all tiles."""
        tiles, whole = self, None
        for n, part in enumerate(parts):
            tiles, whole = tiles.taken_in(part, n)
        assert whole is not None
        return whole
