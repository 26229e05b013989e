"""The pictures that members bring, on the owner's page: seen, taken to a report, and deleted."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bot.commands import buttons, edits
from bot.commands.button_ids import Action, Press
from bot.imagine.inputs import Brought
from bot.imagine.options import Options
from bot.messages import UserError, translator
from tests.bot.web.test_admin import ANNA, OWNER, drawn, link, number, owned, spend, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from bot.imagine.live import LiveRequest
    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

T = translator("en")


@pytest.fixture
async def site(stage: Stage, tmp_path: Path) -> AsyncIterator[Site]:
    async with stage.site(owned(tmp_path)) as site:
        yield site


@pytest.fixture
async def owner(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.http() as http:
        await spend(http, await link(site))
        yield http


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (128, 128), colour).save(file, "PNG")
    return file.getvalue()


async def varied(site: Site, key: str, colour: str = "orange") -> LiveRequest:
    """A request of Anna's, drawn from a picture of hers and delivered."""
    live = await asked(site, key, colour)
    await live.outcome()
    await site.service.delivered(live, "a message")
    return live


async def asked(site: Site, key: str, colour: str = "orange") -> LiveRequest:
    options, brought = Options("a private cat", size="128x128"), Brought(picture(colour))
    return await site.service.imagine(ANNA, options, key=key, address={}, brought=brought)


async def test_each_picture_shows_what_it_was_drawn_from_blurred_until_asked_for(
    site: Site, owner: httpx.AsyncClient
) -> None:
    live, plain = await varied(site, "1"), await drawn(site, "2")
    digest = live.request.init
    page = (await owner.get("/admin/pictures")).text
    figures = dict(re.findall(r'<figure id="([^"]+)">(.*?)</figure>', page, re.DOTALL))
    assert f'src="/admin/sources/{digest}"' in figures[f"{live.request_id}-0"]
    assert "/admin/sources/" not in figures[plain]
    listed = (await owner.get("/admin/sources")).text
    assert T("page-source") in listed
    assert f'/admin/members/{await number(site, ANNA)}"' in listed
    assert "private cat" not in listed
    shown = (await owner.get(f"/admin/sources?day=2020-01-01&show={digest}")).text
    assert "a private cat" in shown
    assert f"/admin/sources/{digest}?clear=1" in shown
    clear = Image.open(io.BytesIO((await owner.get(f"/admin/sources/{digest}?clear=1")).content))
    assert clear.size == (128, 128)


async def test_a_result_that_is_used_again_is_seen_and_not_listed(
    site: Site, owner: httpx.AsyncClient
) -> None:
    first = await varied(site, "1")
    press = Press(Action.SUBTLE, first.request_id)
    little = await edits.draw(site.service, ANNA, press, key="2", address={})
    await little.outcome()
    await site.service.delivered(little, "a message")
    again = await buttons.again(site.service, ANNA, little.request_id, key="3", address={})
    await again.outcome()
    digest = little.request.init
    assert again.request.init == digest != first.request.init
    listed = (await owner.get("/admin/sources")).text
    assert first.request.init in listed
    assert digest not in listed
    assert f'src="/admin/sources/{digest}"' in (await owner.get("/admin/pictures")).text
    assert f"/admin/sources/{digest}?clear=1" in (await owner.get(f"/admin/sources?show={digest}")).text


async def test_one_used_twice_is_listed_once_and_by_day_and_member(
    site: Site, owner: httpx.AsyncClient
) -> None:
    live = await varied(site, "1")
    await varied(site, "2")
    for query, times in (("", 1), ("?who=1", 1), ("?who=99", 0), ("?day=2020-01-01", 0)):
        page = (await owner.get(f"/admin/sources{query}")).text
        assert page.count(f'<figure id="{live.request.init}"') == times, query
    member = (await owner.get(f"/admin/members/{await number(site, ANNA)}")).text
    assert f"/admin/sources?who=%23{await number(site, ANNA)}" in member


async def test_it_is_seen_though_its_request_failed(site: Site, owner: httpx.AsyncClient) -> None:
    site.model.fail = [RuntimeError("boom")]
    live = await varied(site, "1")
    assert live.request.init in (await owner.get("/admin/sources")).text
    facts = (await owner.get(f"/admin/sources/{live.request.init}/facts")).json()
    assert facts["requests"][0]["jobs"] == {f"{live.request_id}-0": "failed"}


async def test_it_can_be_taken_to_a_report(site: Site, owner: httpx.AsyncClient) -> None:
    first, second = await varied(site, "1"), await varied(site, "2")
    digest = first.request.init
    file = await owner.get(f"/admin/sources/{digest}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert hashlib.sha256(file.content).hexdigest() == digest
    facts = (await owner.get(f"/admin/sources/{digest}/facts")).json()
    assert facts["sha256"] == digest
    assert [one["request"] for one in facts["requests"]] == [second.request_id, first.request_id]
    assert {(one["member"], one["asked"]["prompt"]) for one in facts["requests"]} == {
        ("discord 1", "a private cat")
    }
    for path in ("0" * 64, "x", "..%2f..%2feasel.db"):
        for what in ("", "/file", "/facts"):
            assert (await owner.get(f"/admin/sources/{path}{what}")).status_code == 404


async def test_it_is_deleted_once_it_is_sure_and_what_was_drawn_stays(
    site: Site, owner: httpx.AsyncClient
) -> None:
    live, other = await varied(site, "1"), await varied(site, "2", "blue")
    store, digest, job = site.service.store, live.request.init, f"{live.request_id}-0"
    fields = {"token": token(await owner.get("/admin/")), "source": digest, "why": "a photo of somebody"}
    question = await owner.post("/admin/remove-source", data=fields)
    assert T("page-remove-source-question") in question.text
    assert await store.pictures.get_input(digest)
    done = await owner.post("/admin/remove-source", data=fields | {"sure": "yes"}, follow_redirects=True)
    assert T("page-removed") in done.text
    assert digest not in done.text
    assert other.request.init in done.text
    for what in ("", "/file", "/facts"):
        assert (await owner.get(f"/admin/sources/{digest}{what}")).status_code == 404
    page = (await owner.get(f"/admin/pictures?show={job}")).text
    assert f'<figure id="{job}">' in page
    assert digest not in page
    (row,) = await store.audit.rows(subject=(await site.service.members.of(ANNA)).key)
    assert (row.action, row.by) == ("delete_source", (await site.service.members.of(OWNER)).key)
    assert (row.detail, row.why) == (f'{{"sha256": "{digest}"}}', "a photo of somebody · admin page")
    with pytest.raises(UserError, match="error-picture-gone"):
        await buttons.again(site.service, ANNA, live.request_id, key="3", address={})
    assert await store.check() == []
    late = await owner.post("/admin/remove-source", data=fields | {"sure": "yes"})
    assert (late.status_code, T("page-source-needed") in late.text) == (400, True)


async def test_it_stays_while_something_is_to_be_drawn_from_it(site: Site, owner: httpx.AsyncClient) -> None:
    digest = (await varied(site, "1")).request.init
    site.service.models.default.backend.pause_admission()
    live = await asked(site, "2")
    fields = {"token": token(await owner.get("/admin/")), "source": digest, "sure": "yes"}
    refused = await owner.post("/admin/remove-source", data=fields)
    assert (refused.status_code, T("page-source-needed") in refused.text) == (400, True)
    assert await site.service.store.pictures.get_input(digest)
    site.service.models.default.backend.resume_admission()
    await live.outcome()
    assert (await owner.post("/admin/remove-source", data=fields)).status_code == 303
    await site.service.delivered(live, "a message")
    assert f"{live.request_id}-0" in (await owner.get("/admin/pictures")).text
