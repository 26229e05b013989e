"""What a stranger, a thief or a mischievous customer may try."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from itsdangerous import TimestampSigner

from tests.bot.web.conftest import config_for

if TYPE_CHECKING:
    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

PATH = "/v1/images/generations"


async def link(site: Site) -> str:
    text, _ = await site.key()
    async with site.http(text) as http:
        answer = await http.post(PATH, json={"prompt": "a cat", "response_format": "url"})
        return str(answer.json()["data"][0]["url"])


@pytest.mark.parametrize("path", [PATH, "/v1/models", "/v1/usage"])
async def test_no_key_no_answer(site: Site, path: str) -> None:
    expired, _ = await site.key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    revoked, key = await site.key()
    await site.service.store.keys.revoke(key.prefix, by="test")
    wrong = ["Bearer nonsense", "Basic YTpi", "Bearer", f"Bearer {expired}", f"Bearer {revoked}", revoked]
    method = "POST" if path == PATH else "GET"
    async with site.http() as http:
        for header in [None, *wrong]:
            headers = {"authorization": header} if header is not None else {}
            answer = await http.request(method, path, json={"prompt": "a cat"}, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_scope_opens_only_its_own(site: Site) -> None:
    reads, _ = await site.key(scopes=frozenset({"usage"}))
    draws, _ = await site.key(scopes=frozenset({"images"}))
    async with site.http(reads) as http:
        assert (await http.post(PATH, json={"prompt": "a cat"})).status_code == 403
        assert (await http.get("/v1/usage")).status_code == 200
    async with site.http(draws) as http:
        assert (await http.get("/v1/usage")).status_code == 403


@pytest.mark.parametrize(
    ("made_s_ago", "status"), [(0, 200), (3590, 200), (3601, 404), (-3600, 200)], ids=lambda value: str(value)
)
async def test_a_link_is_good_again_until_it_expires(
    site: Site, monkeypatch: pytest.MonkeyPatch, made_s_ago: int, status: int
) -> None:
    real = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: real(self) - made_s_ago)
    url = await link(site)  # a negative age: the machine's clock was set back since
    async with site.http() as http:
        assert [(await http.get(url)).status_code for _ in range(2)] == [status, status]


async def test_a_changed_link_shows_nothing(site: Site) -> None:
    url = await link(site)
    head, _, token = url.rpartition("/")
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(len(token))]
    async with site.http() as http:
        for forged in [*changed, token[:-1], token + "A", "", "a.b.c", ".", "%00", "é"]:
            answer = await http.get(f"{head}/{forged}")
            # base64 ignores some of its last bits: the same bytes are the same signature
            assert answer.status_code == 404 or forged[:-1] == token[:-1], forged


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/../../easel.db",
        "/pictures/..%2f..%2feasel.db",
        "/pictures/%2e%2e/%2e%2e/easel.db.key",
        "/pictures//etc/passwd",
        "/pictures/",
        "/pictures",
        "/../bot.toml",
        "/v1/models/..%2f..%2fbot.toml",
    ],
)
async def test_no_path_leads_to_a_file(site: Site, path: str) -> None:
    text, _ = await site.key()
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))  # a client would tidy the path up
    head = f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {text}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] in (b"404", b"307"), answer
    assert b"SQLite" not in answer


async def test_headers_cannot_be_injected(site: Site) -> None:
    text, _ = await site.key()
    evil = "1\r\nx-evil: 1"
    async with site.http(text) as http:
        for body in ({"prompt": evil}, {"prompt": "a", "size": evil}, {"prompt": "a", "user": evil}):
            answer = await http.post(PATH, json=body)
            assert "x-evil" not in answer.headers
        answer = await http.get("/v1/models/x%0d%0ax-evil:%201")
        assert (answer.status_code, "x-evil" in answer.headers) == (404, False)
        answer = await http.post(
            PATH, json={"prompt": "a", "response_format": "url"}, headers={"host": "evil.example"}
        )
        assert "evil.example" not in answer.text


async def test_a_link_leads_where_the_owner_says(stage: Stage) -> None:
    config = config_for(stage.folder, public_url="https://images.example.org/easel/")
    async with stage.site(config) as site:
        assert (await link(site)).startswith("https://images.example.org/easel/pictures/")


async def test_a_large_body_is_refused_whatever_it_claims(site: Site) -> None:
    text, _ = await site.key()

    async def pieces() -> object:
        for _ in range(100):
            yield b" " * 1024

    async with site.http(text) as http:
        claimed = await http.post(PATH, content=b" " * 70_000, headers={"content-type": "application/json"})
        hidden = await http.post(PATH, content=pieces(), headers={"content-type": "application/json"})  # type: ignore[arg-type]
    assert [answer.status_code for answer in (claimed, hidden)] == [413, 413]
    assert claimed.json()["error"]["code"] == "request_too_large"


async def test_guessing_is_slowed_down_by_address(stage: Stage) -> None:
    config = config_for(stage.folder, address_requests_a_minute=3, trusted_proxies=["127.0.0.1"])
    async with stage.site(config) as site, site.http("easel_guess_1") as http:

        async def tried(client: str) -> int:
            return (await http.get("/v1/models", headers={"x-forwarded-for": client})).status_code

        assert [await tried("203.0.113.5") for _ in range(4)] == [401, 401, 401, 429]
        assert await tried("203.0.113.6") == 401
        assert [await tried(f"2001:db8::{n}") for n in range(4)] == [401, 401, 401, 429]
        assert await tried("9.9.9.9, 203.0.113.5") == 429  # what a client claims before the proxy's word


async def test_without_a_trusted_proxy_a_forwarded_address_is_not_believed(stage: Stage) -> None:
    config = config_for(stage.folder, address_requests_a_minute=3)
    async with stage.site(config) as site, site.http("easel_guess_1") as http:
        codes = [
            (await http.get("/v1/models", headers={"x-forwarded-for": f"203.0.113.{n}"})).status_code
            for n in range(4)
        ]
    assert codes == [401, 401, 401, 429]


async def test_every_answer_is_careful_and_numbered(site: Site) -> None:
    text, _ = await site.key()
    async with site.http(text) as http:
        for answer in (
            await http.get("/v1/models"),
            await http.get("/nothing"),
            await http.get("/openapi.json"),
        ):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            assert "server" not in answer.headers
            assert len(answer.headers["x-request-id"]) == 16
