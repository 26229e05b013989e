"""Pictures that come with requests: from the files that were sent to the files that the engine draws from.

The engine gets them as PNGs of exactly the request's size, or smaller where it is to enlarge them, under
their SHA-256. Work on pixels takes up to a second each, so it is done in a thread, one at a time: memory
does not grow with the number of members.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from bot.imagine import region, source
from bot.imagine.capabilities import Size, Workflow
from bot.imagine.edit import Given
from bot.imagine.safety import Safety, Verdict
from bot.messages import Reason, UserError, say
from storage.errors import ImageGone, WrongState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from PIL import Image

    from bot.config.money import Tier
    from bot.imagine.control_maps import Maps
    from bot.imagine.request import ImageRequest
    from bot.imagine.server_settings import ServerSettings
    from bot.messages import Message
    from storage.store import Store

AT_ONCE = 1
"""Threads that decode pictures. A large one takes 200 MB for a moment (`python -m benchmarks.uploads`)."""
OURS_PX, OURS_BYTES = 8192, 128 << 20
"""No picture of ours is longer or has more, however often it was enlarged."""
SAME_SHAPE = 0.98
"""How alike a mask's proportions and its picture's must be."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What comes with a request: a picture, as a file that nobody has looked at yet."""

    picture: bytes = field(repr=False)
    mask: bytes | None = field(default=None, repr=False)
    """A file too: white or transparent is repainted."""
    enlarge: bool = False
    """Keep the picture and draw it at twice its size."""
    own: bool = False
    """It was drawn here: no rule about members' pictures holds for it."""
    before: ImageRequest | None = None
    """The request it was already used in; it has that request's size, room and area."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The pictures that came with a request, read and found to be in order."""

    brought: Brought
    picture: source.Source
    mask: Image.Image | None = None

    @property
    def given(self) -> Given:
        """What the request depends on."""
        before, size = self.brought.before, Size(*self.picture.image.size)
        larger = None
        if self.brought.enlarge:
            larger = before.size if before else Size(2 * size.width, 2 * size.height)
        return Given(
            size,
            masked=self.mask is not None,
            used=before is not None,
            larger=larger,
            followed=before.control if before else None,
        )


@dataclass(frozen=True, slots=True)
class Made:
    """A request with its pictures, which are not stored yet."""

    request: ImageRequest
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The files by their digest."""
    notes: tuple[Message, ...] = ()


class Inputs:
    """Reads, checks, makes and stores pictures that come with requests."""

    def __init__(self, store: Store, safety: Safety, maps: Maps) -> None:
        self._store = store
        self._safety = safety
        self._maps = maps
        self._threads = ThreadPoolExecutor(AT_ONCE, "pictures")
        self._held: Counter[str] = Counter()

    async def open(self, brought: Brought, tier: Tier, server: ServerSettings) -> Opened:
        """Read the files.

        Raises `UserError`, one sentence, where members may not bring pictures, and for what is none.
        """
        largest_bytes = OURS_BYTES if brought.own else self.limit(tier, server)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _opened, brought, largest_bytes)

    def limit(self, tier: Tier, server: ServerSettings) -> int:
        """How many bytes a member's picture may have. Raises `UserError` where they may bring none."""
        if not tier.input_pictures:
            raise UserError(say("error-picture-tier", tier=tier.name).because(Reason.NOT_ALLOWED))
        if not server.pictures:
            raise UserError(say("error-picture-server").because(Reason.NOT_ALLOWED))
        return tier.max_input_mb * source.MB

    async def classify(self, opened: Opened, *, adult: bool) -> None:
        """The owner's classifier sees the picture too. Raises `UserError` where it must not be used."""
        verdict = await self._safety.verdict(opened.picture.image)
        if verdict is Verdict.REFUSE or (verdict is Verdict.SPOILER and not adult):
            raise UserError(say("moderation-picture").because(Reason.POLICY))

    async def make(self, opened: Opened, request: ImageRequest) -> Made:
        """The pictures at the request's size, with the room and the mask that it asks for, or the map.

        Raises `UserError` where a picture shows nothing to follow.
        """
        work = partial(_followed, self._maps) if request.control else _made
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, opened, request)

    async def before(self, request: ImageRequest) -> Brought | None:
        """What came with an earlier request, to be used again; None where nothing did.

        Raises `UserError` where it is no longer kept.
        """
        if not request.files:
            return None
        try:
            picture = await self._store.pictures.get_input(request.map or request.init)
            mask = await self._store.pictures.get_input(request.mask) if request.mask else None
        except ImageGone:
            raise UserError(say("error-picture-gone").because(Reason.GONE)) from None
        enlarge = request.workflow is Workflow.ENLARGE
        return Brought(picture, mask, enlarge=enlarge, own=request.own, before=request)

    @contextlib.asynccontextmanager
    async def stored(self, files: Mapping[str, bytes]) -> AsyncIterator[None]:
        """Files are on disk inside; where that ends in an error, they are deleted again.

        Raises StoreUnavailable. A process that is killed inside leaves files that the next start deletes.
        """
        self._held.update(files.keys())
        try:
            for content in files.values():
                await self._store.pictures.put_input(content)
            yield
        except BaseException:
            self._held.subtract(files.keys())
            await self.discard(files)
            raise
        self._held.subtract(files.keys())

    async def delete(self, digest: str, *, by: str, why: str) -> None:
        """Delete a picture for an owner, whoever brought it; what was drawn from it stays.

        Raises `UserError` where it is not kept, or something has yet to be drawn from it.
        """
        if self._held[digest]:
            raise UserError(say("page-source-needed"))
        try:
            await self._store.pictures.delete_input(digest, by=by, why=why)
        except (ImageGone, WrongState):
            raise UserError(say("page-source-needed")) from None

    async def discard(self, digests: Iterable[str]) -> None:
        """Delete files that no request is drawn from, unless one is being accepted that will be."""
        for digest in digests:
            if not self._held[digest]:
                del self._held[digest]
                await self._store.pictures.discard_input(digest)


def _opened(brought: Brought, largest_bytes: int) -> Opened:
    ours = brought.own or brought.before is not None
    longest_px = OURS_PX if ours else source.WORKING_PX
    most_bytes = max(largest_bytes, OURS_BYTES) if ours else largest_bytes
    picture = source.read(brought.picture, largest_bytes=most_bytes, longest_px=longest_px)
    if brought.mask is None:
        return Opened(brought, picture)
    mask = source.read_mask(brought.mask, largest_bytes=largest_bytes).image
    ratios = sorted((picture.image.width * mask.height, mask.width * picture.image.height))
    if ratios[0] < SAME_SHAPE * ratios[1]:
        raise UserError(say("error-mask-shape"))
    return Opened(brought, picture, mask)


def _made(opened: Opened, request: ImageRequest) -> Made:
    size, before = (request.width, request.height), opened.brought.before
    used = before is not None and (before.area, before.expand) == (request.area, request.expand)
    mask, notes = opened.mask, []
    if request.workflow is Workflow.ENLARGE:  # whoever draws enlarges it
        fitted = opened.picture
        picture = fitted.image
    elif request.expand and not used:
        inner, was = Size(*region.inner_size(request.expand, size)), Size(*opened.picture.image.size)
        fitted = source.fitted(opened.picture, inner.width, inner.height)
        picture, mask = region.with_room(fitted.image, request.expand, size)
        if inner != was and not opened.brought.own:
            notes.append(say("note-picture-scaled", was=str(was), now=str(inner)))
    else:
        fitted = source.fitted(opened.picture, *size)
        picture = fitted.image
        if request.area and not used:
            mask = region.area_mask(request.area.split(","), size)
        elif mask is not None:
            mask = source.fitted(source.Source(mask), *size).image.point(lambda value: 255 * (value >= 128))
    init, content = _named(picture)
    files = {init: content}
    request = replace(request, init=init, own=opened.brought.own)
    if mask is not None:
        digest, content = _named(mask)
        files[digest] = content
        request = replace(request, mask=digest)
    return Made(request, files, (*fitted.notes, *notes))


def _followed(maps: Maps, opened: Opened, request: ImageRequest) -> Made:
    """The request with its control map: the one of an earlier request is one already."""
    assert request.control is not None
    fitted = source.fitted(opened.picture, request.width, request.height)
    used = opened.brought.before is not None
    shown = fitted.image if used else maps.of(request.control, fitted.image)
    digest, content = _named(shown)
    request = replace(request, map=digest, own=opened.brought.own)
    return Made(request, {digest: content}, fitted.notes)


def _named(picture: Image.Image) -> tuple[str, bytes]:
    """A picture's file, and its digest."""
    content = source.png(picture)
    return hashlib.sha256(content).hexdigest(), content
