"""Many clients of the HTTP API at once: `python -m benchmarks.crowd [--clients 64] [--seconds 60]`.

OpenAI's client against a server in a process of its own, over loopback: every second client streams, every
fourth wants links and fetches them. The model is a stand-in whose steps take no time, so this is the door's
own pace. In the end every picture that a client holds must be a charged row of the ledger, and no other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from openai import AsyncOpenAI

from bot.folders import open_store
from bot.web import serve
from tests.easel import FieldModel, config_in, easel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.config.schema import Config

KEYS = 4
START_S = 60.0


@dataclass
class Tally:
    """What the clients saw."""

    pictures: int = 0
    took_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def figures(self, seconds: float) -> dict[str, object]:
        cuts = statistics.quantiles(self.took_s, n=100) if len(self.took_s) > 1 else [0.0] * 99
        return {
            "requests_a_second": round(len(self.took_s) / seconds, 1),
            "pictures": self.pictures,
            "p50_ms": round(cuts[49] * 1000, 1),
            "p95_ms": round(cuts[94] * 1000, 1),
            "p99_ms": round(cuts[98] * 1000, 1),
            "failures": dict(self.failures),
        }


def config_for(folder: Path, port: int) -> Config:
    """No limit that the crowd would run into."""
    many = {"key_requests_a_minute": 10**6, "address_requests_a_minute": 10**6, "requests_at_once": 10**3}
    return config_in(folder, http={"enabled": True, "port": port, **many}, engine={"max_active": 8})


async def main(clients: int, seconds: float) -> tuple[Tally, int]:
    """Let the crowd in; what they saw, and how many images the ledger has charged."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        folder, tally = Path(name), Tally()
        async with open_store(config_for(folder, port)):
            pass  # only a bot that serves makes a database
        async with open_store(config_for(folder, port), serving=False) as store:
            scopes = frozenset({"images"})
            keys = [
                (await store.keys.create("crowd", scopes=scopes, tier="enterprise", by="crowd"))[0]
                for _ in range(KEYS)
            ]
            async with _server(folder, port) as url, contextlib.AsyncExitStack() as open_clients:
                crowd = [_client(url, keys[number % KEYS]) for number in range(clients)]
                http = await open_clients.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=120))
                for client in crowd:
                    await open_clients.enter_async_context(client)
                until = time.monotonic() + seconds
                asking = (_ask(client, http, number, until, tally) for number, client in enumerate(crowd))
                await asyncio.gather(*asking)
            return tally, sum(row.charged for row in await store.ledger.rows(limit=10**6))


@contextlib.asynccontextmanager
async def _server(folder: Path, port: int) -> AsyncIterator[str]:
    """The bot in a process of its own, stopped as a supervisor stops it."""
    words = ("-m", "benchmarks.crowd", "--serve", str(folder), str(port))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(START_S), httpx.AsyncClient(trust_env=False) as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await http.get(f"{url}/healthz")
                    break
                await asyncio.sleep(0.1)
        yield url
    finally:
        process.terminate()
        await process.wait()


def _client(url: str, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0, timeout=120)


async def _ask(client: AsyncOpenAI, http: httpx.AsyncClient, number: int, until: float, tally: Tally) -> None:
    """One request after the other, until it is time to go."""
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            pictures = await _draw(client, http, number)
        except Exception as error:
            tally.failures[f"{type(error).__name__}: {error}"[:100]] += 1
        else:
            tally.pictures += pictures
            tally.took_s.append(time.monotonic() - began)


async def _draw(client: AsyncOpenAI, http: httpx.AsyncClient, number: int) -> int:
    if number % 2:
        stream = await client.images.generate(prompt=f"cat {number}", stream=True, partial_images=1)
        return len([event async for event in stream if event.type == "image_generation.completed"])
    how = "url" if number % 4 == 0 else "b64_json"
    answer = await client.images.generate(prompt=f"cat {number}", n=2, response_format=how)
    for image in answer.data or []:
        if image.url is not None:
            (await http.get(image.url)).raise_for_status()
    return len(answer.data or [])


async def _serve(folder: str, port: str) -> None:
    config = config_for(Path(folder), int(port))
    async with easel(config, FieldModel()) as service:
        serving = asyncio.create_task(serve(service, config))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        await asyncio.gather(serving, return_exceptions=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"), help="be the server")
    words = parser.parse_args()
    if words.serve:
        asyncio.run(_serve(*words.serve))
    else:
        seen, charged = asyncio.run(main(words.clients, words.seconds))
        figures = {"clients": words.clients, **seen.figures(words.seconds), "charged": charged}
        print(json.dumps(figures, indent=2))
        sys.exit(0 if charged == seen.pictures and not seen.failures else 1)
