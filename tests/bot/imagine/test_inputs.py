"""A request with a picture: read, checked, brought to size, kept as long as it is needed, and not longer."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from bot.commands import buttons
from bot.config.money import Tier
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Size, Workflow, load_capabilities
from bot.imagine.edit import Given
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.options import Options
from bot.imagine.request import resolve
from bot.imagine.safety import Safety
from bot.imagine.source import png
from bot.messages import UserError
from storage.errors import ImageGone
from storage.settings import Scope, Setting
from tests.easel import FieldModel, config_in, easel, only

if TYPE_CHECKING:
    from pathlib import Path

    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service

ANNA = Asker("console", "anna")
CAT = Options("a cat", seed="7")
SQUARE = Size(128, 128)


def picture(width: int = 200, height: int = 200, colour: str = "orange") -> bytes:
    return png(Image.new("RGB", (width, height), colour))


def mask(width: int = 200, height: int = 200) -> bytes:
    image = Image.new("L", (width, height), 0)
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height), fill=255)
    return png(image)


def disc_on(colour: str) -> bytes:
    """A disc on a colour."""
    image = Image.new("RGB", (200, 200), colour)
    ImageDraw.Draw(image).ellipse((50, 50, 150, 150), fill="white")
    return png(image)


async def asked(
    service: Service, brought: Brought, options: Options = CAT, key: str = "1", asker: Asker = ANNA
) -> LiveRequest:
    return await service.imagine(asker, options, key=key, address={}, brought=brought)


async def delivered(service: Service, live: LiveRequest) -> Done:
    done = await live.outcome()
    assert isinstance(done, Done)
    await service.delivered(live, live.request_id)
    return done


async def kept(service: Service, digest: str) -> Image.Image:
    return Image.open(io.BytesIO(await service.store.pictures.get_input(digest)))


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "data" / "images").rglob("*"))


async def test_a_picture_is_varied_and_counts_as_one_image(service: Service) -> None:
    live = await asked(service, Brought(picture()))
    request = live.request
    assert (request.workflow, request.strength, request.mask) == (Workflow.VARY, 0.6, "")
    init = await kept(service, request.init)
    assert (init.format, init.mode, init.size) == ("PNG", "RGB", (request.width, request.height))
    await delivered(service, live)
    quota = await service.members.quota(ANNA)
    assert (quota.used, quota.reserved) == (1, 0)
    (row,) = await service.store.ledger.rows()
    assert row.kind == "vary"


@pytest.mark.parametrize(
    ("options", "brought", "strength", "size", "white", "black"),
    [
        (Options("a cat"), Brought(picture(), mask()), 1.0, SQUARE, (10, 64), (120, 64)),
        (Options("a cat", area="right"), Brought(picture()), 1.0, SQUARE, (120, 64), (10, 64)),
        (Options("a cat", area="1, 9"), Brought(picture()), 1.0, SQUARE, (5, 5), (64, 64)),
        (Options("a cat", expand="left"), Brought(picture(128, 96)), 0.9, None, (2, 40), (99, 40)),
        (Options("a", expand="all", strength="0.8"), Brought(picture()), 0.8, SQUARE, (2, 2), (64, 64)),
    ],
)  # fmt: skip
async def test_what_is_drawn_anew_is_a_white_part_of_a_mask(
    service: Service,
    options: Options,
    brought: Brought,
    strength: float,
    size: Size | None,
    white: tuple[int, int],
    black: tuple[int, int],
) -> None:
    live = await asked(service, brought, options)
    request = live.request
    assert (request.workflow, request.strength) == (Workflow.INPAINT, strength)
    shown = await kept(service, request.mask)
    assert (shown.mode, shown.size) == ("L", (request.width, request.height))
    assert (shown.getpixel(white), shown.getpixel(black)) == (255, 0)
    if size is None:
        assert request.width / request.height == pytest.approx(128 * 1.25 / 96, rel=0.15)
    else:
        assert request.size == size
    await delivered(service, live)


async def test_a_picture_of_another_shape_keeps_it_or_is_cropped_with_a_note(service: Service) -> None:
    wide = await asked(service, Brought(picture(300, 150)))
    assert wide.request.width == 2 * wide.request.height
    assert wide.accepted.notes == ()
    square = await asked(service, Brought(picture(300, 150)), Options("a cat", size="square"), key="2")
    assert "note-picture-cropped" in {note.id for note in square.accepted.notes}
    roomy = await asked(service, Brought(picture(300, 150)), Options("a cat", expand="left"), key="3")
    scaled = {note.id: note.args for note in roomy.accepted.notes}["note-picture-scaled"]
    assert scaled["was"] == "300x150"


@pytest.mark.parametrize(
    ("brought", "options", "why"),
    [
        (Brought(b"a text, named .png"), CAT, "error-picture-none"),
        (Brought(picture()[:200]), CAT, "error-picture-damaged"),
        (Brought(picture(4000, 100)), CAT, "error-picture-shape"),
        (Brought(picture(), b"no mask"), CAT, "error-picture-none"),
        (Brought(picture(), mask(200, 100)), CAT, "error-mask-shape"),
        (Brought(picture(), mask()), Options("a cat", area="left"), "error-mask-area"),
        (Brought(picture()), Options("a cat", area="left", expand="up"), "error-mask-area"),
        (Brought(picture(), mask()), Options("a cat", expand="up"), "error-mask-area"),
        (Brought(picture()), Options("a cat", area="somewhere"), "error-choice"),
        (Brought(picture()), Options("a cat", strength="0"), "error-range"),
        (Brought(picture()), Options("a cat", strength="1.5"), "error-range"),
        (None, Options("a cat", strength="0.5"), "error-picture-needed"),
        (None, Options("a cat", expand="all"), "error-picture-needed"),
    ],
)  # fmt: skip
async def test_a_refusal_is_one_sentence_and_leaves_nothing(
    service: Service, tmp_path: Path, brought: Brought | None, options: Options, why: str
) -> None:
    with pytest.raises(UserError) as refused:
        await service.imagine(ANNA, options, key="1", address={}, brought=brought)
    assert refused.value.message.id == why
    quota = await service.members.quota(ANNA)
    assert (quota.used, quota.reserved, files(tmp_path)) == (0, 0, 0)


async def test_what_the_store_refuses_leaves_no_file_but_one_that_another_request_needs(
    tmp_path: Path, model: FieldModel
) -> None:
    config = config_in(tmp_path, tiers={"free": {"images_a_month": 1, "billing": "none"}})
    async with easel(config, model) as service:
        with pytest.raises(UserError):
            await asked(service, Brought(picture()), Options("a cat", images="2"))
        assert files(tmp_path) == 0
        model.gate.clear()
        live = await asked(service, Brought(picture()), key="2")
        for key in "34":
            with pytest.raises(UserError) as refused:
                await asked(service, Brought(picture()), key=key)
            assert refused.value.message.id.startswith("error-quota")
        assert files(tmp_path) == 1
        model.gate.set()
        await delivered(service, live)


async def test_a_source_stays_while_a_request_for_it_is_being_accepted(service: Service) -> None:
    live = await asked(service, Brought(picture()))
    await delivered(service, live)
    digest = live.request.init
    content = await service.store.pictures.get_input(digest)
    async with service.inputs.stored({digest: content}):
        with pytest.raises(UserError, match="page-source-needed"):
            await service.inputs.delete(digest, by=live.member, why="")
    assert await service.store.pictures.get_input(digest) == content
    await service.inputs.delete(digest, by=live.member, why="")
    with pytest.raises(ImageGone):
        await service.store.pictures.get_input(digest)


async def test_a_redelivery_is_the_same_request_with_the_same_picture(
    service: Service, tmp_path: Path
) -> None:
    one, two = await asyncio.gather(*(asked(service, Brought(picture())) for _ in range(2)))
    assert one is two
    await delivered(service, one)
    assert files(tmp_path) == 2
    assert (await asked(service, Brought(picture()))).request_id == one.request_id


async def test_again_and_other_words_are_drawn_from_the_same_picture(service: Service) -> None:
    first = await asked(service, Brought(picture()), Options("a cat", area="left", strength="0.7"))
    await delivered(service, first)
    again = await buttons.again(service, ANNA, first.request_id, key="2", address={})
    words = await buttons.vary(service, ANNA, first.request_id, "a dog", key="3", address={})
    for live in (again, words):
        assert live.request.files == first.request.files
        assert (live.request.workflow, live.request.strength) == (Workflow.INPAINT, 0.7)
        await delivered(service, live)
    elsewhere = Options("a dog", area="right")
    moved = await buttons.vary(service, ANNA, first.request_id, elsewhere, key="4", address={})
    assert moved.request.init == first.request.init
    assert moved.request.mask != first.request.mask
    await delivered(service, moved)
    await service.store.pictures.delete_oldest(total_mb=0)
    service.store.core.folder.delete([(f"{first.request.init}.png", 1 << 62)])
    with pytest.raises(UserError) as gone:
        await buttons.again(service, ANNA, first.request_id, key="5", address={})
    assert gone.value.message.id == "error-picture-gone"


async def test_owners_and_server_admins_can_turn_members_pictures_off(tmp_path: Path) -> None:
    config = config_in(tmp_path, tiers={"free": {"input_pictures": False, "billing": "none"}})
    async with easel(config) as service:
        with pytest.raises(UserError) as refused:
            await asked(service, Brought(picture()))
        assert refused.value.message.id == "error-picture-tier"
    config = config_in(tmp_path, tiers={"free": {"max_input_mb": 1, "billing": "none"}})
    here = Asker("discord", "1", server_id="9")
    async with easel(config) as service:
        await service.store.settings.set(Scope.server("discord", "9"), Setting.PICTURES, False, by="admin")
        with pytest.raises(UserError) as refused:
            await asked(service, Brought(picture()), asker=here)
        assert refused.value.message.id == "error-picture-server"
        own = await asked(service, Brought(picture(), own=True), asker=here)
        await delivered(service, own)
        again = await buttons.again(service, here, own.request_id, key="again", address={})
        await delivered(service, again)
        with pytest.raises(UserError) as refused:
            await asked(service, Brought(b"\x89PNG\r\n\x1a\n" + bytes(1 << 20)), key="2")
        assert refused.value.message.id == "error-picture-bytes"


@pytest.mark.parametrize(
    ("action", "adult", "ok"), [("refuse", True, False), ("spoiler", False, False), ("spoiler", True, True)]
)
async def test_the_classifier_sees_the_picture_first_also_one_of_which_a_map_is_kept(
    tmp_path: Path, model: FieldModel, action: str, *, adult: bool, ok: bool
) -> None:  # fmt: skip
    class Warns:
        def unsafe(self, image: Image.Image) -> float:
            return float(image.convert("RGB").getpixel((0, 0)) == (255, 0, 0))

    config = config_in(tmp_path, moderation={"classifier_action": action})
    safety = Safety(config.moderation, Warns())
    async with easel(config, model, safety=safety) as service:
        asker = Asker("console", "anna", adult=adult)
        brought = Brought(disc_on("red"))
        for options in (CAT, replace(CAT, control="edges")):
            if ok:
                await delivered(service, await asked(service, brought, options, str(options), asker))
                continue
            with pytest.raises(UserError) as refused:
                await asked(service, brought, options, str(options), asker)
            assert (refused.value.message.id, files(tmp_path), model.drawn) == ("moderation-picture", 0, [])


async def test_an_accepted_picture_is_there_for_the_next_process(tmp_path: Path, model: FieldModel) -> None:
    model.gate.clear()
    async with easel(config_in(tmp_path), model) as service:
        live = await asked(service, Brought(picture(), mask()))
    async with easel(config_in(tmp_path)) as service:
        resumed = service.requests.get(live.request_id)
        assert resumed is not None
        assert resumed.request == live.request
        await kept(service, live.request.mask)
        await delivered(service, resumed)


async def test_a_model_that_takes_no_pictures_says_so() -> None:
    blind = replace(load_capabilities("embedded"), strength={})
    for options, workflow in ((CAT, "vary"), (Options("a cat", area="left"), "inpaint")):
        with pytest.raises(UserError) as refused:
            resolve(options, models=only(blind), tier=Tier(), styles={}, picture=Given(SQUARE))
        assert refused.value.message.id == f"error-workflow-{workflow}"


async def test_forty_members_vary_and_inpaint_at_once_and_each_is_charged_exactly(
    service: Service, model: FieldModel, tmp_path: Path
) -> None:
    model.gate.clear()
    askers = [Asker("console", f"member {n}") for n in range(40)]
    photos = [picture(96, 96, colour) for colour in ("red", "green", "blue")]

    async def two(n: int) -> list[LiveRequest]:
        photo, asker = photos[n % 3], askers[n]
        area = Options("a cat", seed=str(n), area=str(n % 9 + 1))
        return await asyncio.gather(
            asked(service, Brought(photo), Options("a cat", seed=str(n)), f"{n} vary", asker),
            asked(service, Brought(photo), area, f"{n} inpaint", asker),
        )

    lives = [live for pair in await asyncio.gather(*(two(n) for n in range(40))) for live in pair]
    quotas = [await service.members.quota(asker) for asker in askers]
    assert {(quota.used, quota.reserved) for quota in quotas} == {(0, 2)}
    assert files(tmp_path) == 3 + 9
    model.gate.set()
    await asyncio.gather(*(delivered(service, live) for live in lives))
    quotas = [await service.members.quota(asker) for asker in askers]
    assert {(quota.used, quota.reserved) for quota in quotas} == {(2, 0)}
    kinds = [row.kind for row in await service.store.ledger.rows(limit=100)]
    assert (kinds.count("vary"), kinds.count("inpaint")) == (40, 40)
    assert await service.store.check() == []
