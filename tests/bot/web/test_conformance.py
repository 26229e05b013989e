"""The API keeps every promise that a face makes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from openai import APIStatusError

from bot.imagine.asker import Asker
from bot.imagine.options import BY_NAME
from bot.imagine.parse import parse_imagine
from tests.bot.faces.conformance import FaceConformance
from tests.bot.faces.driver import Can, Who
from tests.easel import config_in
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from bot.imagine.service import Service
    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

NUMBERS = ("seed", "steps", "n")
IMAGES = "/v1/images/generations"


class Program:
    """Writes lines; each becomes the request that stands for it. To cancel is to hang up.

    An event is an Idempotency-Key. With one, the program asks again when the bot is back.
    """

    def __init__(self, stage: Stage, settings: dict[str, Any]) -> None:
        self._stage, self.model, self._settings = stage, stage.model, settings
        self._running = contextlib.AsyncExitStack()
        self._text = ""
        self._asking: list[asyncio.Task[None]] = []
        self._unanswered: dict[str, str] = {}
        self._lines: dict[str, str] = {}
        self._read: list[str] = []
        self._shown: list[bytes] = []

    @property
    def service(self) -> Service:
        return self._site.service

    def asker(self, who: Who = Who.ANNA) -> Asker:
        return self._asker

    async def start(self) -> None:
        config = config_in(self._stage.folder, http={"enabled": True, "port": 0}, **self._settings)
        self._site: Site = await self._running.enter_async_context(self._stage.site(config))
        if not self._text:
            self._text, key = await self._site.key("free")
            self._asker = Asker("api", key.prefix)
        for event in list(self._unanswered):
            await self.redeliver(event)

    async def stop(self, *, killed: bool = False) -> None:
        if killed:
            await self.lose()
        else:
            await self._site.delivery.drain(0)
            await asyncio.gather(*self._asking)
        await self._running.aclose()

    async def type(self, line: str, *, shared: bool = False, event: str = "") -> None:
        command, _, rest = line.partition(" ")
        self._lines[event] = line
        match command:
            case "/imagine":
                self._asking.append(asyncio.create_task(self._imagine(rest, event)))
                await self._taken(self._asking[-1])
            case "/cancel":
                await self.lose()
            case "/quota":
                await self._get("/v1/usage")
            case "/models":
                await self._get("/v1/models")
            case "/help":
                await self._get("/openapi.json")

    async def bring(self, line: str, picture: bytes, mask: bytes | None = None) -> None:
        options = parse_imagine(line.partition(" ")[2])
        names = ("strength", "area", "expand", "control", "control_strength", "lora", "model")
        asked = {BY_NAME[name].field: getattr(options, name) for name in names}
        more = {name: value for name, value in asked.items() if value}
        files: dict[str, Any] = {"image": ("cat.png", picture)} | (
            {"mask": ("mask.png", mask)} if mask else {}
        )
        async with self._site.client(self._text) as client:
            edit = client.images.with_raw_response.edit
            try:
                raw = await edit(**files, prompt=options.prompt, extra_body=more)
                answer = raw.http_response
            except APIStatusError as error:
                answer = error.response
        self._answered(answer, "")

    async def redeliver(self, event: str) -> None:
        await self.type(self._lines[event], event=event)

    async def begun(self) -> None:
        """It is, once it is taken."""

    async def settled(self) -> None:
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self._site.settled()

    async def lose(self) -> None:
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def shut(self) -> None:
        await self.lose()

    async def fetch(self) -> None:
        (event,) = self._unanswered
        await self.redeliver(event)

    def words(self) -> str:
        return "\n".join(self._read)

    def pictures(self) -> list[bytes]:
        return self._shown

    async def _taken(self, asking: asyncio.Task[None]) -> None:
        """The face has accepted the request, or has answered."""
        member = (await self.service.members.of(self._asker)).key
        async with asyncio.timeout(PATIENCE_S):
            while not asking.done() and not self.service.requests.unfinished(member):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _imagine(self, line: str, event: str) -> None:
        options = parse_imagine(line)
        asked: dict[str, Any] = {
            "prompt": options.prompt, "size": options.size, "quality": options.quality, "seed": options.seed,
            "steps": options.steps, "n": options.images, "negative_prompt": options.negative,
            "model": options.model,
            "loras": options.lora,
        }  # fmt: skip
        for name in NUMBERS:
            if asked[name] is not None and asked[name].isdecimal():
                asked[name] = int(asked[name])
        self._unanswered |= {event: line} if event else {}
        headers = {"idempotency-key": event} if event else {}
        async with self._site.http(self._text, **headers) as http:
            answer = await http.post(IMAGES, json=asked)
        self._answered(answer, event)

    def _answered(self, response: httpx.Response, event: str) -> None:
        answer = response.json()
        for image in answer.get("data", []):
            self._shown.append(base64.b64decode(image.pop("b64_json")))
            self._unanswered.pop(event, None)
        self._read.append(json.dumps(answer, ensure_ascii=False))

    async def _get(self, path: str) -> None:
        async with self._site.http(self._text) as http:
            self._read.append((await http.get(path)).text)


class TestApi(FaceConformance):
    HELP = (IMAGES, "portrait", "final")  # the document that the server publishes
    KEPT = "error-draining"
    ANSWERS_AGAIN = True
    CANNOT: ClassVar = {
        Can.PRESS: "no buttons: a client without an Idempotency-Key cancels by closing the connection",
        Can.PRIVATE: "nobody else is there",
        Can.WHISPER: "nobody else is there",
        Can.LEFT: "no: `GET /v1/usage` tells it",
        Can.COST: "no: whoever has a key is always told",
    }

    @pytest.fixture
    async def face(self, stage: Stage, settings: dict[str, Any]) -> AsyncIterator[Program]:
        program = Program(stage, settings)
        await program.start()
        yield program
        await program.stop(killed=True)
