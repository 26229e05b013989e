"""A request on its way, folded from the progress of its jobs."""

from __future__ import annotations

from PIL import Image

from bot.imagine.events import Progress
from bot.imagine.live import LiveRequest
from bot.imagine.request import ImageRequest
from engine.request import JobState
from engine.request import Progress as JobProgress

RED, BLUE = (255, 0, 0), (0, 0, 255)


def live(images: int) -> LiveRequest:
    request = ImageRequest("a cat", 64, 96, 8, 1, images=images)
    return LiveRequest(
        request_id="r", member="m", platform="test", request=request, address={}, language="en"
    )


def moved(on: LiveRequest, number: int, step: int, colour: tuple[int, int, int] | None = None) -> Image.Image:
    """A job has moved; what is seen of the request then."""
    preview = Image.new("RGB", (32, 48), colour) if colour else None
    on.job_moved(f"r-{number}", JobProgress(JobState.RUNNING, step, 8, 1.0, preview=preview))
    assert isinstance(on.latest, Progress)
    assert on.latest.preview is not None
    return on.latest.preview


def test_the_preview_of_four_is_the_grid_they_will_be() -> None:
    request = live(4)
    moved(request, 0, 2, RED)
    grid = moved(request, 3, 2, BLUE)
    assert grid.size == (64, 96)
    assert (grid.getpixel((5, 5)), grid.getpixel((60, 90))) == (RED, BLUE)
    assert grid.getpixel((60, 5)) not in (RED, BLUE), "nothing is seen of the second yet"
    assert moved(request, 0, 3) is grid, "without a new preview it stays"


def test_the_preview_of_one_is_its_own() -> None:
    assert moved(live(1), 0, 2, RED).size == (32, 48)
