"""One life of the bot: the real service, engine and store over a stand-in drawer, until it is killed or done.

The face is a wall: what is nailed to it is noted in the journal first and acknowledged to the service after,
as a platform has shown a picture before its answer arrives.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from bot.app import engine_config
from bot.imagine.asker import Asker
from bot.imagine.capabilities import load_capabilities
from bot.imagine.events import Failed
from bot.imagine.inputs import Brought
from bot.imagine.models import Model, Models
from bot.imagine.options import Options
from bot.imagine.pricing import Pricing, policy
from bot.imagine.service import Service
from bot.imagine.source import png
from bot.messages import UserError
from engine.build import engine_with
from storage.records.requests import CancelledBy
from storage.store import Store
from tests.crash import buyers
from tests.crash.buyers import Buyers
from tests.crash.journal import Journal
from tests.easel import FieldModel, config_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bot.imagine.live import LiveRequest

PLATFORM = "wall"
FAILPOINTS = (
    "before-commit",
    "after-commit",
    "image-written",
    "image-renamed",
    "asked",
    "accepted",
    "shown",
    "acknowledged",
    "lost",
    "blocked",
    "cancelled",
    *buyers.FAILPOINTS,
)
SHARED = "#ff0000"
FATES = ("delivered",) * 6 + ("blocked", "lost", "cancelled")


@dataclass(frozen=True)
class Plan:
    """How a life goes: its load, and where it ends. Without a failpoint it lives until somebody kills it."""

    seed: int
    requests: int
    people: int
    failpoint: str | None = None
    at_its_nth: int = 1


class Failpoint:
    """Kills its own process at the nth time a named place is reached, from whatever thread that is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._reached: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self._reached[name] += 1
            if name == self._plan.failpoint and self._reached[name] == self._plan.at_its_nth:
                os.kill(os.getpid(), signal.SIGKILL)


async def open_store(folder: Path, at: Failpoint | None = None) -> Store:
    config = config_in(folder)
    config.storage.folder.mkdir(parents=True, exist_ok=True)
    return await Store.open(
        config.storage.folder / "easel.db",
        policy(config),
        on_step=at or (lambda step: None),
    )


async def live(folder: Path, plan: Plan, on_serving: Callable[[], None]) -> None:
    """Open, check that the last life left nothing broken, deliver what it left, serve a load, and drain."""
    at = Failpoint(plan)
    config = config_in(folder, **buyers.SALES)
    async with await open_store(folder, at) as store:
        findings = await store.check()
        assert not findings, findings
        read = store.pictures.get_input
        engine = engine_with(model=FieldModel(), config=engine_config(config), read=read)
        await engine.start()
        service = Service(
            config=config,
            models=Models(Model(load_capabilities("embedded"), engine)),
            store=store,
            pricing=Pricing(config),
        )
        await service.start()
        on_serving()
        journal = Journal(folder / "journal")
        buying = Buyers(service, journal, at, random.Random(-plan.seed - 1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Wall(service, journal, at, random.Random(plan.seed)).serve(plan))
            tasks.create_task(buying.serve(plan.seed, plan.requests // 2, plan.people))
        await engine.stop(0.0)
        await service.stop()


def picture(colour: str) -> bytes:
    """A file that somebody brings."""
    return png(Image.new("RGB", (64, 64), colour))


class Wall:
    """A platform with people who ask, and updates that are redelivered until they are accepted."""

    def __init__(self, service: Service, journal: Journal, at: Failpoint, chance: random.Random) -> None:
        self._service = service
        self._journal = journal
        self._at = at
        self._chance = chance

    async def serve(self, plan: Plan) -> None:
        answered = {line["key"] for line in self._journal.lines("accepted", "refused")}
        asked = list({line["key"]: line for line in self._journal.lines("asked")}.values())
        # Whoever asks again may bring another picture: what a kill left of the first belongs to nothing.
        unanswered = [
            {**line, "picture": self._colour(line["picture"])}
            for line in asked
            if line["key"] not in answered
        ]
        # Nothing is kept of what was refused: asked again, it would be a new request. What has no answer yet
        # is asked below, and asked twice at once it might be refused first and accepted then.
        accepted = {line["key"] for line in self._journal.lines("accepted")}
        known = [line for line in asked if line["key"] in accepted]
        redelivered = self._chance.sample(known, min(3, len(known)))
        async with asyncio.TaskGroup() as tasks:
            for request in await self._service.requests.undelivered(PLATFORM):
                tasks.create_task(self._deliver(request))
            for line in redelivered:
                tasks.create_task(self._ask(line))
            for line in unanswered + [self._new_line(f"{plan.seed}-{n}", plan) for n in range(plan.requests)]:
                self._journal.note(**line)
                tasks.create_task(self._ask(line))

    def _new_line(self, key: str, plan: Plan) -> dict[str, Any]:
        return {
            "what": "asked",
            "key": key,
            "who": str(self._chance.randrange(plan.people)),
            "images": self._chance.choice([1, 1, 2, 3]),
            "fate": self._chance.choice(FATES),
            "picture": self._colour(self._chance.random() < 0.6),
        }

    def _colour(self, comes_with_a_picture: object) -> str | None:
        """Of a picture that others bring, too, or of one of its own."""
        own = f"#{self._chance.randrange(256**3):06x}"
        return self._chance.choice([SHARED, own]) if comes_with_a_picture else None

    async def _ask(self, line: dict[str, Any]) -> None:
        asker = Asker(PLATFORM, line["who"])
        options = Options("a cat", seed=str(self._chance.randrange(10**6)), images=str(line["images"]))
        brought = Brought(picture(line["picture"])) if line["picture"] else None
        self._at("asked")
        try:
            request = await self._service.imagine(
                asker, options, key=line["key"], address={"fate": line["fate"]}, brought=brought
            )
        except UserError:
            self._journal.note("refused", key=line["key"])
            return
        self._at("accepted")
        self._journal.note("accepted", key=line["key"], request=request.request_id)
        if line["fate"] == "cancelled":
            self._service.requests.cancel(request.request_id, None, by=CancelledBy.MEMBER)
            self._at("cancelled")
        await self._deliver(request)

    async def _deliver(self, request: LiveRequest) -> None:
        outcome = await request.outcome()
        if isinstance(outcome, Failed):
            self._service.requests.closed(request)
            return
        jobs = [picture.job_id for picture in outcome.pictures]
        fate = request.address["fate"]
        if fate in ("blocked", "lost"):
            self._journal.note(fate, request=request.request_id, jobs=jobs)
            self._at(fate)
            await self._service.undeliverable(request, fate, members_doing=fate == "blocked")
            return
        self._journal.note("shown", request=request.request_id, jobs=jobs)
        self._at("shown")
        await self._service.delivered(request, f"message {request.request_id}")
        self._at("acknowledged")
