"""The API keeps every promise that a face makes."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bot.imagine.parse import parse_imagine
from bot.imagine.service import Asker
from tests.bot.faces.conformance import FaceConformance

if TYPE_CHECKING:
    from bot.imagine.service import Service
    from tests.bot.web.conftest import Site
    from tests.easel import FieldModel

NUMBERS = ("seed", "steps", "n")


@dataclass
class Person:
    """Writes lines; each becomes the request that stands for it. To cancel is to hang up."""

    site: Site
    text: str
    service: Service
    model: FieldModel
    asker: Asker
    asking: list[asyncio.Task[None]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)

    async def type(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/imagine":
                self.asking.append(asyncio.create_task(self._imagine(rest)))
                await self._taken(self.asking[-1])
            case "/cancel":
                for task in self.asking:
                    task.cancel()
            case "/quota":
                await self._get("/v1/usage")
            case "/help":
                await self._get("/openapi.json")

    async def settled(self) -> None:
        await asyncio.gather(*self.asking, return_exceptions=True)
        await self.site.settled()

    def words(self) -> str:
        return "\n".join(self.read)

    def pictures(self) -> list[bytes]:
        return self.shown

    async def _taken(self, asking: asyncio.Task[None]) -> None:
        """The face has accepted the request, or has answered."""
        member = (await self.service.member(self.asker)).key
        async with asyncio.timeout(30):
            while not asking.done() and not self.service.waiting(member):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _imagine(self, line: str) -> None:
        options = parse_imagine(line)
        asked: dict[str, Any] = {
            "prompt": options.prompt, "size": options.size, "quality": options.quality, "seed": options.seed,
            "steps": options.steps, "n": options.images, "negative_prompt": options.negative,
        }  # fmt: skip
        for name in NUMBERS:
            if asked[name] is not None and asked[name].isdecimal():
                asked[name] = int(asked[name])
        async with self.site.http(self.text) as http:
            answer = (await http.post("/v1/images/generations", json=asked)).json()
        for image in answer.get("data", []):
            self.shown.append(base64.b64decode(image.pop("b64_json")))
        self.read.append(json.dumps(answer, ensure_ascii=False))

    async def _get(self, path: str) -> None:
        async with self.site.http(self.text) as http:
            self.read.append((await http.get(path)).text)


class TestApi(FaceConformance):
    HELP = ("/v1/images/generations", "portrait", "final")  # the document that the server publishes

    @pytest.fixture
    async def face(self, site: Site) -> Person:
        text, key = await site.key("free")
        return Person(site, text, site.service, site.model, Asker("api", key.prefix))
