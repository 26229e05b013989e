"""What stands around every answer, without a server."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from bot.web.middleware import RequestId

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}


async def test_a_request_cut_off_by_the_end_of_the_process_is_told_to_come_back() -> None:
    begun, sent = asyncio.Event(), list[Any]()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    serving = asyncio.ensure_future(RequestId(endless, "en")(SCOPE, receive, send))
    await begun.wait()
    serving.cancel()
    await serving
    assert sent[0]["status"] == 503
    assert (b"x-should-retry", b"true") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["error"]["code"] == "draining"
