"""Schemathesis makes up requests from the document that the server publishes, fitting ones and others."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from tests.bot.web.conftest import Stage, config_for
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

OPERATIONS = {
    "/v1/images/generations": 40,
    "/v1/images/edits": 15,
    "/v1/models/{model}": 10,
    "/v1/usage": 10,
    "/pictures/{token}": 10,
}
"""What is asked, and how many times each way."""
NO_SUCH = "/pictures/{token}", schemathesis.GenerationMode.NEGATIVE
"""Any text fits a token."""
SECRETS = ("Traceback", 'File "', "sqlite", "site-packages", "/tmp/", "easel.db")
BOUNDED = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Running:
    """A server on a thread of its own, since schemathesis calls block."""

    url: str
    key: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, ready, found = tmp_path_factory.mktemp("fuzz"), threading.Event(), []
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def serve(folder: Path) -> None:
        many = config_for(folder, key_requests_a_minute=100_000, address_requests_a_minute=100_000)
        async with Stage(folder).site(many) as site:
            text, _ = await site.key()
            found.append(Running(site.url, text))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(folder),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


@pytest.mark.parametrize(
    ("path", "mode"),
    [(path, mode) for path in OPERATIONS for mode in schemathesis.GenerationMode if (path, mode) != NO_SUCH],
)
def test_whatever_comes_is_answered_as_documented(
    running: Running, path: str, mode: schemathesis.GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    operation = schema[path]["POST" if path.startswith("/v1/images/") else "GET"]
    statuses: list[int] = []

    @settings(BOUNDED, max_examples=OPERATIONS[path])
    @given(operation.as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        response = case.call(headers={"authorization": f"Bearer {running.key}"}, timeout=PATIENCE_S)
        statuses.append(response.status_code)
        case.validate_response(response, checks=[CHECKS.get_one(name) for name in EXPECTED])
        assert not any(secret in response.text for secret in SECRETS)

    answered()
    assert statuses
    if path == "/v1/images/generations" and mode is schemathesis.GenerationMode.POSITIVE:
        assert 200 in statuses


EXPECTED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
