"""Buttons that draw from a picture that was drawn here."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.commands import buttons, edits
from bot.commands.button_ids import Action, Press, pressed
from bot.commands.details import details_card
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Size, Workflow
from bot.imagine.events import Done
from bot.imagine.options import Options
from bot.messages import UserError, translator

if TYPE_CHECKING:
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service

ANNA, BOB = Asker("console", "anna"), Asker("console", "bob")


async def delivered(service: Service, key: str = "first", **options: object) -> LiveRequest:
    wanted = Options(**{"prompt": "a cat", "seed": "7", **options})  # type: ignore[arg-type]
    return await finished(service, await service.imagine(ANNA, wanted, key=key, address={}))


async def finished(service: Service, live: LiveRequest) -> LiveRequest:
    assert isinstance(await live.outcome(), Done)
    await service.delivered(live, live.request_id)
    return live


async def pressing(service: Service, action: Action, target: str, key: str = "2") -> LiveRequest:
    return await edits.draw(service, BOB, Press(action, target), key=key, address={})


@pytest.mark.parametrize(("action", "strength"), edits.STRENGTHS.items())
async def test_a_result_is_varied_from_its_picture(service: Service, action: Action, strength: float) -> None:
    live = await delivered(service, images="2", size="96x160")
    varied = (await pressing(service, action, f"{live.request_id}-1")).request
    assert (varied.workflow, varied.strength, varied.images) == (Workflow.VARY, strength, 1)
    assert (varied.prompt, varied.size) == ("a cat", Size(96, 160))
    assert varied.seed != 8
    init = Image.open(io.BytesIO(await service.store.pictures.get_input(varied.init)))
    assert init.size == (96, 160)


async def test_details_and_the_file_tell_the_steps_that_were_run(service: Service) -> None:
    live = await delivered(service, steps="8")
    varied = await finished(service, await pressing(service, Action.SUBTLE, live.request_id))
    card = await details_card(service, BOB, varied.request_id, translator("en"))
    assert ("Steps", "2 of 8") in card.facts
    picked = await buttons.single(service, BOB, f"{varied.request_id}-0")
    assert "Steps run: 2" in Image.open(io.BytesIO(picked.png)).info["parameters"]


async def test_larger_keeps_the_picture_at_twice_its_size(service: Service) -> None:
    live = await delivered(service, size="256x192")
    larger = await finished(service, await pressing(service, Action.LARGER, live.request_id))
    assert (larger.request.workflow, larger.request.size) == (Workflow.ENLARGE, Size(512, 384))
    init = Image.open(io.BytesIO(await service.store.pictures.get_input(larger.request.init)))
    assert init.size == (256, 192), "the engine enlarges it"
    again = await buttons.again(service, BOB, larger.request_id, key="3", address={})
    assert (again.request.files, again.request.size) == (larger.request.files, larger.request.size)
    await finished(service, again)
    with pytest.raises(UserError) as refused:
        await pressing(service, Action.LARGER, larger.request_id, "4")
    assert refused.value.message.id == "action-largest"
    quota = await service.members.quota(BOB)
    assert (quota.used, quota.reserved) == (2, 0)


async def test_zooming_out_draws_around_the_picture(service: Service) -> None:
    live = await delivered(service)
    wider = (await pressing(service, Action.WIDER, live.request_id)).request
    assert (wider.workflow, wider.expand, wider.size) == (Workflow.INPAINT, "all", live.request.size)


async def test_a_part_is_chosen_by_its_number(service: Service) -> None:
    live = await delivered(service)
    card = await edits.areas(service, ANNA, live.request_id, translator("en"))
    assert card.picture is not None
    assert [button.label for button in card.buttons] == [str(n) for n in range(1, 10)]
    press = pressed(card.buttons[4].id)
    assert press == Press(Action.AREA, f"{live.request_id}-0", "5")
    drawn = await edits.in_area(service, ANNA, press, Options("a dog"), key="2", address={})
    assert (drawn.request.prompt, drawn.request.area) == ("a dog", "5")
    await finished(service, drawn)
    varied = (await pressing(service, Action.SUBTLE, drawn.request_id, "3")).request
    assert (varied.workflow, varied.area) == (Workflow.VARY, None)


async def test_a_private_or_deleted_picture_is_nobodys_source(service: Service) -> None:
    secret = await delivered(service, private=True)
    with pytest.raises(UserError) as refused:
        await pressing(service, Action.SUBTLE, secret.request_id)
    assert refused.value.message.id == "error-not-owner"
    live = await delivered(service, "second")
    varied = await finished(service, await pressing(service, Action.SUBTLE, live.request_id))
    await buttons.delete(service, BOB, varied.request_id)
    with pytest.raises(UserError) as refused:
        await buttons.again(service, BOB, varied.request_id, key="3", address={})
    assert refused.value.message.id == "error-picture-gone"
