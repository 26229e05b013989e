"""Pictures that are followed: the map is made, kept and repeated, and what is refused gets one sentence."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

from bot.commands import buttons, edits
from bot.commands.button_ids import Action, Press
from bot.commands.details import details_card
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Size, Workflow
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.options import Options, shown
from bot.imagine.request import ImageRequest
from bot.imagine.source import png
from bot.messages import LANGUAGES, UserError, translator
from engine.request import ControlKind, Input, Role
from storage.settings import Scope, Setting
from tests.easel import FieldCanvas, FieldModel, config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from engine.request import DrawRequest

ANNA, BOB = Asker("console", "anna"), Asker("console", "bob")


def ball(colour: str = "orange", size: tuple[int, int] = (200, 150)) -> bytes:
    image = Image.new("RGB", size, "navy")
    ImageDraw.Draw(image).ellipse((50, 25, 150, 125), fill=colour)
    return png(image)


async def asked(service: Service, key: str = "1", brought: Brought | None = None, **said: Any) -> LiveRequest:
    options = Options(**{"prompt": "a cat", "seed": "7", "control": "edges"} | said)
    return await service.imagine(ANNA, options, key=key, address={}, brought=brought or Brought(ball()))


async def finished(service: Service, live: LiveRequest) -> LiveRequest:
    assert isinstance(await live.outcome(), Done)
    await service.delivered(live, live.request_id)
    return live


async def refused(asking: Any) -> str:
    with pytest.raises(UserError) as error:
        await asking
    for language in LANGUAGES:
        assert translator(language)(error.value.message).count("{") == 0
    return error.value.message.id


async def test_the_map_is_of_the_requests_size_and_kept_under_its_digest(service: Service) -> None:
    live = await finished(service, await asked(service))
    request = live.request
    assert (request.workflow, request.control) == (Workflow.CONTROL, ControlKind.EDGES)
    assert (request.control_strength, request.strength, request.init) == (0.75, None, "")
    content = await service.store.pictures.get_input(request.map)
    assert hashlib.sha256(content).hexdigest() == request.map
    kept = Image.open(io.BytesIO(content))
    assert (kept.format, kept.mode, kept.size) == ("PNG", "RGB", (request.width, request.height))
    assert {colour for _, colour in kept.getcolors(3) or ()} == {(0, 0, 0), (255, 255, 255)}
    (row,) = await service.store.ledger.rows()
    assert row.kind == "control"
    assert ImageRequest.from_json(request.to_json()) == request


async def test_the_engine_gets_the_map_its_kind_and_its_strength(tmp_path: Path) -> None:
    begun: list[DrawRequest] = []

    class Watched(FieldModel):
        def begin(self, request: DrawRequest, captions: Any, pictures: Any) -> FieldCanvas:
            begun.append(request)
            return super().begin(request, captions, pictures)

    async with easel(config_in(tmp_path), Watched()) as service:
        live = await finished(service, await asked(service, control_strength="0.4"))
    assert begun[-1].inputs == (Input(Role.CONTROL, live.request.map, 0.4, ControlKind.EDGES),)


async def test_the_file_and_the_details_say_what_was_followed(service: Service) -> None:
    live = await finished(service, await asked(service, control_strength="0.5"))
    single = await buttons.single(service, ANNA, f"{live.request_id}-0")
    told = Image.open(io.BytesIO(single.png)).info["parameters"]
    assert "Control: edges" in told
    assert "Control strength: 0.5" in told
    card = await details_card(service, ANNA, live.request_id, translator("en"))
    assert ("Follows", "Outlines, 0.5") in card.facts


async def test_buttons_that_repeat_a_request_keep_the_map(service: Service) -> None:
    first = await finished(service, await asked(service))
    again = await buttons.again(service, BOB, first.request_id, key="2", address={})
    other = await buttons.vary(service, BOB, first.request_id, "a dog", key="3", address={})
    for live in (again, other):
        assert (live.request.control, live.request.map) == (ControlKind.EDGES, first.request.map)
    assert other.request.prompt == "a dog"
    larger = await buttons.redraw(service, BOB, first.request_id, key="4", address={})
    assert larger.request.size > first.request.size
    assert larger.request.control is ControlKind.EDGES
    kept = Image.open(io.BytesIO(await service.store.pictures.get_input(larger.request.map)))
    assert kept.size == (larger.request.width, larger.request.height)


@pytest.mark.parametrize("action", [Action.SUBTLE, Action.WIDER, Action.LARGER])
async def test_what_is_drawn_from_the_result_follows_nothing(service: Service, action: Action) -> None:
    first = await finished(service, await asked(service))
    live = await edits.draw(service, BOB, Press(action, first.request_id), key="2", address={})
    assert (live.request.control, live.request.map) == (None, "")
    assert live.request.init


async def test_a_result_of_ours_is_followed(service: Service) -> None:
    first = await finished(service, await asked(service))
    typed = Options("a dog", control="depth")
    with pytest.raises(UserError):  # one colour all over, as the stand-in draws
        await edits.change(service, BOB, first.request_id, typed, key="2", address={})
    quota = await service.members.quota(BOB)
    assert (quota.used, quota.reserved) == (0, 0)


@pytest.mark.parametrize(
    ("said", "brought", "id_"),
    [
        ({"control": "pose"}, Brought(ball()), "error-control-kind"),
        ({"control": "edges, depth"}, Brought(ball()), "error-control-two"),
        ({"control": "edgse"}, Brought(ball()), "error-choice-near"),
        ({"control": None, "control_strength": "0.5"}, Brought(ball()), "error-control-missing"),
        ({"control_strength": "1.5"}, Brought(ball()), "error-range"),
        ({"strength": "0.5"}, Brought(ball()), "error-control-alone"),
        ({"area": "left"}, Brought(ball()), "error-control-alone"),
        ({}, Brought(ball(), ball()), "error-control-alone"),
        ({}, Brought(ball("navy")), "error-control-nothing-edges"),
        ({"control": "depth"}, Brought(ball()), "error-control-map-depth"),
        ({"prompt": ""}, Brought(ball()), "error-prompt-empty"),
    ],
)
async def test_a_refusal_is_one_sentence_and_leaves_nothing(
    service: Service, tmp_path: Path, said: dict[str, Any], brought: Brought, id_: str
) -> None:
    assert await refused(asked(service, brought=brought, **said)) == id_
    quota = await service.members.quota(ANNA)
    assert (quota.used, quota.reserved) == (0, 0)
    assert not [file for file in (tmp_path / "data" / "images").rglob("*") if file.is_file()]


async def test_without_a_picture_it_asks_for_one(service: Service) -> None:
    options = Options("a cat", control="edges")
    assert await refused(service.imagine(ANNA, options, key="1", address={})) == "error-picture-needed"


async def test_the_map_alone_is_used_again_and_as_what_it_is(service: Service) -> None:
    first = await finished(service, await asked(service))
    for n, typed in enumerate((Options(control="depth"), Options(strength="0.5"), Options(area="left"))):
        asking = buttons.vary(service, BOB, first.request_id, typed, key=f"k{n}", address={})
        assert await refused(asking) == "error-control-again"


async def test_a_model_that_follows_nothing_says_so(tmp_path: Path) -> None:
    plain = FieldModel()
    model = replace(plain, profile=replace(plain.profile, control=None))
    async with easel(config_in(tmp_path), model) as service:
        assert await refused(asked(service)) == "error-control-none"
        assert {option.name for option in shown(service.named)}.isdisjoint({"control", "control_strength"})


async def test_admins_who_turn_members_pictures_off_turn_off_what_is_followed(service: Service) -> None:
    await service.store.settings.set(Scope.server("discord", "9"), Setting.PICTURES, False, by="admin")
    there = Asker("discord", "1", server_id="9")
    asking = service.imagine(
        there, Options("a cat", control="edges"), key="1", address={}, brought=Brought(ball())
    )
    assert await refused(asking) == "error-picture-server"


async def test_a_forgotten_member_leaves_no_map(service: Service, tmp_path: Path) -> None:
    await finished(service, await asked(service))
    member = await service.members.of(ANNA)
    await service.store.members.forget(member.key)
    assert not [file for file in (tmp_path / "data" / "images").rglob("*") if file.is_file()]


async def test_the_size_is_the_pictures_shape_or_what_is_asked_for(service: Service) -> None:
    live = await asked(service, brought=Brought(ball(size=(200, 100))))
    assert live.request.width > live.request.height
    live = await asked(service, "2", brought=Brought(ball(size=(200, 100))), size="64x64")
    assert live.request.size == Size(64, 64)
    assert live.accepted.notes[0].id == "note-picture-cropped"
