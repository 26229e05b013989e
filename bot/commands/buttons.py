"""What the buttons under a picture do. They work after a restart and after days.

What is needed beyond the button's id (`button_ids.py`) is read from the store when it is pressed. Whoever
presses pays and is checked like anybody who asks; a private request is its owner's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.commands.button_ids import Action, button_id
from bot.imagine import refusals
from bot.imagine.capabilities import Size, Workflow
from bot.imagine.edit import why_not_enlarged
from bot.imagine.options import Options, altered
from bot.imagine.picture import is_spoiler
from bot.imagine.request import ImageRequest, replay
from bot.messages import Reason, UserError, say
from storage.errors import ImageGone, StoreUnavailable, UnknownJob, UnknownRequest, WrongState
from storage.records.requests import CancelledBy, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.config.money import Tier
    from bot.imagine.asker import Asker
    from bot.imagine.capabilities import Capabilities
    from bot.imagine.events import Done
    from bot.imagine.live import LiveRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.requests import JobRecord, RequestRecord


@dataclass(frozen=True, slots=True)
class Offer:
    """A button to be shown."""

    action: Action
    target: str
    number: int | None = None
    """Which of several pictures it is about, as people count them."""

    @property
    def id(self) -> str:
        return button_id(self.action, self.target)

    def label(self, t: Translator) -> str:
        """What stands on it: `Vary`, and of a picture among several `V2`."""
        if self.number is None:
            return t(f"button-{self.action}")
        return t(f"each-{self.action}", number=self.number)


@dataclass(frozen=True, slots=True)
class Single:
    """One picture out of the store, and what it was drawn from."""

    job_id: str
    request: ImageRequest
    png: bytes
    spoiler: bool = False
    larger: tuple[Action, ...] = ()
    """How whoever asked may have it larger."""
    edits: tuple[Action, ...] = ()
    """What else can be drawn from it."""


Rows = tuple[tuple[Offer, ...], ...]


def offered(live: LiveRequest, done: Done, service: Service) -> Rows:
    """The buttons under a result, in rows of at most four: of several pictures, each can be enlarged, varied
    and had by itself.
    """
    job_ids = [picture.job_id for picture in done.pictures]
    tier = service.config.tiers.get(live.tier or "")
    return _offered(service, live.request_id, live.request, job_ids, tier)


async def still_offered(service: Service, asker: Asker, target: str) -> Rows:
    """The buttons under an earlier result, for whoever looks at it now."""
    record = await record_of(service, target)
    request = await visible(service, asker, record)
    tier = service.members.tier_of(await service.members.of(asker), asker)
    return _offered(service, record.request_id, request, [job.job_id for job in record.jobs], tier)


def _offered(
    service: Service, target: str, request: ImageRequest, job_ids: Sequence[str], tier: Tier | None
) -> Rows:
    model = model_of(service, request)
    larger = _larger(model, request, tier) if tier else ()
    if request.images == 1:
        above = tuple(Offer(action, target) for action in (Action.AGAIN, Action.VARY, *larger))
        edits = tuple(Offer(action, target) for action in _edits(model))
        below = (
            Offer(Action.SINGLE, job_ids[0]),
            Offer(Action.DETAILS, target),
            Offer(Action.DELETE, target),
        )
        return tuple(row for row in (above, edits, below) if row)
    each = tuple(
        tuple(Offer(action, job_id, n) for n, job_id in enumerate(job_ids, 1))
        for action in (*larger[:1], Action.VARY, Action.SINGLE)
    )
    return (*each, tuple(Offer(action, target) for action in (Action.AGAIN, Action.DETAILS, Action.DELETE)))


def _larger(model: Capabilities, request: ImageRequest, tier: Tier) -> tuple[Action, ...]:
    """How a picture can be had larger: as it is, or drawn anew."""
    twice = Size(2 * request.width, 2 * request.height)
    kept = Workflow.ENLARGE in model.strength and why_not_enlarged(twice, model, tier) is None
    anew = (
        request.workflow in (Workflow.TEXT, Workflow.CONTROL)
        and model.larger(request.size, tier.max_pixels) is not None
    )
    return (*([Action.LARGER] if kept else []), *([Action.REDRAW] if anew else []))


def _edits(model: Capabilities) -> tuple[Action, ...]:
    """What the model can draw from a picture."""
    vary = (Action.SUBTLE, Action.STRONG) if Workflow.VARY in model.strength else ()
    inpaint = (Action.AREA, Action.WIDER) if Workflow.INPAINT in model.strength else ()
    return vary + inpaint


async def again(
    service: Service, asker: Asker, target: str, *, key: str, address: Mapping[str, object]
) -> LiveRequest:
    """Draw the request once more, from a new seed."""
    request = await seen(service, asker, target)
    options = replace(replay(request, service.models), seed=None)
    brought = await service.inputs.before(request)
    return await service.imagine(asker, options, key=key, address=address, brought=brought)


async def vary(
    service: Service,
    asker: Asker,
    target: str,
    words: str | Options,
    *,
    key: str,
    address: Mapping[str, object],
) -> LiveRequest:
    """Draw other words from the same seed; options typed with them win. One picture of a grid makes one."""
    typed = words if isinstance(words, Options) else Options(words)
    request = await seen(service, asker, target)
    kept = replay(request, service.models)
    kept = replace(kept, images="1") if "-" in target else kept
    brought = await service.inputs.before(request)
    return await service.imagine(asker, altered(kept, typed), key=key, address=address, brought=brought)


async def redraw(
    service: Service, asker: Asker, target: str, *, key: str, address: Mapping[str, object]
) -> LiveRequest:
    """Draw one picture anew at the next size up, from its seed; what is seen on it will differ."""
    request = await seen(service, asker, target)
    tier = service.members.tier_of(await service.members.of(asker), asker)
    model = model_of(service, request)
    size = model.larger(request.size, tier.max_pixels)
    if size is None:
        if model.larger(request.size, model.max_px**2):
            raise UserError(say("action-largest-tier", tier=tier.name))
        raise UserError(say("action-largest"))
    options = replace(replay(request, service.models), size=str(size), images="1")
    brought = await service.inputs.before(request)
    return await service.imagine(asker, options, key=key, address=address, brought=brought)


async def single(service: Service, asker: Asker, job_id: str) -> Single:
    """The file of one picture. Raises `UserError` where it is deleted, or another's and private."""
    record = await record_of(service, job_id)
    request = await visible(service, asker, record)
    job = _job(record, job_id)
    if job.state is not JobState.DELIVERED or job.image is None:
        raise UserError(say("error-gone").because(Reason.GONE))
    try:
        png = await service.store.pictures.get(job.image)
    except ImageGone:
        raise UserError(say("error-gone").because(Reason.GONE)) from None
    drawn = replace(request, seed=job.seed, images=1)
    tier = service.members.tier_of(await service.members.of(asker), asker)
    model = model_of(service, drawn)
    return Single(job.job_id, drawn, png, is_spoiler(png), _larger(model, drawn, tier), _edits(model))


async def prompt(service: Service, asker: Asker, target: str) -> str:
    """The words that a request or one of its pictures was drawn from."""
    return (await seen(service, asker, target)).prompt


async def delete(service: Service, asker: Asker, target: str, *, moderator: bool = False) -> None:
    """Take a request's pictures away for good; the face then removes the message. Owner or moderator."""
    record = await record_of(service, target)
    if not moderator:
        await _owned(service, asker, record)
    for job in record.jobs:
        try:
            await service.store.pictures.delete(job.job_id)
        except (UnknownJob, WrongState):
            continue  # not drawn, or not delivered yet: nothing anybody has seen
        except StoreUnavailable as error:
            raise refusals.explain(error, service.config.language) from error


async def cancel(service: Service, asker: Asker, target: str, *, moderator: bool = False) -> None:
    """Cancel a request that waits or runs. Owner or moderator; raises `UserError` where it cannot be."""
    request_id, member = target.partition("-")[0], await service.members.of(asker)
    if service.requests.cancel(request_id, member, by=CancelledBy.MEMBER):
        return
    if not moderator or not service.requests.cancel(request_id, None, by=CancelledBy.MODERATOR):
        raise UserError(say("error-not-yours"))


async def is_of(service: Service, asker: Asker, target: str) -> bool:
    """Whether the asker asked for this request. Raises `UserError` where it is gone."""
    record = await record_of(service, target)
    return (await service.members.of(asker)).key == record.member


async def fetch(service: Service, asker: Asker, target: str) -> LiveRequest:
    """A request's pictures out of the history, to be delivered like new ones: then they count. Owner only."""
    record = await record_of(service, target)
    await _owned(service, asker, record)
    language = service.members.language_of(await service.members.of(asker), asker)
    return await service.requests.revisit(record.request_id, language)


async def seen(service: Service, asker: Asker, target: str) -> ImageRequest:
    """What a request or one of its pictures was drawn from, where the asker may see it."""
    record = await record_of(service, target)
    request = await visible(service, asker, record)
    return replace(request, seed=_job(record, target).seed) if "-" in target else request


async def record_of(service: Service, target: str) -> RequestRecord:
    """The request of this id, or of which this is a job. Raises `UserError`."""
    try:
        return await service.store.requests.get(target.partition("-")[0])
    except UnknownRequest:
        raise UserError(say("error-gone").because(Reason.GONE)) from None
    except StoreUnavailable as error:
        raise refusals.explain(error, service.config.language) from error


async def visible(service: Service, asker: Asker, record: RequestRecord) -> ImageRequest:
    """What was asked for. Raises `UserError` where it is another's and private."""
    request = ImageRequest.from_json(record.payload)
    if request.private:
        await _owned(service, asker, record)
    return request


async def _owned(service: Service, asker: Asker, record: RequestRecord) -> None:
    if (await service.members.of(asker)).key != record.member:
        raise UserError(say("error-not-owner"))


def model_of(service: Service, request: ImageRequest) -> Capabilities:
    """What can be asked of the model a request was drawn with."""
    return service.models.named(request.model).capabilities


def _job(record: RequestRecord, job_id: str) -> JobRecord:
    found = next((job for job in record.jobs if job.job_id == job_id), None)
    if found is None:
        raise UserError(say("error-gone").because(Reason.GONE))
    return found
