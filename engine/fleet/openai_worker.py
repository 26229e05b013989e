"""A worker that is somebody's server: vLLM-Omni, SGLang-Diffusion, another Easel.

One request of ours is one request of its API, tried once: what happens when it fails is the front's business.
A cancel closes the connection; so no Idempotency-Key is sent, which would have another Easel go on drawing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import openai

from engine.events import Phase
from engine.fleet import openai_wire as wire
from engine.request import Cancelled, Declined, DrawFailed, Drawing, JobState, StepTimeout, Usage
from engine.snapshot import DeviceSnapshot
from engine.worker.accounting import Meter
from engine.worker.protocol import Card, Drawn, Health, Moved, WorkerLost, WorkerUnfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.profile import Profile
    from engine.fleet.golden import Golden
    from engine.request import DrawRequest
    from engine.worker.accounting import Clock

CONNECT_S = 5.0
UNKNOWN, ESTIMATED = "GPU", ", estimated"
ANONYMOUS = "none"
"""The client insists on some key."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and what is known of it."""

    name: str
    url: str
    """With /v1 at its end, as OpenAI's clients have it."""
    gpu: str = ""
    """Its card, as its price is listed."""
    at_once: int = 2
    """Requests it is sent side by side: one it draws, one it has at hand."""
    api_key: str | None = field(default=None, repr=False)


class OpenAIWorker:
    def __init__(
        self,
        server: Server,
        *,
        model: str,
        profile: Profile,
        golden: Golden,
        timeout_s: float = 300.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._server = server
        self._model = model
        self._profile = profile
        self._golden = golden
        self._timeout_s = timeout_s
        self._clock = clock
        self._client: openai.AsyncOpenAI | None = None
        self._easel = False
        self._places = asyncio.Semaphore(server.at_once)
        self._meter = Meter(clock)
        """The server's wall time, split among the requests that are with it."""
        self._asking: dict[str, asyncio.Task[Drawing]] = {}

    @property
    def name(self) -> str:
        return self._server.name

    async def fetch(self) -> None:
        """The server has its model."""

    async def start(self) -> Card:
        """See that it serves our model, and draws the golden picture as the others do."""
        server, self._meter = self._server, Meter(self._clock)
        self._client = openai.AsyncOpenAI(
            base_url=server.url,
            api_key=server.api_key or ANONYMOUS,
            max_retries=0,
            timeout=openai.Timeout(self._timeout_s, connect=CONNECT_S),
        )
        models = await self._models()
        if self._model not in models:
            raise WorkerUnfit(f"it serves {', '.join(models) or 'nothing'}, not {self._model}")
        self._easel = models[self._model] == wire.EASEL
        answer = await self.draw(self._golden.question, lambda _: None)
        await self._golden.check(answer.image)
        gpu = server.gpu or UNKNOWN
        if answer.usage.estimated:  # so it is booked and shown, with every picture
            gpu += ESTIMATED
        # Few servers draw from pictures, and none is told a strength as we mean it.
        profile = replace(self._profile, takes_pictures=False)
        return Card(gpu, (Drawn(profile, self._model),), server.at_once)

    async def draw(
        self, request: DrawRequest, hear: Callable[[Moved], None], *, lead_s: float = 0.0
    ) -> Drawing:
        """Ask for one picture, in an own task: a cancel ends the request, not its listener."""
        if request.adapters:
            raise Declined("servers are not asked for LoRAs")
        began = self._clock()
        asking = asyncio.create_task(self._draw(request, hear, began))
        self._asking[request.job_id] = asking
        try:
            return await asking
        except asyncio.CancelledError:
            listener = asyncio.current_task()
            if listener is not None and listener.cancelling():
                raise
            raise Cancelled("cancelled", self._estimate(request, began, billable=False)) from None
        finally:
            del self._asking[request.job_id]
            self._meter.close(request.job_id)

    async def missing(self, digests: Sequence[str]) -> tuple[str, ...]:
        """It is sent no job with a picture."""
        return ()

    async def keep(self, files: Mapping[str, bytes]) -> None:
        """It is sent none."""

    async def cancel(self, job_id: str) -> None:
        if (asking := self._asking.get(job_id)) is not None:
            asking.cancel()

    async def health(self) -> Health:
        """Whether it answers at all; being busy is an answer."""
        try:
            await self._models()
        except openai.RateLimitError:
            pass
        except WorkerUnfit as error:  # what it was when it started, it is no more
            raise WorkerLost(str(error)) from error
        return Health(frozenset(self._asking))

    def snapshot(self) -> DeviceSnapshot:
        """What was counted of its time from outside."""
        return DeviceSnapshot(self._meter.totals())

    async def clear_caches(self) -> None:
        """There is no such call: what a server keeps is its owner's affair."""

    async def stop(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _draw(self, request: DrawRequest, hear: Callable[[Moved], None], began: float) -> Drawing:
        async with self._places:
            hear(Moved(JobState.RUNNING, 0))
            self._meter.begin(request.job_id, Phase.DENOISE, {request.job_id: 1})
            try:
                async with asyncio.timeout(self._timeout_s):
                    image, took = await self._ask(request, hear)
            except TimeoutError:
                raise StepTimeout(f"no picture within {self._timeout_s:g} s") from None
            except openai.APIError as error:
                raise wire.meaning(error) from error
            except (TypeError, ValueError, LookupError) as error:
                raise DrawFailed(f"the answer cannot be read: {error}") from error
            finally:
                self._meter.end(request.job_id)
        if took is None:
            return Drawing(request, image, self._estimate(request, began))
        waited_s = max(0.0, self._clock() - began - took.denoise_s)
        return Drawing(request, image, replace(took, queue_s=request.waited_s + waited_s))

    async def _ask(self, request: DrawRequest, hear: Callable[[Moved], None]) -> tuple[Image, Usage | None]:
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": request.prompt,
            "n": 1,
            "size": f"{request.width}x{request.height}",
            "response_format": "b64_json",
            "output_format": "png",
            "extra_body": wire.fields(request, easel=self._easel),
        }
        images = self._api.images
        if self._easel and (count := wire.partials(request)):
            events = await images.generate(**body, stream=True, partial_images=count)
            try:
                return await self._follow(events, request, hear, count)
            finally:
                await _end(events)
        answer = await images.generate(**body)
        first = (getattr(answer, "data", None) or [None])[0]
        image = await self._opened(first, request)
        facts = {**_facts(answer), **_facts(first)}
        seconds = getattr(answer, "inference_time_s", None)
        return image, wire.told(facts, request) or wire.measured(seconds)

    async def _follow(
        self, events: openai.AsyncStream[Any], request: DrawRequest, hear: Callable[[Moved], None], count: int
    ) -> tuple[Image, Usage | None]:
        """Previews on the way, and the picture at the end."""
        seen = 0
        while (event := await anext(events, None)) is not None:
            if event.type == "image_generation.completed":
                return await self._opened(event, request), wire.told(_facts(event), request)
            if event.type == "image_generation.partial_image":
                seen += 1
                preview = await asyncio.to_thread(wire.picture, event.b64_json)
                hear(Moved(JobState.RUNNING, seen * request.steps // (count + 1), preview))
        raise DrawFailed("the answer ended without a picture")

    async def _opened(self, answer: object, request: DrawRequest) -> Image:
        encoded = getattr(answer, "b64_json", None)
        return await asyncio.to_thread(wire.picture, encoded, (request.width, request.height))

    async def _models(self) -> dict[str, str]:
        """The models it serves, and whose they are. Raises WorkerUnfit where it refuses us, or WorkerLost."""
        try:
            page = await self._api.models.list()
        except openai.RateLimitError:
            raise
        except openai.APIError as error:
            reason = wire.meaning(error)
            raise reason if isinstance(reason, WorkerUnfit) else WorkerLost(str(reason)) from error
        return {model.id: model.owned_by for model in page.data or ()}

    def _estimate(self, request: DrawRequest, began: float, *, billable: bool = True) -> Usage:
        """What a picture took where the server tells nothing: its share of the wall time."""
        spent = self._meter.spent(request.job_id)
        waited_s = max(0.0, self._clock() - began - spent.denoise_s)
        return Usage(
            queue_s=request.waited_s + waited_s,
            denoise_s=spent.denoise_s,
            gpu_s=spent.gpu_s,
            billable=billable,
            estimated=True,
        )

    @property
    def _api(self) -> openai.AsyncOpenAI:
        if self._client is None:
            raise WorkerLost("not started")
        return self._client


async def _end(events: openai.AsyncStream[Any]) -> None:
    """Close the connection, then run the client's generators to their end.

    One that is left half-way is collected at some time, perhaps when the loop is gone that it needs to close.
    """
    await events.close()
    with contextlib.suppress(openai.APIError):
        while await anext(events, None) is not None:
            pass


def _facts(answer: object) -> dict[str, Any]:
    """What another Easel adds to an answer, or to one of its pictures."""
    facts = getattr(answer, wire.EASEL, None)
    return facts if isinstance(facts, dict) else {}
