"""The owner's page: who gets in, what it shows, what it changes; and what somebody else cannot make of it."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import re
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from bot.commands import owners
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import LANGUAGES, UserError, say, translator
from bot.web.admin.exports import members_csv
from bot.web.admin.gallery import small
from storage.records.figures import MemberLine, Tally
from storage.records.members import Identity, Member, MemberName
from storage.records.requests import CancelledBy
from tests.bot.web.conftest import Stage, config_for
from tests.storage.house import HandClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.bot.web.conftest import Site

pytestmark = pytest.mark.e2e

OWNER, ANNA = Asker("telegram", "99"), Asker("discord", "1")
T = translator("en")
ACCOUNT = {"platform": "discord", "user": "1"}
SCRIPT = "<script>alert('cat')</script>"


def owned(folder: Path, **http: Any) -> Any:
    return config_for(folder, **http).model_copy(
        update={"owners": config_for(folder).owners.model_copy(update={"telegram": (99,)})}
    )


@pytest.fixture
async def site(stage: Stage, tmp_path: Path) -> AsyncIterator[Site]:
    async with stage.site(owned(tmp_path)) as site:
        yield site


async def link(site: Site, asker: Asker = OWNER) -> str:
    """What the chat's owner is told, on this test's port."""
    card = await owners.page_link(site.service.store, site.service.config, asker, T)
    return site.url + card.link.removeprefix(site.service.config.http.url)


async def spend(http: httpx.AsyncClient, url: str) -> httpx.Response:
    return await http.post("/admin/enter", data={"link": url.partition("link=")[2]})


@pytest.fixture
async def owner(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the owner is signed in."""
    async with site.http() as http:
        assert (await spend(http, await link(site))).status_code == 303
        yield http


def token(page: httpx.Response) -> str:
    found = re.search(r'name="token" value="(\w+)"', page.text)
    assert found is not None
    return found.group(1)


async def ask(site: Site, key: str, prompt: str = "a cat", asker: Asker = ANNA) -> Any:
    return await site.service.imagine(asker, Options(prompt), key=key, address={})


async def drawn(site: Site, key: str, prompt: str = "a cat") -> str:
    """The job of a delivered picture."""
    live = await ask(site, key, prompt)
    await live.outcome()
    await site.service.delivered(live, "a message")
    return f"{live.request_id}-0"


async def number(site: Site, asker: Asker) -> int:
    key = (await site.service.members.of(asker)).key
    return (await site.service.store.members.names([key]))[key].number


class TestTheDoor:
    async def test_a_preview_does_not_spend_the_link_a_press_does_once(self, site: Site) -> None:
        url = await link(site)
        async with site.http() as preview, site.http() as http, site.http() as late:
            for _ in range(3):
                shown = await preview.get(url)
                assert shown.status_code == 200
                assert "set-cookie" not in shown.headers
                assert "<form" in shown.text
            assert (await http.head(url)).status_code == 200
            entered = await spend(http, url)
            assert (entered.status_code, entered.headers["location"]) == (303, "/admin/")
            assert (await http.get("/admin/")).status_code == 200
            assert (await spend(late, url)).status_code == 403
            assert (await late.get("/admin/")).status_code == 401

    @pytest.mark.e2e
    async def test_a_link_from_the_command_line_opens_the_page_of_the_bot_that_runs(
        self, site: Site, tmp_path: Path
    ) -> None:
        settings = tmp_path / "bot.toml"
        for enabled, status in (("false", 1), ("true", 0)):
            folder = site.service.config.storage.folder
            settings.write_text(f'[storage]\nfolder = "{folder}"\n[http]\nenabled = {enabled}\n')
            errand = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "admin-link", "--config", str(settings)),
                stdout=asyncio.subprocess.PIPE,
            )
            told = (await errand.communicate())[0].decode()
            assert errand.returncode == status
        async with site.http() as http:
            url = re.search(r"http://127\.0\.0\.1:8080/admin/enter\?link=\w+", told)
            assert url is not None
            assert (await spend(http, url.group())).status_code == 303
            assert (await http.get("/admin/")).status_code == 200

    async def test_the_cookie_is_kept_from_scripts_and_from_other_sites(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        for public_url, secure in ((None, False), ("https://x.example/bot", True)):
            async with stage.site(owned(tmp_path, public_url=public_url)) as site, site.http() as http:
                cookie = (await spend(http, await link(site))).headers["set-cookie"].lower()
                assert "httponly" in cookie
                assert "samesite=strict" in cookie
                assert ("secure" in cookie) is secure
                assert ("path=/bot/admin" in cookie) is secure

    @pytest.mark.parametrize(
        "path",
        [
            *(
                "/",
                "/costs",
                "/costs.csv",
                "/members",
                "/members/1",
                "/members.csv",
                "/keys",
                "/log",
                "/alerts",
                "/sources",
                "/sources/x",
            ),
            *("/settings", "/pictures", "/pictures/x-0", "/pictures/x-0/file", "/pictures/x-0/facts"),
        ],
    )
    async def test_nothing_is_shown_without_a_session(self, site: Site, path: str) -> None:
        job = await drawn(site, "1")
        path = path.replace("x-0", job)
        for cookie in (None, "", "wrong", "0" * 64):
            async with site.http(**({} if cookie is None else {"cookie": f"easel_session={cookie}"})) as http:
                answer = await http.get(f"/admin{path}")
            assert answer.status_code == 401
            assert answer.headers["content-type"].startswith("text/html")
            assert "easel admin-link" in answer.text

    async def test_a_session_ends(self, stage: Stage, tmp_path: Path) -> None:
        clock = HandClock()
        async with stage.site(owned(tmp_path), clock=clock) as site, site.http() as http:
            await spend(http, await link(site))
            assert (await http.get("/admin/")).status_code == 200
            clock.advance(hours=12)
            assert (await http.get("/admin/")).status_code == 401

    async def test_a_link_grows_old(self, stage: Stage, tmp_path: Path) -> None:
        clock = HandClock()
        async with stage.site(owned(tmp_path), clock=clock) as site, site.http() as http:
            url = await link(site)
            clock.advance(minutes=10)
            assert (await spend(http, url)).status_code == 403

    async def test_who_signs_out_is_out_whoever_kept_the_cookie(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        cookie = owner.cookies["easel_session"]
        page = await owner.get("/admin/")
        assert (await owner.post("/admin/leave", data={"token": token(page)})).status_code == 200
        async with site.http(cookie=f"easel_session={cookie}") as thief:
            assert (await thief.get("/admin/")).status_code == 401

    async def test_who_is_an_owner_no_more_is_out(self, stage: Stage, tmp_path: Path) -> None:
        async with stage.site(owned(tmp_path)) as site, site.http() as http:
            await spend(http, await link(site))
            cookie = http.cookies["easel_session"]
        async with stage.site(owned(tmp_path)) as site, site.http(cookie=f"easel_session={cookie}") as http:
            assert (await http.get("/admin/")).status_code == 200
        async with stage.site(config_for(tmp_path)) as site, site.http() as http:
            http.headers["cookie"] = f"easel_session={cookie}"
            assert (await http.get("/admin/")).status_code == 401

    async def test_a_link_is_given_only_where_there_is_a_page(self, site: Site, tmp_path: Path) -> None:
        off = owned(tmp_path, enabled=False)
        with pytest.raises(UserError, match="page-off"):
            await owners.page_link(site.service.store, off, OWNER, T)

    async def test_no_page_can_be_framed_or_run_what_is_written_in_it(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        for path in ("", "/", "/enter", "/members", "/nothing", "/style.css"):
            answer = await owner.get(f"/admin{path}", follow_redirects=True)
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert not re.search(r"<script|<style| style=| on\w+=", answer.text)


class TestForms:
    @pytest.mark.parametrize(
        "path",
        [
            *("/cancel", "/tier", "/grant", "/ban", "/unban", "/erase", "/remove", "/revoke"),
            *("/remove-source", "/pause", "/resume", "/leave"),
        ],
    )
    async def test_a_form_from_elsewhere_does_nothing(
        self, site: Site, owner: httpx.AsyncClient, path: str
    ) -> None:
        site.service.models.default.backend.pause_admission()
        live = await ask(site, "1")
        fields = {"request": live.request_id, "platform": "discord", "user": "1", "tier": "premium"}
        fields |= {"images": "5", "job": f"{live.request_id}-0", "sure": "yes"}
        async with site.http() as other:
            await spend(other, await link(site))
            foreign = token(await other.get("/admin/"))
        for wrong in ({}, {"token": ""}, {"token": "é"}, {"token": foreign}):
            assert (await owner.post(f"/admin{path}", data=fields | wrong)).status_code == 403
        assert (await owner.get(f"/admin{path}")).status_code == 405
        assert site.service.requests.unfinished() == [live]
        member = await site.service.members.of(ANNA)
        assert (member.tier, member.banned) == ("free", False)
        assert {row.action for row in await site.service.store.audit.rows()} == {"begin_session"}
        assert site.service.models.default.backend.snapshot().admission_paused
        assert (await owner.get("/admin/")).status_code == 200

    async def test_a_form_that_is_too_long_is_not_read(self, owner: httpx.AsyncClient) -> None:
        assert (await owner.post("/admin/enter", content=b"link=" + b"x" * 20_000)).status_code == 413

    async def test_a_waiting_request_is_cancelled_and_gives_its_image_back(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        site.service.models.default.backend.pause_admission()
        live = await ask(site, "1")
        page = await owner.get("/admin/")
        assert live.request_id in page.text
        fields = {"token": token(page), "request": live.request_id}
        assert (await owner.post("/admin/cancel", data=fields)).status_code == 303
        await live.outcome()
        assert (await site.service.members.quota(ANNA)).reserved == 0
        assert live.request_id not in (await owner.get("/admin/")).text
        late = await owner.post("/admin/cancel", data=fields)
        assert (late.status_code, T("page-too-late") in late.text) == (400, True)

    async def test_a_member_gets_another_tier_with_a_note_of_who_and_why(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        member = await site.service.members.of(ANNA)
        fields = {"token": token(await owner.get("/admin/")), "platform": "discord", "user": "1"}
        assert (await owner.post("/admin/tier", data=fields | {"tier": "premium"})).status_code == 303
        assert (await site.service.members.of(ANNA)).tier == "premium"
        (row,) = await site.service.store.audit.rows(subject=member.key)
        assert (row.by, row.why) == ((await site.service.members.of(OWNER)).key, "admin page")
        wrong = await owner.post("/admin/tier", data=fields | {"tier": SCRIPT})
        assert wrong.status_code == 400
        assert SCRIPT not in wrong.text

    async def test_extra_images_are_credited_once_however_often_the_button_is_pressed(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        await drawn(site, "1")
        page = await owner.get(f"/admin/members/{await number(site, ANNA)}")
        once = re.search(r'name="once" value="(\w+)"', page.text)
        assert once is not None
        fields = {"token": token(page), **ACCOUNT, "once": once.group(1), "why": "sorry"}
        for _ in range(2):
            assert (await owner.post("/admin/grant", data=fields | {"images": "7"})).status_code == 303
        assert (await site.service.members.quota(ANNA)).topup == 7
        for wrong in ("0", "-1", "1.5", "many", ""):
            assert (await owner.post("/admin/grant", data=fields | {"images": wrong})).status_code == 400
        (row, *_) = await site.service.store.audit.rows(subject=(await site.service.members.of(ANNA)).key)
        assert (row.action, row.why) == ("grant", "sorry · admin page")

    async def test_a_ban_cancels_what_waits_and_is_lifted_again(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        site.service.models.default.backend.pause_admission()
        live = await ask(site, "1")
        fields = {"token": token(await owner.get("/admin/")), **ACCOUNT}
        told = await owner.post("/admin/ban", data=fields, follow_redirects=True)
        assert T("admin-banned", member="discord 1") in told.text
        await live.outcome()
        assert (await site.service.members.of(ANNA)).banned
        await owner.post("/admin/unban", data=fields)
        assert not (await site.service.members.of(ANNA)).banned

    @pytest.mark.parametrize("path", ["/erase", "/remove", "/revoke"])
    async def test_what_cannot_be_undone_is_asked_about_first(
        self, site: Site, owner: httpx.AsyncClient, path: str
    ) -> None:
        job = await drawn(site, "1")
        _, key = await site.key()
        store, member = site.service.store, await site.service.members.of(ANNA)

        async def left() -> tuple[bool, bool, bool]:
            keys = [one for one in await store.keys.all() if one.revoked_at is None]
            erased = member.key not in await store.members.names([member.key])
            return erased, not erased and (await store.jobs.get(job)).image is None, keys == []

        fields = {"token": token(await owner.get("/admin/")), **ACCOUNT, "job": job, "prefix": key.prefix}
        question = await owner.post(f"/admin{path}", data=fields)
        assert T("page-sure") in question.text
        assert await left() == (False, False, False)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', question.text))
        done = await owner.post(f"/admin{path}", data=hidden | {"sure": "yes"}, follow_redirects=True)
        assert 'role="status"' in done.text
        assert await left() == (path == "/erase", path == "/remove", path == "/revoke")
        assert 'role="status"' not in (await owner.get("/admin/")).text, "it is said once"
        assert (await store.audit.rows())[0].action in ("erase", "delete_picture", "revoke_key")

    async def test_pause_and_resume(self, site: Site, owner: httpx.AsyncClient) -> None:
        for path, paused in (("/pause", True), ("/resume", False)):
            fields = {"token": token(await owner.get("/admin/"))}
            assert (await owner.post(f"/admin{path}", data=fields)).status_code == 303
            assert site.service.models.default.backend.snapshot().admission_paused is paused


class TestPages:
    async def test_what_members_wrote_is_text(self, site: Site, owner: httpx.AsyncClient) -> None:
        job = await drawn(site, "1", f"{SCRIPT} \"'>")
        await site.service.members.of(Asker("console", f"{SCRIPT}"))
        failed = await ask(site, "2")
        await failed.outcome()
        await site.service.undeliverable(failed, SCRIPT, members_doing=True)
        for path in (
            "/",
            "/members",
            f"/members?who={SCRIPT}",
            f"/pictures?show={job}",
            f"/costs?period={SCRIPT}",
        ):
            page = await owner.get(f"/admin{path}")
            assert "<script" not in page.text
        shown = (await owner.get(f"/admin/pictures?show={job}")).text
        assert "&lt;script&gt;" in shown

    async def test_failures_are_listed(self, site: Site, owner: httpx.AsyncClient) -> None:
        site.model.fail = [RuntimeError("boom")]
        live = await ask(site, "1")
        await live.outcome()
        page = (await owner.get("/admin/")).text
        assert "DrawFailed" in page
        assert live.request_id in page

    async def test_a_picture_is_blurred_and_wordless_until_it_is_asked_for(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        job = await drawn(site, "1", "a very private cat")
        page = (await owner.get("/admin/pictures")).text
        assert f"/admin/pictures/{job}" in page
        assert "private cat" not in page
        assert "clear=1" not in page
        shown = (await owner.get(f"/admin/pictures?show={job}")).text
        assert "a very private cat" in shown
        assert f"/admin/pictures/{job}?clear=1" in shown
        picture = await owner.get(f"/admin/pictures/{job}?clear=1")
        assert picture.headers["content-type"] == "image/jpeg"
        for path in ("nobody-0", "..%2f..%2feasel.db", "%00"):
            assert (await owner.get(f"/admin/pictures/{path}")).status_code == 404

    async def test_costs_as_words_charts_and_a_table(self, site: Site, owner: httpx.AsyncClient) -> None:
        await drawn(site, "1")
        for period in ("today", "7d", "month"):
            assert T("stats-images") in (await owner.get(f"/admin/costs?period={period}")).text
            table = await owner.get(f"/admin/costs.csv?period={period}")
            assert table.headers["content-disposition"].startswith("attachment")
            assert next(csv.reader(io.StringIO(table.text)))[:2] == ["group", "name"]
        assert "<svg" in (await owner.get("/admin/costs?period=7d")).text
        assert (await owner.get("/admin/costs?period=never")).status_code == 400

    async def test_members_are_found_by_their_account(self, site: Site, owner: httpx.AsyncClient) -> None:
        await site.service.members.of(ANNA)
        assert "discord 1" in (await owner.get("/admin/members?who=1")).text
        assert T("page-nobody") in (await owner.get("/admin/members?who=2")).text
        rows = list(csv.DictReader(io.StringIO((await owner.get("/admin/members.csv")).text)))
        assert {row["accounts"] for row in rows} == {"discord:1", "telegram:99"}

    async def test_a_member_has_the_same_number_everywhere(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        job = await drawn(site, "1", "a very private cat")
        await site.service.store.members.set_tier(
            (await site.service.members.of(ANNA)).key, "premium", by="test", why="a friend"
        )
        site.service.models.default.backend.pause_admission()
        live = await ask(site, "2")
        named = f'/admin/members/{await number(site, ANNA)}">#{await number(site, ANNA)}</a> discord 1'
        for path in (
            "/",
            "/costs",
            "/members",
            "/pictures",
            "/log",
            f"/pictures?who=%23{await number(site, ANNA)}",
        ):
            assert named in (await owner.get(f"/admin{path}")).text, path
        page = (await owner.get(f"/admin/members/{await number(site, ANNA)}")).text
        assert "premium" in page
        assert (await owner.get("/admin/members/99999")).status_code == 404
        assert "a friend" in (await owner.get("/admin/log?who=1")).text
        assert job in (await owner.get("/admin/pictures?who=1")).text
        assert job not in (await owner.get("/admin/pictures?day=2020-01-01")).text
        assert job not in (await owner.get("/admin/pictures?who=nobody")).text
        site.service.requests.cancel(live.request_id, None, by=CancelledBy.MODERATOR)

    async def test_a_picture_and_what_is_known_of_it_can_be_taken_to_a_report(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        job = await drawn(site, "1", "a very private cat")
        png = (await owner.get(f"/admin/pictures/{job}/file")).content
        facts = (await owner.get(f"/admin/pictures/{job}/facts")).json()
        assert (facts["member"], facts["request"]["prompt"]) == ("discord 1", "a very private cat")
        assert facts["sha256"] == hashlib.sha256(png).hexdigest()

    async def test_keys_alerts_and_settings_without_a_secret(
        self, site: Site, owner: httpx.AsyncClient
    ) -> None:
        text, key = await site.key()
        keys = (await owner.get("/admin/keys")).text
        assert key.prefix in keys
        assert text.rpartition("_")[2] not in keys
        site.alerts.tell("test", say("alert-engine", cause="stalled", detail="it stalled"))
        assert "it stalled" in (await owner.get("/admin/alerts")).text
        settings = (await owner.get("/admin/settings")).text
        assert "[engine]" in settings
        assert "<dt>step_timeout</dt><dd>60s</dd>" in settings
        assert "<dt>enabled</dt><dd><strong>true</strong></dd>" in settings

    @pytest.mark.parametrize("language", LANGUAGES)
    async def test_it_speaks_the_owners_language(
        self, site: Site, owner: httpx.AsyncClient, language: str
    ) -> None:
        t = translator(language)
        owner.headers["accept-language"] = language
        page = (await owner.get("/admin/")).text
        assert f'<html lang="{language}">' in page
        assert t("page-failures") in page
        async with site.http(**{"accept-language": language}) as http:
            assert t("page-no-session") in (await http.get("/admin/")).text

    async def test_a_store_that_is_down_is_a_sentence(self, site: Site, owner: httpx.AsyncClient) -> None:
        await site.service.store.close()
        answer = await owner.get("/admin/")
        assert answer.status_code == 503
        assert T("error-storage") in answer.text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_members_table_is_a_formula(start: str) -> None:
    evil = f'{start}HYPERLINK("http://x")'
    member = Member(evil, evil, None, None, False, None, None)  # type: ignore[arg-type]
    line = MemberLine(member, MemberName(1, (Identity(evil, "1"),)), Tally())
    (row,) = list(csv.reader(io.StringIO(members_csv([line]))))[1:]
    assert [cell[0] for cell in row[:3]] == ["'"] * 3


def test_a_blurred_picture_holds_no_more_than_a_few_pixels() -> None:
    image = Image.effect_noise((256, 128), 100).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    clear, blurred = (Image.open(io.BytesIO(small(file.getvalue(), clear=clear))) for clear in (True, False))
    assert clear.size == blurred.size == (256, 128)
    detail = [sum(abs(a - b) for a, b in pairwise(_row(image))) for image in (clear, blurred)]
    assert detail[0] > 5 * detail[1]


def _row(image: Image.Image) -> list[int]:
    return [int(image.convert("L").getpixel((x, 64)) or 0) for x in range(image.width)]  # type: ignore[arg-type]
