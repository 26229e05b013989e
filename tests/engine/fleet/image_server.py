"""A server that speaks /v1/images/generations over real HTTP, and misbehaves as a test asks.

It paints what the fake model paints, so a mix-up shows. Its dialect is vLLM-Omni's, or another Easel's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from engine.request import DrawRequest
from tests.engine.fakes import FakeModel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from PIL import Image
    from starlette.requests import Request

MODEL = "fake"
GOLDEN_SEED = 7
"""The golden picture is asked for with it; no test uses it for another."""


class Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ImageServer:
    """`async with` it. It listens on a port of its own, and keeps it when it is killed and started again."""

    def __init__(self, *, model: str = MODEL, owner: str = "vllm", tells: bool = True) -> None:
        self.model = model
        self.owner = owner
        self.tells = tells
        """Another Easel says what a picture took."""
        self.bodies: list[dict[str, Any]] = []
        """What was asked for, the golden picture left out."""
        self.headers: list[dict[str, str]] = []
        self.faults: list[Response | str] = []
        """What the next requests are answered: a response, or what is in the place of a picture."""
        self.gate = asyncio.Event()
        """Closed, no picture is finished."""
        self.gate.set()
        self.left = asyncio.Event()
        """Set once a client went away before it had its answer."""
        self.refusal: Response | None = None
        """What it answers to whoever asks for its models: our key may not be valid there."""
        self.strange = False
        """It draws other pictures than the rest."""
        self._at = socket.create_server(("127.0.0.1", 0))
        self.port = self._at.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> ImageServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self.kill()

    async def start(self) -> None:
        app = Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/images/generations", self._generations, methods=["POST"]),
            ]
        )
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None, log_level="critical")
        self._server = Uvicorn(config)
        if self._at.fileno() < 0:
            self._at = socket.create_server(("127.0.0.1", self.port))
        self._serving = asyncio.create_task(self._server.serve([self._at]))
        async with asyncio.timeout(PATIENCE_S):
            while not self._server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def kill(self) -> None:
        """As a power cut: connections are cut, the port is closed."""
        for connection in list(self._server.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        self._server.force_exit = self._server.should_exit = True
        await self._serving
        self._at.close()

    async def _models(self, _: Request) -> Response:
        return self.refusal or JSONResponse(
            {"object": "list", "data": [{"id": self.model, "owned_by": self.owner}]}
        )

    async def _generations(self, request: Request) -> Response:
        body = await request.json()
        golden = body["seed"] == GOLDEN_SEED
        fault = "" if golden else next(iter(self.faults), "")
        if not golden:
            self.bodies.append(body)
            self.headers.append(dict(request.headers))
            del self.faults[:1]
        if isinstance(fault, Response):
            return fault
        if body.get("stream"):
            return StreamingResponse(self._events(body, fault), media_type="text/event-stream")
        if not golden:
            await self._wait(request)
        picture = self.picture(body, fault)
        facts = self._facts(body)
        answer: dict[str, Any] = {"created": 1, "data": [{"b64_json": picture} | facts]}
        return JSONResponse(answer | facts)

    async def _wait(self, request: Request) -> None:
        gone = asyncio.create_task(self._gone(request))
        finished = asyncio.create_task(self.gate.wait())
        await asyncio.wait({gone, finished}, return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, finished):
            task.cancel()
        if gone.done() and not gone.cancelled():
            self.left.set()

    async def _gone(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    async def _events(self, body: dict[str, Any], fault: str) -> AsyncIterator[str]:
        try:
            for index in range(body["partial_images"]):
                partial = {"b64_json": self.picture(body, "small"), "partial_image_index": index}
                yield event("image_generation.partial_image", partial)
                await self.gate.wait()
            done = {"b64_json": self.picture(body, fault)} | self._facts(body)
            yield event("image_generation.completed", done)
        except asyncio.CancelledError:
            self.left.set()
            raise

    def _facts(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.owner != "easel" or not self.tells:
            return {}
        facts = {"seed": body["seed"], "steps": body["steps"], "guidance": body["guidance"]}
        return {"easel": facts | {"gpu_s": 1.5, "draw_s": 2.0, "energy_j": 90.0, "cached": False}}

    def picture(self, body: dict[str, Any], fault: str) -> str | None:
        if fault == "no picture":
            return None
        if fault == "garbage":
            return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"garbage" * 9).decode()
        if fault == "not base64":
            return "!?"
        image = FakeModel().picture_of(asked(body))
        if self.strange:
            image = image.point(lambda value: 255 - value)
        if fault == "small":
            image = image.resize((16, 16))
        return png(image)


def asked(body: dict[str, Any]) -> DrawRequest:
    """The request behind a body, whichever dialect it is in."""
    width, height = map(int, body["size"].split("x"))
    return DrawRequest(
        job_id="asked",
        prompt=body["prompt"],
        width=width,
        height=height,
        steps=body.get("steps", body.get("num_inference_steps")),
        seed=body["seed"],
        guidance=body.get("guidance", body.get("guidance_scale")),
        negative_prompt=body.get("negative_prompt", ""),
    )


def png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"
