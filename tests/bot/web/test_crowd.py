"""Sixty-four clients at once: each gets its pictures, each picture is charged once."""

from __future__ import annotations

import pytest

from benchmarks import crowd


@pytest.mark.e2e
async def test_sixty_four_clients_at_once() -> None:
    seen, charged = await crowd.main(64, 3)
    assert seen.failures == {}
    assert len(seen.took_s) >= 64
    assert charged == seen.pictures
