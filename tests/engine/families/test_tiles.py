"""Tiles cover a picture, and what is blended from them is what they were cut from."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.families.tiles import OVERLAP, Grid, Tiles

pytestmark = pytest.mark.model

sides = st.integers(1, 40).map(lambda n: 16 * n)


@given(sides, sides, st.integers(2, 10).map(lambda n: 16 * n))
def test_they_cover_every_pixel_and_overlap_by_a_quarter(width: int, height: int, side: int) -> None:
    grid = Grid.over(width, height, side, multiple=16)
    for starts, tile, whole in ((grid.lefts, grid.width, width), (grid.tops, grid.height, height)):
        assert starts[0] == 0
        assert starts[-1] + tile == whole
        assert tile <= side
        assert all(start % 16 == 0 for start in starts)
        gaps = [after - before for before, after in itertools.pairwise(starts)]
        assert all(0 < gap <= tile - tile // OVERLAP for gap in gaps)


@pytest.mark.parametrize(("width", "height", "count"), [(16, 16, 1), (40, 16, 3), (40, 28, 6)])
def test_blended_tiles_of_a_picture_are_the_picture(width: int, height: int, count: int) -> None:
    picture = torch.rand(3, height, width)
    tiles = Tiles.over(Grid.over(width, height, 16, multiple=4), picture)
    assert len(tiles.boxes) == count
    parts = [tiles.of(picture, n) for n in range(count)]
    assert torch.allclose(tiles.blended(parts), picture, atol=1e-5)
