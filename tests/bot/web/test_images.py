"""OpenAI's own client asks for pictures."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING

import pytest
from openai import APIError, BadRequestError, InternalServerError, NotFoundError
from PIL import Image
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from bot.imagine.asker import Asker
from tests.bot.web.conftest import config_for
from tests.easel import config_in

if TYPE_CHECKING:
    from openai.types import Image as ImageObject

    from storage.records.members import ApiKey, Quota
    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e


def opened(encoded: str | None) -> Image.Image:
    assert encoded
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def facts(image: ImageObject) -> dict[str, object]:
    """What Easel adds to a picture."""
    assert image.model_extra is not None
    found: dict[str, object] = image.model_extra["easel"]
    return found


async def quota(site: Site, key: ApiKey) -> Quota:
    await site.settled()
    return await site.service.members.quota(Asker("api", key.prefix))


async def test_a_picture_in_base64_with_what_it_took(site: Site) -> None:
    text, key = await site.key()
    async with site.client(text) as client:
        answer = await client.images.generate(
            prompt="an orange cat", model="embedded", size="128x192", quality="high", extra_body={"seed": 7}
        )
    assert answer.data is not None
    [image] = answer.data
    picture = opened(image.b64_json)
    assert (picture.format, picture.size) == ("PNG", (128, 192))
    assert "an orange cat" in picture.info["parameters"]
    assert (answer.size, answer.quality, answer.output_format) == ("128x192", "high", "png")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 8 * 12
    assert facts(image)["seed"] == 7
    assert set(facts(image)) >= {"gpu_s", "draw_s", "energy_j", "cost_micro", "cached"}
    assert answer.model_extra is not None
    assert answer.model_extra["easel"]["currency"] == "CNY"
    assert (await quota(site, key)).used == 1


async def test_several_pictures_come_from_neighbouring_seeds(site: Site) -> None:
    text, key = await site.key()
    async with site.client(text) as client:
        answer = await client.images.generate(
            prompt="a cat",
            n=3,
            size="auto",
            output_format="webp",
            output_compression=50,
            extra_body={"seed": 7},
        )
    assert answer.data is not None
    assert [facts(image)["seed"] for image in answer.data] == [7, 8, 9]
    assert {opened(image.b64_json).format for image in answer.data} == {"WEBP"}
    assert (await quota(site, key)).used == 3


async def test_a_link_in_place_of_bytes(site: Site) -> None:
    text, _ = await site.key()
    async with site.client(text) as client, site.http() as http:
        answer = await client.images.generate(prompt="a cat", response_format="url", output_format="jpeg")
        assert answer.data is not None
        [image] = answer.data
        assert image.url is not None
        assert image.b64_json is None
        shown = await http.get(image.url)
        assert (await http.head(image.url)).headers["content-length"] == str(len(shown.content))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-disposition"].startswith('inline; filename="easel-')
    assert Image.open(io.BytesIO(shown.content)).format == "JPEG"


async def test_clients_of_dall_e_get_a_link_and_only_a_link(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, model_aliases=["dall-e-3"])) as site:
        text, _ = await site.key()
        async with site.http(text) as http:
            body = {"prompt": "a cat", "model": "dall-e-3"}
            linked = await http.post("/v1/images/generations", json=body)
            plain = await http.post("/v1/images/generations", json={"prompt": "a cat"})
    assert linked.json()["data"][0].keys() == {"url", "easel"}
    assert plain.json()["data"][0].keys() == {"b64_json", "easel"}


BODIES: list[tuple[dict[str, object], str, str | None]] = [
    ({"prompt": "cat", "size": "\ud83d"}, "size", None),
    ({"prompt": "cat", "\ud83d": 1}, "must be text", None),
    ({"prompt": None}, "“prompt” is missing", None),
    ({"prompt": "cat", "n": True}, "“n” must be a whole number, not true", "n"),
    ({"prompt": "cat", "seed": 1.5}, "“seed” must be a whole number, not 1.5", "seed"),
    ({"prompt": ["cat"]}, '“prompt” must be text, not ["cat"]', "prompt"),
    ({"prompt": "cat", "stream": "true"}, '“stream” must be true or false, not "true"', "stream"),
    ({"prompt": "cat", "output_format": "gif"}, "choose one of: png, jpeg, webp.", "output_format"),
    ({"prompt": " "}, "“prompt” is empty", "prompt"),
    ({"prompt": "cat", "images": 2}, "use “n”", "images"),
    ({"prompt": "cat", "strength": 0.5}, "/v1/images/edits", "strength"),
    ({"prompt": "cat", "guidance": 11}, "“11”", "guidance"),
    ({"prompt": "cat", "output_compression": 101}, "must be 100 or less, not 101", "output_compression"),
    ({"prompt": "cat", "output_compression": 50}, "jpeg or webp", "output_compression"),
    ({"prompt": "cat", "partial_images": 2}, "needs “stream”: true", "partial_images"),
    ({"prompt": "cat", "loras": "x"}, "There is no lora “x”", "loras"),
    ({"prompt": "cat", "control": "edges"}, "/v1/images/edits", "control"),
    ({"prompt": "cat", "user": "u" * 513}, "512 characters at most", "user"),
    ({"prompt": "cat", "cfg_scale": 3}, "use “guidance”", "cfg_scale"),
    ({"prompt": "cat", "aspect_ratio": "16:9"}, "use “size”", "aspect_ratio"),
    ({"prompt": "cat", "num_inference_steps": 4}, "use “steps”", "num_inference_steps"),
    ({"prompt": "cat", "output_fromat": "png"}, "use “output_format”", "output_fromat"),
    ({"prompt": "cat", "zebra": 1}, "There is no field “zebra”.", "zebra"),
]


@pytest.mark.parametrize(("body", "told", "param"), BODIES)
async def test_a_body_that_does_not_fit_is_told_what_would(
    site: Site, body: dict[str, object], told: str, param: str | None
) -> None:
    text, key = await site.key()
    async with site.http(text) as http:
        json_body = json.dumps(body).encode()
        refused = await http.post(
            "/v1/images/generations", content=json_body, headers={"content-type": "application/json"}
        )
    assert refused.status_code == 400
    error = json.loads(refused.content.decode("utf-8"))["error"]
    assert told in error["message"] or told == error["param"]
    if param is not None:
        assert error["param"] == param
    assert (await quota(site, key)).used == 0


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/models", "/v1/usage/"])
async def test_a_slash_at_the_end_changes_nothing(site: Site, path: str) -> None:
    text, _ = await site.key()
    async with site.http(text, host="evil.example") as http:
        found = await http.get(path)
    assert found.status_code == 200


@pytest.mark.parametrize("path", ["/admin", "/healthz/", "/v1/images/generations/", "/v1", "/nowhere/"])
async def test_no_answer_repeats_the_host_header(site: Site, path: str) -> None:
    text, _ = await site.key()
    async with site.http(text, host="evil.example") as http:
        answers = [await http.get(path), await http.post(path)]
    assert all("evil" not in answer.headers.get("location", "") for answer in answers)


async def test_a_browsers_page_may_ask_where_the_owner_allows_its_origin(stage: Stage) -> None:
    path = "/v1/images/generations"
    asks = {"origin": "https://app.example", "access-control-request-method": "POST"}
    config = config_for(stage.folder, allowed_origins=["https://app.example"])
    async with stage.site(config) as site, site.http() as http:
        allowed = await http.options(path, headers=asks)
        foreign = await http.options(path, headers={**asks, "origin": "https://evil.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_refusal_leaves_one_log_line_without_the_prompt(site: Site) -> None:
    text, _ = await site.key()
    body = {"prompt": "a secret cat", "size": "enormous"}
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with site.http(text) as http:
            refused = await http.post("/v1/images/generations", json=body)
            await http.get("/v1/models", headers={"authorization": "Bearer wrong"})
    told = [line for line in lines if line["event"] == "http.refused"]
    assert [(line["status"], line["log_level"]) for line in told] == [(400, "info"), (401, "info")]
    assert told[0]["http"] == refused.headers["x-request-id"]
    assert "secret" not in str(lines)


async def test_a_stream_shows_previews_and_then_each_picture(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    site.model.gate.allow(4)
    async with site.client(text) as client:
        stream = await client.images.generate(
            prompt="a cat", stream=True, partial_images=2, extra_body={"steps": 8, "seed": 7}
        )
        partial = []
        async for event in stream:
            if event.type == "image_generation.partial_image":
                partial.append(event)
                site.model.gate.allow(2)
            else:
                last = event
    assert [event.partial_image_index for event in partial] == [0, 1]
    assert opened(partial[0].b64_json).format == "PNG"
    assert last.type == "image_generation.completed"
    assert opened(last.b64_json).size == (128, 128)
    assert last.usage.total_tokens == 64
    assert (await quota(site, key)).used == 1


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": " \n"}, "prompt", "invalid_value"),
        ({"prompt": "x" * 2001}, "prompt", "string_above_max_length"),
        (
            {"extra_body": {"negative_prompt": "x" * 2001}},
            "negative_prompt",
            "string_above_max_length",
        ),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 10**30}, "n", "invalid_value"),
        ({"n": True}, "n", "invalid_value"),
        ({"size": "999999x999999"}, "size", "invalid_value"),
        ({"size": "0x0\r\nx-evil: 1"}, "size", "invalid_value"),
        ({"size": "huge"}, "size", "invalid_value"),
        ({"quality": "best"}, "quality", "invalid_value"),
        ({"response_format": "gif"}, "response_format", "invalid_value"),
        ({"partial_images": 4, "stream": True}, "partial_images", "invalid_value"),
        ({"extra_body": {"seed": "seven"}}, "seed", "invalid_value"),
        ({"extra_body": {"seed": -1}}, "seed", "invalid_value"),
        ({"extra_body": {"steps": 1000}}, "steps", "invalid_value"),
        ({"extra_body": {"guidance": 99}}, "guidance", "invalid_value"),
        ({"extra_body": {"pose": "sitting"}}, "pose", "unknown_parameter"),
        ({"background": "transparent"}, "background", "invalid_value"),
    ],
)
async def test_what_does_not_fit_is_a_400_that_names_it(
    site: Site, fields: dict[str, object], param: str, code: str
) -> None:
    text, key = await site.key()
    async with site.client(text, max_retries=2) as client:
        with pytest.raises(BadRequestError) as refused:
            await client.images.generate(**({"prompt": "a cat"} | fields))  # type: ignore[call-overload]
    assert (refused.value.param, refused.value.code) == (param, code)
    assert (await quota(site, key)).reserved == 0


async def test_an_unknown_model_is_not_found_and_an_alias_is(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, model_aliases=["gpt-image-1"])) as site:
        text, _ = await site.key()
        async with site.client(text) as client:
            with pytest.raises(NotFoundError, match="gpt-image-1"):
                await client.images.generate(prompt="a cat", model="gpt-image-9")
            assert (await client.images.generate(prompt="a cat", model="gpt-image-1")).data


async def test_a_failed_drawing_is_told_and_not_charged(site: Site) -> None:
    text, key = await site.key()
    site.model.fail = [RuntimeError("boom")] * 8
    async with site.client(text) as client:
        with pytest.raises(InternalServerError):
            await client.images.generate(prompt="a cat")
        site.model.fail = [RuntimeError("boom")] * 8
        with pytest.raises(APIError, match="Drawing failed"):
            async for _ in await client.images.generate(prompt="a cat", stream=True):
                pass
    had = await quota(site, key)
    assert (had.used, had.reserved) == (0, 0)


async def test_strange_prompts_are_drawn(site: Site) -> None:
    text, _ = await site.key()
    prompts = ["a\0cat", "猫\u202eon", "\U0001f431" * 100, "<script>alert(1)</script>", "=cmd()|'/c'!A1"]
    async with site.client(text) as client:
        for prompt in prompts:
            assert (await client.images.generate(prompt=prompt)).data
    async with site.http(text) as http:
        headers = {"content-type": "application/json"}
        lone = await http.post("/v1/images/generations", content=b'{"prompt": "\\ud800"}', headers=headers)
        deep = await http.post("/v1/images/generations", content=b"[" * 30_000, headers=headers)
        plain = await http.post("/v1/images/generations", content=b"a cat")
    assert [answer.status_code for answer in (lone, deep, plain)] == [400, 400, 400]


async def test_a_size_beyond_the_model_becomes_its_largest_and_that_is_told(site: Site) -> None:
    text, _ = await site.key()
    async with site.client(text) as client:
        answer = await client.images.generate(prompt="a cat", size="99999x99999")
    assert answer.size == "256x256"
    assert answer.model_extra is not None
    assert "99999x99999" in answer.model_extra["easel"]["notes"][0]


async def test_usage_tells_images_time_and_amount_by_day(site: Site) -> None:
    text, key = await site.key(spend_cap_micro=1_000_000)
    async with site.client(text) as client, site.http(text) as http:
        await client.images.generate(prompt="a cat", n=2)
        await site.settled()
        usage = (await http.get("/v1/usage")).json()
        assert (await http.get("/v1/usage?period=yesterday")).json()["error"]["param"] == "period"
        unknown = (await http.get("/v1/usage?month=2026-10")).json()["error"]
        assert (unknown["param"], unknown["code"]) == ("month", "unknown_parameter")
    assert (usage["images"], usage["amount_micro"], usage["currency"]) == (2, 40_000, "CNY")
    assert usage["gpu_s"] == sum(day["gpu_s"] for day in usage["days"]) > 0
    assert usage["month"]["spending_cap_micro"] == key.spend_cap_micro
    assert (usage["month"]["tier"], usage["month"]["left"]) == ("enterprise", None)


async def test_a_request_says_that_it_may_be_slow(stage: Stage) -> None:
    tiers = {"free": {"images_a_month": 0, "slow_images_a_month": 5, "billing": "none"}}
    config = config_in(stage.folder, tiers=tiers, http={"enabled": True, "port": 0})
    async with stage.site(config) as site:
        text, _ = await site.key("free")
        async with site.client(text) as client, site.http(text) as http:
            with pytest.raises(APIError, match="can be drawn slowly"):
                await client.images.generate(prompt="a cat")
            await client.images.generate(prompt="a cat", extra_body={"slow": True})
            await site.settled()
            month = (await http.get("/v1/usage")).json()["month"]
        assert (month["slow"], month["slow_left"], month["used"]) == (True, 4, 1)


async def test_a_client_that_loses_patience_gets_its_time_out(site: Site) -> None:
    text, key = await site.key()
    site.model.gate.clear()
    async with site.client(text, timeout=0.3) as client:
        with pytest.raises(APIError, match="timed out"):
            await client.images.generate(prompt="a cat")
    site.model.gate.set()
    had = await quota(site, key)
    assert (had.used, had.reserved) == (0, 0)
