"""Programs with API keys. What they call is the HTTP API itself, from the check of the key to the last byte;
only the server's sockets are the world's.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import Request

from bot.messages import UserError
from bot.tasks import Tasks
from bot.web.app import secret
from bot.web.caller import Authenticator
from bot.web.delivery import Delivery
from bot.web.errors import ApiError, failed
from bot.web.images import Images, router
from bot.web.links import Links
from bot.web.rate_limit import RateLimit
from bot.web.schemas import GenerationRequest
from storage.errors import StorageError
from storage.keys import PLATFORM
from storage.records.members import KeyScope

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from bot.imagine.service import Service

DRAINED_S = 30.0
BY = "world"
NO_KEY = "easel_0_0"
COMPLETED = b"event: image_generation.completed\ndata: "
SPEND_CAPS = (None, None, 60_000, 200_000)
REFUSED = {400, 401, 403, 404, 409}
"""What no second try changes."""


@dataclass(eq=False)
class Client:
    """A program and the key that an owner made for it."""

    name: str
    tier: str
    spend_cap_micro: int | None
    revoked_at_s: float
    text: str = ""
    revoked: bool = False


@dataclass(eq=False)
class Call:
    """A request of a client. With an Idempotency-Key it is tried again where the connection breaks."""

    at_s: float
    client: Client
    key: str
    images: int
    streams: bool
    comes_back: bool
    leaves_after_s: float | None
    """Hangs up then, once, and comes back where it has an Idempotency-Key."""
    leaves_at_its_nth: int | None
    """The same, at a piece of the answer."""
    tries: int = 0
    left: bool = False
    """It hung up of its own accord, perhaps with the last byte in hand: such pictures are not charged, three
    times a day.
    """
    cut: bool = False
    """A connection ended with the process, perhaps between the last byte and the charge."""
    over: bool = False
    connections: list[Connection] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """What its Idempotency-Key becomes."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


@dataclass(eq=False)
class Clients:
    """All programs, which outlive the bot."""

    clients: list[Client]
    calls: list[Call]
    chance: random.Random
    trace: Callable[..., None]
    open: list[Call] = field(default_factory=list)
    given: list[Call] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> Call:
        """The next call, at its time."""
        loop = asyncio.get_running_loop()
        while not self.calls or self.calls[0].at_s > loop.time():
            self.changed = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self.calls[0].at_s if self.calls else None):
                    await self.changed.wait()
        call = self.calls.pop(0)
        self.open.append(call)
        if call not in self.given:
            self.given.append(call)
        return call

    def ended(self, call: Call, now: float) -> None:
        """Its connection is over; who has not got everything may try again."""
        self.open.remove(call)
        call.tries += 1
        told = call.connections[-1]
        call.over = not call.comes_back or call.tries > 5 or told.whole or told.status in REFUSED
        if not call.over:
            call.at_s = now + self.chance.uniform(1, 20)
            call.leaves_after_s = call.leaves_at_its_nth = None
            self.calls = sorted([*self.calls, call], key=lambda call: call.at_s)
            self.changed.set()

    def asked_as(self, job_key: str) -> Call | None:
        """The call with an Idempotency-Key that became a request under this key of its source."""
        digest = job_key.split(":")[1]
        return next((call for call in self.given if call.comes_back and call.digest == digest), None)

    def process_died(self, now: float) -> None:
        """Every connection is cut. Calls that came meanwhile met a closed port, and are tried later."""
        for call in [*self.open]:
            call.cut = True
            self.ended(call, now)
        for call in self.calls:
            call.at_s = max(call.at_s, now + self.chance.uniform(0, 10))

    @property
    def quiet(self) -> bool:
        """Nobody calls any more."""
        return not self.calls and not self.open


def draw_clients(chance: random.Random, active_s: float, trace: Callable[..., None]) -> Clients:
    """Often none, otherwise one or two with a few calls."""
    clients = [
        Client(
            f"program {n}",
            chance.choice(["free", "member", "enterprise"]),
            chance.choice(SPEND_CAPS),
            chance.choice([1e9, 1e9, chance.uniform(0, active_s)]),
        )
        for n in range(chance.choice([0, 0, 1, 2]))
    ]
    calls = [
        Call(
            chance.uniform(0, active_s),
            client,
            f"{client.name}, call {n}",
            images=chance.choice([1, 1, 2, 4]),
            streams=chance.random() < 0.4,
            comes_back=chance.random() < 0.5,
            leaves_after_s=chance.uniform(0, 20) if chance.random() < 0.2 else None,
            leaves_at_its_nth=chance.randint(1, 6) if chance.random() < 0.2 else None,
        )
        for client in clients
        for n in range(chance.randint(1, 6))
    ]
    return Clients(clients, sorted(calls, key=lambda call: call.at_s), chance, trace)


class Api:
    """The HTTP face of one life of the process."""

    def __init__(self, service: Service, clients: Clients) -> None:
        self._service, self._clients = service, clients
        self._delivery, limit = Delivery(service), RateLimit(service.config.http)
        authenticator = Authenticator(service.store, limit)
        links = Links(secret(service), 60.0, None)
        routes = router(Images(service, self._delivery, links), authenticator, limit).routes
        endpoints = {route.path: route.endpoint for route in routes if isinstance(route, APIRoute)}
        self._generations = endpoints["/v1/images/generations"]
        self._caller = authenticator.needs(KeyScope.IMAGES)
        self._tasks = Tasks(PLATFORM)

    async def serve(self) -> None:
        """Until cancelled; then as uvicorn is stopped."""
        await self._delivery.recover()
        try:
            await asyncio.gather(self._take_calls(), *map(self._own, self._clients.clients))
        finally:
            await self._delivery.drain(DRAINED_S)
            await self._delivery.close()
            await self._tasks.close()

    async def _take_calls(self) -> None:
        while True:
            self._tasks.start(self._answer(await self._clients.next()))

    async def _own(self, client: Client) -> None:
        """The owner makes a key, and takes it back at its time."""
        keys, loop = self._service.store.keys, asyncio.get_running_loop()
        while not client.revoked:
            try:
                if not client.text:
                    terms: dict[str, Any] = {
                        "scopes": frozenset(KeyScope),
                        "tier": client.tier,
                        "spend_cap_micro": client.spend_cap_micro,
                    }
                    client.text, _ = await keys.create(client.name, by=BY, **terms)
                await asyncio.sleep(client.revoked_at_s - loop.time())
                await keys.revoke(client.text.split("_")[1], by=BY)
                client.revoked = True
            except StorageError:
                await asyncio.sleep(5)

    async def _answer(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(call, call.client.revoked)
        call.connections.append(connection)
        if call.leaves_after_s is not None:
            loop.call_later(call.leaves_after_s, connection.leave)
        try:
            await self._serve(call, connection)
        except ApiError as error:
            connection.status = error.kind.status
        except UserError as error:
            connection.status = failed(error.message).kind.status
        except StorageError:  # as the application's handler answers
            connection.status = 503
        self._clients.trace("api", key=call.key, status=connection.status, pictures=connection.pictures)
        self._clients.ended(call, loop.time())

    async def _serve(self, call: Call, connection: Connection) -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
        request = Request(scope)
        bearer = HTTPAuthorizationCredentials(scheme="Bearer", credentials=call.client.text or NO_KEY)
        caller = await self._caller(request, bearer)
        body = GenerationRequest(prompt="a cat", n=call.images, stream=call.streams)
        response = await self._generations(request, body, caller, call.key if call.comes_back else None)
        await response(scope, connection.receive, connection.send)


class Connection:
    """A client's end of one. What arrived there stays, whatever becomes of the bot."""

    def __init__(self, call: Call, after_revoked: bool) -> None:
        self._call = call
        self._bytes, self._sent = bytearray(), bytearray()
        self._gone = asyncio.Event()
        self._pieces = 0
        self.after_revoked = after_revoked
        self.status = 0
        self.whole = self._ended = False

    def leave(self) -> None:
        """Hang up, where the answer is not here yet."""
        if not self.whole:
            self._call.left = True
            self._gone.set()

    async def receive(self) -> dict[str, object]:
        """What the client does."""
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        """Take what the bot sends."""
        await asyncio.sleep(0.01)
        self._pieces += 1
        if self._pieces == self._call.leaves_at_its_nth:
            self.leave()
        self._sent += message.get("body", b"")
        self._ended = not message.get("more_body", True)
        if self._gone.is_set():
            return
        self.status = message.get("status", self.status)
        self._bytes += message.get("body", b"")
        self.whole = self._ended

    @property
    def pictures(self) -> tuple[str, ...]:
        """For each picture that is here in full, its request."""
        return self._in(self._bytes, whole=self.whole)

    @property
    def sent(self) -> tuple[str, ...]:
        """The same of each that the bot has sent in full, whether or not anybody still listened."""
        return self._in(self._sent, whole=self._ended)

    @property
    def partly(self) -> int:
        """Pictures in the part of an answer that was sent before it broke off: whose, its end would tell."""
        return 0 if self._call.streams or self._ended else self._sent.count(b'"b64_json":')

    def _in(self, content: bytearray, *, whole: bool) -> tuple[str, ...]:
        if self._call.streams:
            events = [event for event in bytes(content).split(b"\n\n")[:-1] if event.startswith(COMPLETED)]
            return tuple(json.loads(e.removeprefix(COMPLETED))["easel"]["request_id"] for e in events)
        answer = json.loads(content) if whole else {"data": (), "easel": {"request_id": ""}}
        return tuple(answer["easel"]["request_id"] for _ in answer["data"])
