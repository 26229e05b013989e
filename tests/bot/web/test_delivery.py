"""Who leaves, who comes back, who does not read: nothing accepted is lost, nobody pays twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from openai import (
    APIError,
    APIStatusError,
    ConflictError,
    DefaultAsyncHttpxClient,
    InternalServerError,
    RateLimitError,
)
from PIL import Image

from bot.imagine.asker import Asker
from bot.imagine.options import Options
from tests.bot.web.conftest import config_for
from tests.easel import FieldCanvas, FieldModel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from storage.records.members import ApiKey, Quota
    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

PATH = "/v1/images/generations"
KEY = {"idempotency-key": "order 66"}


async def until(site: Site, key: ApiKey, waiting: int) -> None:
    """The key has so many requests being drawn."""
    async with asyncio.timeout(PATIENCE_S):
        while len(site.service.requests.unfinished(key.member)) != waiting:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)


async def quota(site: Site, key: ApiKey) -> tuple[int, int]:
    await site.settled()
    had: Quota = await site.service.members.quota(Asker("api", key.prefix))
    return had.used, had.reserved


def pictures(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [image["b64_json"] for image in answer.json()["data"]]


async def leave_halfway(site: Site, text: str, key: ApiKey, **headers: str) -> None:
    """Ask, and hang up while it is drawn."""
    async with site.http(text, **headers) as http:
        asking = asyncio.create_task(http.post(PATH, json={"prompt": "a cat"}))
        await until(site, key, 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_whoever_leaves_without_a_key_cancels(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    await leave_halfway(site, text, key)
    site.model.gate.set()
    assert await quota(site, key) == (0, 0)
    assert site.model.drawn == []


async def test_whoever_leaves_with_a_key_finds_the_picture_waiting(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    await leave_halfway(site, text, key, **KEY)
    site.model.gate.set()
    assert await quota(site, key) == (0, 1)  # drawn and kept, not charged
    async with site.http(text, **KEY) as http:
        first = pictures(await http.post(PATH, json={"prompt": "a cat"}))
        assert await quota(site, key) == (1, 0)
        again = pictures(await http.post(PATH, content=b'{ "prompt" : "a cat" , "n": null }', headers={
            "content-type": "application/json"}))  # fmt: skip
    assert first == again
    assert await quota(site, key) == (1, 0)
    assert len(site.model.drawn) == 1


async def test_two_at_once_with_one_key_are_one_request(site: Site) -> None:
    text, key = await site.key()
    async with site.http(text, **KEY) as http:
        asked = [http.post(PATH, json={"prompt": "a cat", "n": 2}) for _ in range(5)]
        answers = [pictures(answer) for answer in await asyncio.gather(*asked)]
    assert answers == [answers[0]] * 5
    assert await quota(site, key) == (2, 0)


async def test_the_same_key_with_another_body_is_a_conflict(site: Site) -> None:
    text, key = await site.key()
    async with site.client(text, max_retries=2) as client:
        await client.images.generate(prompt="a cat", extra_headers=KEY)
        with pytest.raises(ConflictError) as refused:
            await client.images.generate(prompt="a dog", extra_headers=KEY)
    assert refused.value.code == "idempotency_key_reused"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert await quota(site, key) == (1, 0)


async def test_one_key_knows_nothing_of_anothers_requests(site: Site) -> None:
    (mine, _), (theirs, other) = await site.key(), await site.key()
    async with site.http(mine, **KEY) as me, site.http(theirs, **KEY) as them:
        first = pictures(await me.post(PATH, json={"prompt": "a cat", "seed": 1}))
        assert pictures(await them.post(PATH, json={"prompt": "a dog", "seed": 2})) != first
    assert await quota(site, other) == (1, 0)


class Noise(FieldModel):
    """Pictures that no PNG makes small."""

    def decode(self, canvas: FieldCanvas, *, tile_px: int | None) -> Image.Image:
        size = super().decode(canvas, tile_px=tile_px).size
        return Image.frombytes("RGB", size, os.urandom(size[0] * size[1] * 3))


@contextlib.asynccontextmanager
async def tiny_reader(site: Site, text: str, *, stream: bool = False) -> AsyncIterator[socket.socket]:
    """A client that has asked for four large pictures and has room for little of the answer."""
    host, port = site.url.removeprefix("http://").split(":")
    body = json.dumps({"prompt": "noise", "n": 4, "size": "256x256", "stream": stream}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {text}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        wire.setblocking(False)
        await asyncio.get_running_loop().sock_connect(wire, (host, int(port)))
        await asyncio.get_running_loop().sock_sendall(wire, head.encode() + body)
        yield wire


async def test_a_slow_reader_holds_nobody_and_pays_nothing(stage: Stage) -> None:
    stage.model = Noise()
    async with stage.site(config_for(stage.folder, send_timeout=0.5)) as site:
        text, key = await site.key()
        async with tiny_reader(site, text), site.client(text) as client:
            assert (await client.images.generate(prompt="a cat")).data
            assert await quota(site, key) == (
                2,
                0,
            )  # of the four unread three are given back


async def test_whoever_hangs_up_on_drawn_pictures_gets_three_back_a_day(stage: Stage) -> None:
    stage.model = Noise()
    async with stage.site() as site:
        text, key = await site.key()
        async with tiny_reader(site, text) as wire:
            assert (await asyncio.get_running_loop().sock_recv(wire, 100)).startswith(b"HTTP/1.1 200")
        assert await quota(site, key) == (1, 0)
        assert len(site.model.drawn) == 4


async def test_whom_the_bots_end_cut_off_pays_nothing(stage: Stage) -> None:
    async with stage.site() as site:
        text, key = await site.key()
        asker = Asker("api", key.prefix, admitted=True)
        options = Options(prompt="a cat", images="4")
        live = await site.service.imagine(asker, options, key="cut off", address={"comes_back": False})
        await live.outcome()
    async with stage.site() as site:
        async with site.http(text) as http:  # once it is answered, the last process's requests are taken over
            await http.get("/readyz")
        assert await quota(site, key) == (0, 0)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "answer"])
async def test_each_picture_is_charged_when_its_bytes_are_handed_over(stage: Stage, stream: bool) -> None:
    stage.model = Noise()
    async with stage.site() as site:
        text, key = await site.key()
        async with tiny_reader(site, text, stream=stream) as wire:
            loop, had = asyncio.get_running_loop(), b""
            async with asyncio.timeout(PATIENCE_S):
                while had.count(b"b64_json") < 4:  # the fourth has begun, so three are in hand
                    had += await loop.sock_recv(wire, 65_536)
        assert (await quota(site, key))[0] >= 3


async def test_a_failed_request_is_drawn_again_under_its_key(site: Site) -> None:
    text, key = await site.key()
    site.model.fail = [RuntimeError("boom")] * 9
    async with site.client(text) as client:
        with pytest.raises(InternalServerError):
            await client.images.generate(prompt="a cat", extra_headers=KEY)
        site.model.fail = []
        first = await client.images.generate(prompt="a cat", extra_headers=KEY)
        again = await client.images.generate(prompt="a cat", extra_headers=KEY)
    assert first.data
    assert again.data
    assert first.data[0].b64_json == again.data[0].b64_json
    assert await quota(site, key) == (1, 0)


async def test_pictures_that_nobody_fetches_are_charged_when_too_many_wait(stage: Stage) -> None:
    config = config_for(stage.folder, unfetched_by_key=1)
    async with stage.site(config) as site:
        text, key = await site.key()
        for event in ("a", "b"):
            site.model.gate.clear()
            await leave_halfway(site, text, key, **{"idempotency-key": event})
            site.model.gate.set()
            await site.settled()
        assert await quota(site, key) == (1, 1)
        async with site.http(text) as http:
            for event in ("a", "b"):
                headers = {"idempotency-key": event}
                pictures(await http.post(PATH, json={"prompt": "a cat"}, headers=headers))
        assert await quota(site, key) == (2, 0)
        assert len(site.model.drawn) == 2


async def test_leaving_a_stream_cancels_it(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    async with site.client(text) as client:
        stream = await client.images.generate(prompt="a cat", stream=True)
        await until(site, key, 1)
        await stream.close()
    site.model.gate.set()
    assert await quota(site, key) == (0, 0)
    assert site.model.drawn == []


async def test_a_stream_that_must_wait_ends_with_an_error_when_the_bot_stops(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    async with site.client(text) as client:
        stream = await client.images.generate(prompt="a cat", stream=True, n=4, extra_headers=KEY)
        await until(site, key, 1)
        await site.delivery.drain(0)
        with pytest.raises(APIError, match="restarting"):
            async for _ in stream:
                pass
    site.model.gate.set()
    assert await quota(site, key) == (0, 4)  # kept for whoever comes back with the key


async def test_a_stopping_bot_sends_away_who_waits_and_finishes_what_it_draws(stage: Stage) -> None:
    stage.model.gate.clear()
    async with stage.site() as site:
        text, key = await site.key()
        async with site.http(text) as http:
            drawn = asyncio.create_task(http.post(PATH, json={"prompt": "a cat"}))
            await until(site, key, 1)
            async with asyncio.timeout(PATIENCE_S):
                while not site.service.models.default.backend.snapshot().active:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            draining = asyncio.create_task(site.delivery.drain(30))
            await asyncio.sleep(0)
            late = await http.post(PATH, json={"prompt": "a dog"})
            assert late.status_code == 503
            assert int(late.headers["retry-after"]) > 0
            assert (await http.get("/readyz")).status_code == 503
            site.model.gate.set()
            assert len(pictures(await drawn)) == 1
            await draining
        assert await quota(site, key) == (1, 0)


async def test_who_waits_while_the_bot_stops_is_told_at_once(stage: Stage) -> None:
    stage.model.gate.clear()
    async with stage.site() as site:
        text, key = await site.key()
        body = {"prompt": "a cat", "n": 4}
        async with site.http(text) as http:
            asked = [asyncio.create_task(http.post(PATH, json=body)) for _ in range(3)]
            await until(site, key, 3)
            await site.delivery.drain(0)
            answers = await asyncio.gather(*asked)
        assert {answer.status_code for answer in answers} == {503}
        stage.model.gate.set()
        assert await quota(site, key) == (0, 0)


async def test_an_empty_purse_is_not_asked_twice(site: Site) -> None:
    text, key = await site.key(spend_cap_micro=50_000)
    calls: list[Any] = []
    noting = DefaultAsyncHttpxClient(event_hooks={"response": [_noting(calls)]})
    async with site.client(text, max_retries=3, http_client=noting) as client:
        await client.images.generate(prompt="a cat", n=2)
        with pytest.raises(RateLimitError) as refused:
            await client.images.generate(prompt="a cat")
    assert refused.value.code == "insufficient_quota"
    assert len(calls) == 2
    assert await quota(site, key) == (2, 0)


def _noting(calls: list[Any]) -> Any:
    async def note(response: Any) -> None:
        calls.append(response)

    return note


async def test_a_cap_holds_for_many_at_once(site: Site) -> None:
    text, key = await site.key(spend_cap_micro=100_000)
    async with site.http(text) as http:
        asked = [http.post(PATH, json={"prompt": "a cat"}) for _ in range(20)]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [429] * 15
    assert await quota(site, key) == (5, 0)


async def test_a_client_tries_again_what_failed(site: Site) -> None:
    text, key = await site.key()
    site.model.fail = [RuntimeError("boom")]
    async with site.client(text, max_retries=2) as client:
        assert (await client.images.generate(prompt="a cat")).data
        site.model.fail = [RuntimeError("boom")] * 9
        with pytest.raises(InternalServerError):
            await client.with_options(max_retries=0).images.generate(prompt="a cat", extra_headers=KEY)
    assert (await quota(site, key))[0] == 1


async def test_too_fast_and_too_many_at_once_are_told_when_to_come_back(stage: Stage) -> None:
    stage.model.gate.clear()
    config = config_for(stage.folder, key_requests_a_minute=3, requests_at_once=1)
    async with stage.site(config) as site:
        text, key = await site.key()
        async with site.client(text) as client:
            first = asyncio.create_task(client.images.generate(prompt="a cat"))
            await until(site, key, 1)
            for code in ("rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_exceeded"):
                with pytest.raises(APIStatusError) as refused:
                    await client.images.generate(prompt="a cat")
                assert (refused.value.status_code, refused.value.code) == (429, code)
                assert 0 < int(refused.value.response.headers["retry-after"]) <= 60
            site.model.gate.set()
            await first
        assert await quota(site, key) == (1, 0)
