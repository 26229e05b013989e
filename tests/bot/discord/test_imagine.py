"""/imagine in Discord: acknowledged at once, one message edited, a picture with its parameters, charged once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from tests.bot.discord.conftest import words

if TYPE_CHECKING:
    from tests.bot.discord.conftest import World


async def test_a_prompt_becomes_a_picture_in_the_message_that_was_promised(world: World) -> None:
    result = await world.imagine("an orange cat", seed="7")
    assert result.acknowledged
    message = result.response
    assert message is not None
    assert result.followups == []
    (attachment,) = message.attachments
    image = Image.open(io.BytesIO(world.picture(attachment)))
    assert image.info["parameters"].startswith("an orange cat\nSteps: ")
    assert "Seed: 7" in image.info["parameters"]
    said = words(message)
    assert "an orange cat" in said
    assert "Seed: 7" in said
    assert "99 of 100" in said
    assert await world.used() == (1, 0)
