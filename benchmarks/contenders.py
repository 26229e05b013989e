"""Who draws the trace: three usual ways to put diffusers behind a bot, and Easel.

Each hands out PNG bytes, as a chat platform is sent them, and draws the same numbers: the same weights in
fp32, the same seeds, no caches. A contender is an async context manager with one verb, `draw`.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch
from diffusers import ZImagePipeline
from diffusers.utils.logging import disable_progress_bar

from benchmarks.machine import cores
from benchmarks.weights import MODEL
from bot.app import open_service
from bot.config.schema import Config
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from PIL import Image

    from benchmarks.trace import Arrival
    from bot.imagine.service import Service

SEED_PLACES = 3
"""Gradio's default_concurrency_limit in the set-up of the article."""


class Contender(Protocol):
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def draw(self, arrival: Arrival) -> bytes:
        """The picture as PNG, as soon as it could be sent."""

    async def figures(self) -> dict[str, float]:
        """What else it has to tell of itself."""


def load_pipeline() -> Any:
    """The weights in fp32, as Easel loads them on a CPU."""
    disable_progress_bar()
    pipeline: Any = ZImagePipeline.from_pretrained(MODEL, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def with_own_scheduler(pipeline: Any) -> Any:
    """A pipeline that shares the weights and nothing that changes while it draws."""
    mine = copy.copy(pipeline)
    mine.scheduler = copy.deepcopy(pipeline.scheduler)
    return mine


def call(pipeline: Any, prompt: str, width: int, height: int, steps: int, seed: int) -> Image.Image:
    """One picture the way diffusers' documentation draws it, and no longer a caption encoded than it is.

    The documentation's 512 tokens cost this small model a fifth of its time; the picture is the same.
    """
    picture: Image.Image = pipeline(
        prompt,
        max_sequence_length=caption_tokens(pipeline, prompt),
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=0.0,
        generator=torch.Generator("cpu").manual_seed(seed),
    ).images[0]
    return picture


def caption_tokens(pipeline: Any, prompt: str) -> int:
    """The length of the prompt, in the words that the pipeline puts around it."""
    message = [{"role": "user", "content": prompt}]
    text = pipeline.tokenizer.apply_chat_template(
        message, tokenize=False, add_generation_prompt=True, enable_thinking=True
    )
    return len(pipeline.tokenizer(text).input_ids)


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


class Threads:
    """`workers` threads, first in first out; each draws with its own scheduler over shared weights.

    With one worker it is the plain loop.
    """

    def __init__(self, workers: int, torch_threads: int) -> None:
        self._pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(torch_threads,))
        self._pipeline: Any = None

    async def __aenter__(self) -> Self:
        self._pipeline = load_pipeline()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.shutdown()

    async def draw(self, arrival: Arrival) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._draw, arrival)

    async def figures(self) -> dict[str, float]:
        return {}

    def _draw(self, a: Arrival) -> bytes:
        pipeline = with_own_scheduler(self._pipeline)
        return png(call(pipeline, a.prompt, a.width, a.height, a.steps, a.seed))


class Gradio:
    """The article's set-up: a Gradio server with three places, its own process, asked over loopback."""

    START_S = 120.0

    def __init__(self, torch_threads: int) -> None:
        self._torch_threads = torch_threads
        self._server: subprocess.Popen[bytes] | None = None
        self._client: Any = None
        self._downloads = tempfile.TemporaryDirectory()

    async def __aenter__(self) -> Self:
        from gradio_client import Client  # type: ignore[import-untyped]

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "benchmarks.gradio_app", str(port), str(self._torch_threads)]
        self._server = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.DEVNULL)
        await asyncio.to_thread(_wait_for, port, self._server, self.START_S)
        self._client = await asyncio.to_thread(
            Client,
            f"http://127.0.0.1:{port}",
            max_workers=2000,  # the backlog is to wait in the server's queue, not in the client's
            verbose=False,
            download_files=self._downloads.name,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.terminate()
        await asyncio.to_thread(self._server.wait)
        self._downloads.cleanup()

    async def draw(self, arrival: Arrival) -> bytes:
        a = arrival
        job = self._client.submit(a.prompt, a.width, a.height, a.steps, str(a.seed), api_name="/draw")
        path = await asyncio.wrap_future(job.future)
        return await asyncio.to_thread(Path(path).read_bytes)

    async def figures(self) -> dict[str, float]:
        return {}


def _wait_for(port: int, server: subprocess.Popen[bytes], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.2)
    raise RuntimeError("the Gradio server did not start")


class Easel:
    """The bot as it runs, below its faces: service, engine, store and ledger. Caches and caps are off."""

    def __init__(self, max_active: int = 3, processes: int | None = None) -> None:
        """`processes`: as many workers, each of them a Ray actor with one core."""
        self._folder = tempfile.TemporaryDirectory()
        config = easel_config(Path(self._folder.name), max_active)
        if processes is not None:
            ray = config.ray.model_copy(update={"workers": processes, "gpus": 0, "cpus": 1})
            engine = config.engine.model_copy(update={"backend": "ray"})
            config = config.model_copy(update={"engine": engine, "ray": ray})
        self._config, self._workers = config, processes or 1
        self._stack = contextlib.AsyncExitStack()
        self._service: Service | None = None
        self._began_s = 0.0

    @property
    def service(self) -> Service:
        assert self._service is not None
        return self._service

    async def __aenter__(self) -> Self:
        self._stack.enter_context(self._folder)
        self._service = await self._stack.enter_async_context(open_service(self._config))
        backend = self._service.models.default.backend
        while len(backend.snapshot().workers) < self._workers:  # noqa: ASYNC110 - nothing tells of the last
            await asyncio.sleep(0.1)
        self._began_s = backend.snapshot().totals.busy_s
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def draw(self, arrival: Arrival) -> bytes:
        a = arrival
        asker = Asker("bench", a.user, tier=a.tier)
        options = Options(a.prompt, size=f"{a.width}x{a.height}", steps=str(a.steps), seed=str(a.seed))
        live = await self.service.imagine(asker, options, key=f"{a.name} {a.seed}", address={})
        outcome = await live.outcome()
        if isinstance(outcome, Done):
            outcome = await self.service.read(outcome)
        if not isinstance(outcome, Done):
            raise RuntimeError(outcome.message.id)
        await self.service.delivered(live, a.name)
        return outcome.pictures[0].png

    async def figures(self) -> dict[str, float]:
        """Seconds in the ledger against seconds that any thread was busy."""
        billed_us, last = 0, 0
        while rows := await self.service.store.ledger.rows(after=last):
            billed_us += sum(row.gpu_us for row in rows)
            last = rows[-1].entry
        busy_s = self.service.models.default.backend.snapshot().totals.busy_s - self._began_s
        return {"billed_s": billed_us / 1e6, "busy_s": busy_s}


def easel_config(folder: Path, max_active: int = 3) -> Config:
    """The defaults, but for caches, caps, previews and watermarks."""
    tier = {"max_size": 256, "max_steps": 50, "max_waiting": 1_000_000}
    return Config.model_validate(
        {
            "model": {"path": "embedded"},
            "engine": {
                "max_active": max_active,
                "max_waiting": 1_000_000,
                "preview_every": 0,
                "embedding_cache_mb": 0,
                "result_cache_mb": 0,
            },
            "storage": {"folder": folder},
            "tiers": {
                "free": {**tier, "billing": "none", "weight": 1},
                "member": {**tier, "price": "0.05", "weight": 3},
                "premium": {**tier, "price": "0.03", "weight": 6},
            },
        }
    )


CONTENDERS: dict[str, Callable[[], Contender]] = {
    "plain loop, 1 torch thread": lambda: Threads(1, 1),
    "plain loop, 2 torch threads": lambda: Threads(1, 2),
    "Gradio, 1 torch thread": lambda: Gradio(1),
    "Gradio, 2 torch threads": lambda: Gradio(2),
    "2 threads, 1 torch thread each": lambda: Threads(2, 1),
    "3 threads, 1 torch thread each": lambda: Threads(3, 1),
    "2 threads, 2 torch threads each": lambda: Threads(2, 2),
    "Easel": Easel,
    "Easel, 6 places": lambda: Easel(6),
    "Easel, a process a core": lambda: Easel(processes=cores()),
}
"""Every contender in every setting that is tried."""
