"""One request's way through service, queue, engine and store: drawn once, charged once, lost never."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.commands.details import details_card
from bot.imagine.asker import Asker
from bot.imagine.drawing import JobRunner, OpenRequest
from bot.imagine.events import Accepted, Done, Failed, Progress, Waiting
from bot.imagine.options import Options
from bot.imagine.pricing import money
from bot.imagine.safety import Safety, Verdict
from bot.messages import Reason, UserError, say, translator
from engine.request import Undrawable
from storage.records.requests import CancelledBy
from tests.easel import FieldCanvas, FieldModel, TakesPictures, config_in, easel

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from engine.families.plan import Plan
    from engine.request import Picture

ANNA = Asker("console", "anna")
ANNA_IN_CHINESE = Asker("console", "anna", locale="zh-CN")
CAT = Options("a cat", seed="7")


async def used(service: Service, asker: Asker = ANNA) -> tuple[int, int]:
    quota = await service.members.quota(asker)
    return quota.used, quota.reserved


async def test_a_request_is_reserved_drawn_delivered_and_charged_in_that_order(service: Service) -> None:
    live = await service.imagine(ANNA, CAT, key="1", address={})
    assert await used(service) == (0, 1)
    events = [event async for event in live.events()]
    assert isinstance(events[0], Accepted)
    assert isinstance(events[-1], Done)
    assert all(isinstance(event, Waiting | Progress) for event in events[1:-1])
    assert await used(service) == (0, 1)
    await service.delivered(live, "message 1")
    assert await used(service) == (1, 0)


async def test_the_picture_carries_its_parameters_and_free_a_watermark(service: Service) -> None:
    live = await service.imagine(ANNA, CAT, key="1", address={})
    done = await live.outcome()
    assert isinstance(done, Done)
    read = await service.read(done)
    assert isinstance(read, Done)
    image = Image.open(io.BytesIO(read.pictures[0].png))
    assert image.info["parameters"].startswith("a cat\nSteps: 8, ")
    assert "Seed: 7" in image.info["parameters"]
    assert len(set(image.convert("RGB").get_flattened_data())) > 1


async def test_n_images_are_n_seeds_under_one_reservation(service: Service) -> None:
    live = await service.imagine(ANNA, Options("a cat", seed="7", images="3"), key="1", address={})
    assert await used(service) == (0, 3)
    done = await live.outcome()
    assert isinstance(done, Done)
    assert [picture.seed for picture in done.pictures] == [7, 8, 9]
    await service.delivered(live, "m")
    assert await used(service) == (3, 0)


class FailsAtEight(FieldModel):
    """A model with which one seed never ends in a picture."""

    def decode(self, canvas: FieldCanvas, *, tile_px: int | None) -> Image.Image:
        if canvas.request.seed == 8:
            raise RuntimeError("boom")
        return super().decode(canvas, tile_px=tile_px)


async def test_of_three_images_one_that_fails_is_not_charged(config: Config) -> None:
    async with easel(config, FailsAtEight()) as service:
        live = await service.imagine(ANNA, Options("a cat", seed="7", images="3"), key="1", address={})
        done = await live.outcome()
        assert isinstance(done, Done)
        assert [picture.seed for picture in done.pictures] == [7, 9]
        assert done.missing == 1
        await service.delivered(live, "m")
        assert await used(service) == (2, 0)


async def test_the_same_picture_again_takes_no_gpu_and_counts_as_one_image(
    service: Service, model: FieldModel
) -> None:
    for key in "12":
        live = await service.imagine(ANNA, CAT, key=key, address={})
        done = await live.outcome()
        assert isinstance(done, Done)
        (picture,) = done.pictures
        assert picture.cached == (key == "2")
        await service.delivered(live, key)
    assert (picture.gpu_us, picture.cost_micro) == (0, 0)
    assert len(model.drawn) == 1
    assert await used(service) == (2, 0)


async def test_a_redelivered_request_is_drawn_and_charged_once(service: Service, model: FieldModel) -> None:
    first = await service.imagine(ANNA, CAT, key="same", address={})
    again = await service.imagine(ANNA, CAT, key="same", address={})
    assert again is first
    await first.outcome()
    await service.delivered(first, "m")
    later = await service.imagine(ANNA, CAT, key="same", address={})
    await service.delivered(later, "m")
    assert len(model.drawn) == 1
    assert await used(service) == (1, 0)


async def test_a_refusal_changes_nothing(service: Service) -> None:
    with pytest.raises(UserError):
        await service.imagine(ANNA, Options("a cat", size="huge"), key="1", address={})
    assert await used(service) == (0, 0)


async def test_the_backlog_cap_refuses_in_words_and_takes_the_reservation_back(
    service: Service, model: FieldModel
) -> None:
    model.gate.clear()
    four = Options("a cat", images="4")
    await service.imagine(ANNA, four, key="1", address={})
    with pytest.raises(UserError) as refused:
        await service.imagine(ANNA, four, key="2", address={})
    assert refused.value.message.id == "error-queue-yours"
    assert await used(service) == (0, 4)


async def test_a_cancel_while_waiting_is_free(service: Service, model: FieldModel) -> None:
    model.gate.clear()
    await service.imagine(ANNA, Options("a cat", images="4"), key="1", address={})
    live = await service.imagine(ANNA, CAT, key="2", address={})
    anna = await service.members.of(ANNA)
    assert service.requests.cancel(live.request_id, anna, by=CancelledBy.MEMBER)
    outcome = await live.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.message.id == "cancelled-refunded"
    assert await used(service) == (0, 4)


async def test_nobody_cancels_anothers(service: Service, model: FieldModel) -> None:
    model.gate.clear()
    live = await service.imagine(ANNA, CAT, key="1", address={})
    bob = await service.members.of(Asker("console", "bob"))
    assert not service.requests.cancel(live.request_id, bob, by=CancelledBy.MEMBER)
    model.gate.set()
    assert isinstance(await live.outcome(), Done)


async def test_cancels_after_the_first_step_are_refunded_a_few_times_a_day(
    tmp_path: Path, model: FieldModel
) -> None:
    config = config_in(tmp_path, limits={"refunded_cancels_a_day": 1})
    async with easel(config, model) as service:
        messages = []
        for key in "12":
            model.gate.clear()
            live = await service.imagine(ANNA, Options("a cat", steps="20"), key=key, address={})
            model.gate.allow(1)
            anna = await service.members.of(ANNA)
            async for event in live.events():
                if isinstance(event, Progress) and event.step:
                    service.requests.cancel(live.request_id, anna, by=CancelledBy.MEMBER)
                    model.gate.set()
            assert isinstance(event, Failed)
            messages.append(event.message.id)
        assert messages == ["cancelled-refunded", "cancelled-charged"]
        assert await used(service) == (1, 0)
    async with easel(config) as service:  # nor does a restart forget which of them counted
        for key, message in zip("12", messages, strict=True):
            again = await service.imagine(ANNA, Options("a cat", steps="20"), key=key, address={})
            outcome = await again.outcome()
            assert isinstance(outcome, Failed)
            assert outcome.message.id == message


async def test_of_several_cancelled_those_that_count_are_told(tmp_path: Path, model: FieldModel) -> None:
    config = config_in(tmp_path, limits={"refunded_cancels_a_day": 1})
    async with easel(config, model) as service:
        model.gate.clear()
        live = await service.imagine(ANNA, Options("a cat", steps="20", images="3"), key="1", address={})
        model.gate.allow(2)
        async for event in live.events():
            if isinstance(event, Progress) and event.step >= 3:
                service.requests.cancel(live.request_id, None, by=CancelledBy.MEMBER)
                model.gate.set()
        assert isinstance(event, Failed)
        assert event.message == say("cancelled-charged", images=2)
        assert await used(service) == (2, 0)


async def test_what_was_cancelled_is_not_told_to_have_failed(service: Service) -> None:
    live = await service.imagine(ANNA, CAT, key="1", address={})
    done = await live.outcome()
    assert isinstance(done, Done)
    cancelled = Failed(say("cancelled-refunded").because(Reason.CANCELLED))
    open_request = OpenRequest(live, pictures={"1": done.pictures[0]}, failures=[cancelled, cancelled])
    safety = Safety(service.config.moderation)
    await JobRunner(service.config, service.models, service.store, safety, service.loras).conclude(
        open_request
    )
    assert isinstance(live.latest, Done)
    assert (live.latest.missing, live.latest.notes) == (0, (say("cancelled-some", images=2),))


async def test_what_others_cancel_is_never_charged(tmp_path: Path, model: FieldModel) -> None:
    config = config_in(tmp_path, limits={"refunded_cancels_a_day": 0})
    async with easel(config, model) as service:
        model.gate.clear()
        live = await service.imagine(ANNA, Options("a cat", steps="20"), key="1", address={})
        model.gate.allow(2)
        async for event in live.events():
            if isinstance(event, Progress) and event.step >= 1:
                service.requests.cancel(live.request_id, None, by=CancelledBy.MODERATOR)
                model.gate.set()
        assert isinstance(event, Failed)
        assert event.message.id == "cancelled-refunded"
        assert await used(service) == (0, 0)


async def test_a_refusal_of_the_queue_is_no_cancellation(tmp_path: Path, model: FieldModel) -> None:
    """And the same event may come again, once there is room."""
    config = config_in(tmp_path, engine={"max_waiting": 1})
    async with easel(config, model) as service:
        model.gate.clear()
        lives, refused = [], []
        for key in map(str, range(10)):
            try:
                lives.append(await service.imagine(ANNA, CAT, key=key, address={}))
            except UserError:
                refused.append(key)
        assert refused
        model.gate.set()
        for live in lives:
            await live.outcome()
            await service.delivered(live, "m")
        again = await service.imagine(ANNA, CAT, key=refused[0], address={})
        await again.outcome()
        await service.delivered(again, "m")
        [tally] = (await service.store.stats.totals()).values()
        assert (tally.images, tally.cancelled, tally.refunded) == (len(lives) + 1, 0, 0)
        assert await service.store.check() == []


async def test_a_failed_drawing_is_told_and_not_charged(service: Service, model: FieldModel) -> None:
    model.fail = [RuntimeError("boom")]
    live = await service.imagine(ANNA, CAT, key="1", address={})
    outcome = await live.outcome()
    assert isinstance(outcome, Failed)
    assert await used(service) == (0, 0)


async def test_what_was_accepted_is_drawn_after_a_restart(config: Config, model: FieldModel) -> None:
    model.gate.clear()
    async with easel(config, model) as service:
        live = await service.imagine(ANNA, CAT, key="1", address={"channel": 5})
        told = await live_after_stop(service, live, model)
        assert told.message.id == "error-draining-kept"
    async with easel(config, FieldModel()) as service:
        (live,) = await service.requests.undelivered("console")
        assert live.address == {"channel": 5}
        assert isinstance(await live.outcome(), Done)
        await service.delivered(live, "m")
        assert await used(service) == (1, 0)
    async with easel(config, FieldModel()) as service:
        assert await service.requests.undelivered("console") == []


async def test_what_a_tier_accepted_is_drawn_after_bot_toml_names_that_tier_no_more(
    config: Config, model: FieldModel
) -> None:
    model.gate.clear()
    former = config.model_copy(
        update={
            "tiers": {**config.tiers, "former": config.tiers[config.default_tier]},
            "default_tier": "former",
        }
    )
    async with easel(former, model) as service:
        live = await service.imagine(ANNA, CAT, key="1", address={})
        await live_after_stop(service, live, model)
    async with easel(config, FieldModel()) as service:
        (live,) = await service.requests.undelivered("console")
        assert isinstance(await live.outcome(), Done)


async def live_after_stop(service: Service, live: LiveRequest, model: FieldModel) -> Failed:
    """What is told of a request while the engine stops; the step that it is in ends after that."""
    stopping = asyncio.create_task(service.models.default.backend.stop(0.0))
    outcome = await live.outcome()
    model.gate.set()
    await stopping
    assert isinstance(outcome, Failed)
    return outcome


async def test_what_was_drawn_while_the_bot_stops_is_stored_first(config: Config, model: FieldModel) -> None:
    looked_at, seen = asyncio.Event(), asyncio.Event()

    class Slow(Safety):
        """A look at each picture that takes its time."""

        async def verdict(self, image: Image.Image) -> Verdict:
            looked_at.set()
            await seen.wait()
            return Verdict.SHOW

    async with easel(config, model, safety=Slow(config.moderation)) as service:
        await service.imagine(ANNA, CAT, key="1", address={})
        await looked_at.wait()
        await service.models.default.backend.stop(0.0)
        stopping = asyncio.create_task(service.stop())
        await asyncio.sleep(0)
        seen.set()
        await stopping
    second = FieldModel()
    async with easel(config, second) as service:
        (live,) = await service.requests.undelivered("console")
        assert isinstance(await live.outcome(), Done)
        assert second.drawn == [], "not drawn a second time"


async def test_what_was_drawn_and_not_delivered_is_delivered_after_a_restart(config: Config) -> None:
    async with easel(config) as service:
        live = await service.imagine(ANNA, CAT, key="1", address={})
        before = await live.outcome()
    model = FieldModel()
    async with easel(config, model) as service:
        (live,) = await service.requests.undelivered("console")
        after = await live.outcome()
        assert isinstance(before, Done)
        assert isinstance(after, Done)
        assert after.pictures == before.pictures
        assert model.drawn == []
        await service.delivered(live, "m")
        assert await used(service) == (1, 0)


async def test_what_a_picture_cost_stays_what_was_booked_when_it_was_drawn(tmp_path: Path) -> None:
    def rented_at(price: str) -> Config:
        rent = [{"valid_from": "2025-01-01", "gpu_an_hour": price}]
        return config_in(tmp_path, rent=rent, tiers={"free": {"show_cost": True}})

    t = translator("en")
    async with easel(rented_at("1000")) as service:
        for key in "12":  # the second stays undelivered
            live = await service.imagine(ANNA, Options("a cat", seed=key), key=key, address={})
            before = await live.outcome()
            if key == "1":
                await service.delivered(live, "m")
                told = dict((await details_card(service, ANNA, live.request_id, t)).facts)["Cost"]
                booked = (await service.store.requests.get(live.request_id)).jobs[0].cost_micro
                first = live.request_id
    assert isinstance(before, Done)
    async with easel(rented_at("9000")) as service:
        details = await details_card(service, ANNA, first, t)
        assert dict(details.facts)["Cost"] == told == money(booked, "CNY", "en")
        (live,) = await service.requests.undelivered("console")
        after = await live.outcome()
        assert isinstance(after, Done)
        assert after.pictures[0].cost_micro == before.pictures[0].cost_micro > 0


async def test_a_restart_goes_on_in_the_members_language(config: Config, model: FieldModel) -> None:
    model.gate.clear()
    async with easel(config, model) as service:
        drawn_later = await service.imagine(ANNA_IN_CHINESE, CAT, key="1", address={})
        await live_after_stop(service, drawn_later, model)
    async with easel(config) as service:
        (live,) = await service.requests.undelivered("console")
        assert live.language == "zh-CN"
        await live.outcome()
    async with easel(config) as service:
        (live,) = await service.requests.undelivered("console")
        assert live.language == "zh-CN", "of what is drawn and not delivered too"


async def test_pictures_that_wait_for_their_delivery_are_not_in_memory(config: Config) -> None:
    async with easel(config) as service:
        await (await service.imagine(ANNA, CAT, key="1", address={})).outcome()
    async with easel(config) as service:
        (live,) = await service.requests.undelivered("console")
        done = await live.outcome()
        assert isinstance(done, Done)
        assert done.pictures[0].png == b""
        read = await service.read(done)
        assert isinstance(read, Done)
        assert read.pictures[0].png.startswith(b"\x89PNG")


async def test_a_picture_whose_file_is_lost_is_missing_and_not_charged(config: Config) -> None:
    async with easel(config) as service:
        live = await service.imagine(ANNA, Options("a cat", images="2"), key="1", address={})
        done = await live.outcome()
        assert isinstance(done, Done)
        await service.store.pictures.discard(done.pictures[0].image)
        for file in (config.storage.folder / "images").rglob(done.pictures[0].image):
            file.unlink()
        read = await service.read(done)
        assert isinstance(read, Done)
        assert (len(read.pictures), read.missing) == (1, 1)
        await service.delivered(live, "m")
        assert await used(service) == (1, 0)


@dataclass(frozen=True, kw_only=True)
class Refuses(TakesPictures):
    """A family that cannot draw one thing."""

    thing: str
    error: Exception

    def plan(self, request: Picture) -> Plan:
        if request.prompt == self.thing:
            raise self.error
        return super().plan(request)


@pytest.mark.parametrize("error", [Undrawable("no"), RuntimeError("a fault of the engine's own")])
async def test_what_the_engine_cannot_take_leaves_no_reservation(config: Config, error: Exception) -> None:
    model = FieldModel()
    picky = replace(model.profile, planner=Refuses(planner=model.profile.planner, thing="a dog", error=error))
    async with easel(config, replace(model, profile=picky)) as service:
        with pytest.raises((UserError, RuntimeError)):
            await service.imagine(ANNA, Options("a dog"), key="1", address={})
        assert await used(service) == (0, 0)
        assert isinstance(await (await service.imagine(ANNA, CAT, key="1", address={})).outcome(), Done)


async def test_one_job_that_breaks_the_engine_does_not_keep_the_bot_from_starting(
    config: Config, model: FieldModel
) -> None:
    model.gate.clear()
    async with easel(config, model) as service:
        lives = [await service.imagine(ANNA, Options(f"a {w}"), key=w, address={}) for w in ("dog", "cat")]
        stopping = asyncio.create_task(service.models.default.backend.stop(0.0))
        for live in lives:
            await live.outcome()
        model.gate.set()
        await stopping
    broken = Refuses(planner=model.profile.planner, thing="a dog", error=RuntimeError("a fault of its own"))
    later = FieldModel()
    async with easel(config, replace(later, profile=replace(later.profile, planner=broken))) as service:
        dog, cat = await service.requests.undelivered("console")
        assert isinstance(await dog.outcome(), Failed)
        assert isinstance(await cat.outcome(), Done)
        await service.delivered(cat, "receipt")
        assert await used(service) == (1, 0)


async def test_a_redelivery_after_a_restart_finds_the_first_request(config: Config) -> None:
    async with easel(config) as service:
        live = await service.imagine(ANNA, CAT, key="same", address={})
        await live.outcome()
        await service.delivered(live, "m")
    model = FieldModel()
    async with easel(config, model) as service:
        again = await service.imagine(ANNA, CAT, key="same", address={})
        assert isinstance(await again.outcome(), Done)
        assert model.drawn == []
        assert await used(service) == (1, 0)


async def test_the_allowance_cannot_be_overspent_by_asking_at_once(config: Config) -> None:
    small = config.model_copy(update={"default_tier": "member"})
    async with easel(small) as service:
        member = await service.members.of(ANNA)
        await service.store.members.set_tier(member.key, "free", by="test")
        asks = [service.imagine(ANNA, CAT, key=str(n), address={}) for n in range(120)]
        answers = await asyncio.gather(*asks, return_exceptions=True)
        quota = await service.members.quota(ANNA)
        accepted = [answer for answer in answers if not isinstance(answer, Exception)]
        assert quota.reserved == len(accepted) <= 100
        assert all(isinstance(answer, UserError) for answer in answers if isinstance(answer, Exception))


async def test_who_waits_reads_of_a_pause_at_once_and_it_outlasts_a_restart(
    config: Config, model: FieldModel
) -> None:
    model.gate.clear()
    async with easel(config, model) as service:
        first = await service.imagine(ANNA, Options("a cat", images="3"), key="1", address={})
        waiting = await service.imagine(ANNA, Options("a dog"), key="2", address={})
        await service.pausing.pause("owner")
        async for event in waiting.events():
            if isinstance(event, Waiting) and event.paused:
                break
        model.gate.set()
        assert isinstance(await first.outcome(), Done)
    async with easel(config, model) as again:
        (kept,) = again.requests.unfinished((await again.members.of(ANNA)).key)
        assert kept.request_id == waiting.request_id
        later = await again.imagine(ANNA, Options("a bird"), key="3", address={})
        async for event in later.events():
            if isinstance(event, Waiting) and event.paused:
                break
        drawn = list(model.drawn)
        await again.pausing.resume("owner")
        assert isinstance(await kept.outcome(), Done)
        assert f"{kept.request_id}-0" not in drawn
