"""Pictures come in: as OpenAI's own client sends them, as other programs do, and as none should."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import BadRequestError
from PIL import Image

from tests.bot.web.conftest import NO_ROOTS, config_for
from tests.bot.web.test_images import facts, opened, quota
from tests.bot.web.test_limits import address, closed
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bot.web.conftest import Site, Stage

pytestmark = pytest.mark.e2e

PATH = "/v1/images/edits"


def picture(size: tuple[int, int] = (160, 128), color: str = "orange", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def data_url(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def cut_out(size: tuple[int, int] = (160, 128)) -> bytes:
    """A mask as OpenAI has it: transparent where to draw, here the left half."""
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()


async def test_openais_client_edits_a_picture(site: Site) -> None:
    text, key = await site.key()
    async with site.client(text) as client:
        answer = await client.images.edit(
            image=("cat.png", picture()),
            prompt="a watercolour of this",
            n=2,
            size="128x128",
            quality="low",
            output_format="webp",
            output_compression=60,
            extra_body={"seed": 7},
        )
    assert answer.data is not None
    assert [facts(image)["seed"] for image in answer.data] == [7, 8]
    assert {opened(image.b64_json).format for image in answer.data} == {"WEBP"}
    assert answer.size == "128x128"
    assert (await quota(site, key)).used == 2


async def test_openais_client_has_a_picture_followed_with_two_loras(site: Site) -> None:
    text, key = await site.key()
    sign = Image.new("RGB", (160, 128), "orange")
    sign.paste("blue", (40, 32, 120, 96))
    buffer = io.BytesIO()
    sign.save(buffer, "PNG")
    said = {"control": "edges", "control_strength": 0.5, "loras": ["ink:0.8", "sepia"]}
    async with site.client(text) as client:
        answer = await client.images.edit(image=buffer.getvalue(), prompt="a blue cat", extra_body=said)
        with pytest.raises(BadRequestError) as refused:
            await client.images.edit(image=picture(), prompt="a dog", extra_body={"control": "edges"})
    assert answer.data is not None
    told = opened(answer.data[0].b64_json).info["parameters"]
    assert "Control: edges" in told
    assert "ink:0.8, sepia:1" in told
    assert "No outlines" in str(refused.value)
    assert (await quota(site, key)).used == 1


async def test_an_edit_streams_under_its_own_names(site: Site) -> None:
    text, _ = await site.key()
    async with site.client(text) as client:
        stream = await client.images.edit(
            image=picture(), mask=cut_out(), prompt="a dog", stream=True, partial_images=2, user="u1"
        )
        names = [event.type async for event in stream]
    assert names[-1] == "image_edit.completed"
    assert set(names) <= {"image_edit.partial_image", "image_edit.completed"}


FORMS: dict[str, Callable[[], tuple[dict[str, str], list[tuple[str, Any]]]]] = {
    "Open WebUI": lambda: (
        {"model": "gpt-image-1", "prompt": "a dog", "n": "1", "size": "128x128", "background": "auto"},
        [("image", ("0b7c.png", picture(), "image/png"))],
    ),
    "Open WebUI, a list": lambda: (
        {"model": "gpt-image-1", "prompt": "a dog", "n": "1", "response_format": "b64_json"},
        [("image[]", ("0b7c.png", picture(), "image/png"))],
    ),
    "LibreChat": lambda: (
        {"model": "gpt-image-1", "prompt": "a dog", "quality": "auto", "size": "auto"},
        [("image[]", ("photo.jpg", picture(kind="JPEG"), "image/jpeg"))],
    ),
    "n8n": lambda: (
        {
            "prompt": "a dog",
            "model": "gpt-image-1",
            "n": "1",
            "size": "auto",
            "user": "u1",
            "background": "auto",
            "input_fidelity": "low",
            "output_format": "png",
            "output_compression": "100",
            "quality": "auto",
        },
        [
            ("image[]", ("data.webp", picture(kind="WEBP"), "image/webp")),
            ("mask", ("mask.png", cut_out(), "image/png")),
        ],
    ),
    "LobeChat": lambda: (
        {"model": "gpt-image-1", "prompt": "a dog", "n": "1", "input_fidelity": "high"},
        [("image[]", ("image.png", picture(), "application/octet-stream"))],
    ),
    "a browser's form, its mask left empty": lambda: (
        {"prompt": "a dog", "n": "", "seed": "5", "steps": "2"},
        [("image", ("x.png", picture(), "image/png")), ("mask", ("", b"", "application/octet-stream"))],
    ),
    "a data: URL in a form": lambda: (
        {"prompt": "a dog"},
        [("image", (None, data_url(picture())))],
    ),
}


async def test_the_forms_that_programs_send_are_drawn(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, model_aliases=["gpt-image-1"])) as site:
        text, _ = await site.key()
        async with site.http(text) as http:
            for sent_by, form in FORMS.items():
                fields, files = form()
                answer = await http.post(PATH, data=fields, files=files)
                assert answer.status_code == 200, (sent_by, answer.text)
                assert len(answer.json()["data"]) == 1


JSON_BODIES: list[dict[str, object]] = [
    {"images": [{"image_url": data_url(picture())}]},
    {"image": data_url(picture()), "mask": data_url(cut_out())},
    {"image": [data_url(picture())], "mask": {"image_url": data_url(cut_out())}},
    {"image": base64.b64encode(picture()).decode(), "mask": None},
]


async def test_pictures_in_json_are_drawn(site: Site) -> None:
    text, _ = await site.key()
    async with site.http(text) as http:
        for body in JSON_BODIES:
            answer = await http.post(PATH, json={"prompt": "a dog", "n": 1, "seed": 3, **body})
            assert answer.status_code == 200, answer.text
            assert answer.json()["data"][0]["easel"]["seed"] == 3


REFUSED: list[tuple[dict[str, object], str, str | None]] = [
    ({}, "“image” is missing", "image"),
    ({"image": "https://example.org/cat.png"}, "does not fetch pictures", "image"),
    ({"images": [{"image_url": "http://10.0.0.1/"}]}, "does not fetch pictures", "image"),
    ({"image": data_url(picture()), "mask": "HTTPS://example.org/m"}, "does not fetch pictures", "mask"),
    ({"image": [data_url(picture())] * 2}, "Only one “image”", "image"),
    ({"images": [{"file_id": "file-1"}]}, "must be a file", "image"),
    ({"image": "data:image/png;base64,???"}, "must be a file", "image"),
    ({"image": "data:image/png,abc"}, "must be a file", "image"),
    ({"image": 7}, "must be a file", "image"),
    ({"image": data_url(picture()), "n": "1"}, "“n” must be a whole number", "n"),
    ({"image": data_url(picture()), "strenght": 1}, "There is no field “strenght”", "strenght"),
    ({"image": data_url(picture()), "background": "transparent"}, "choose one of", "background"),
]


async def test_what_cannot_be_used_is_refused_in_a_sentence(site: Site) -> None:
    text, key = await site.key()
    async with site.http(text) as http:
        for body, told, param in REFUSED:
            refused = await http.post(PATH, json={"prompt": "a dog", **body})
            assert refused.status_code == 400, refused.text
            error = refused.json()["error"]
            assert told in error["message"]
            assert error["param"] == param
    assert (await quota(site, key)).reserved == 0


NO_BODIES = (
    ("application/json", b"{"),
    ("application/json", b"[1]"),
    ("application/json", b"[" * 100_000),
    ("multipart/form-data", b"no boundary"),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
    ("text/plain", b"a cat"),
    ("", b""),
)


async def test_a_body_that_is_none_is_told_what_would_be_one(site: Site) -> None:
    text, _ = await site.key()
    async with site.http(text) as http:
        for kind, content in NO_BODIES:
            headers = {"content-type": kind} if kind else {}
            refused = await http.post(PATH, content=content, headers=headers)
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_body"), kind


async def test_parts_are_counted_and_bounded(site: Site) -> None:
    text, _ = await site.key()
    some = [("image[]", ("x.png", picture((32, 32)), "image/png"))]
    async with site.http(text) as http:
        many = await http.post(PATH, data={"prompt": "a"}, files=some * 40)
        several = await http.post(PATH, data={"prompt": "a"}, files=some * 2)
        long = await http.post(PATH, data={"prompt": "a" * 100_000}, files=some)
        file = await http.post(PATH, data={"prompt": "a"}, files=[*some, ("size", ("x", b"1", "text/plain"))])
    assert [one.status_code for one in (many, several, long, file)] == [400] * 4
    assert "Only one “image”" in several.text
    assert "“size” cannot be a file" in file.text


async def test_each_route_has_a_limit_of_its_own(stage: Stage) -> None:
    async with stage.site(config_for(stage.folder, max_upload_mb=1)) as site:
        text, _ = await site.key()
        async with site.http(text) as http:
            large = await http.post(PATH, data={"prompt": "a"}, files=[("image", b"\0" * (1 << 20))])
            small = await http.post("/v1/images/generations", json={"prompt": "a", "user": "u" * 70_000})
    assert (large.status_code, small.status_code) == (413, 413)
    assert "1 MB" in large.json()["error"]["message"]
    assert "64 kB" in small.json()["error"]["message"]


async def test_nothing_is_read_for_who_has_no_key(site: Site) -> None:
    reader, writer = await asyncio.open_connection(*address(site))
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\n"
    writer.write(f"{head}content-length: 9000000\r\n\r\n".encode())
    assert b" 401 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("leaves", [True, False])
async def test_an_upload_that_breaks_off_leaves_nothing(stage: Stage, leaves: bool) -> None:
    async with stage.site(config_for(stage.folder, receive_timeout=0.3, requests_at_once=1)) as site:
        text, key = await site.key()
        reader, writer = await asyncio.open_connection(*address(site))
        part = '--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        writer.write(
            f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {text}\r\n"
            f"content-type: multipart/form-data; boundary=x\r\ncontent-length: 200000\r\n\r\n{part}".encode()
        )
        writer.write(picture())
        if leaves:
            await writer.drain()
            writer.write_eof()
        await closed(reader)
        writer.close()
        async with site.http(text) as http:
            async with asyncio.timeout(PATIENCE_S):
                # until it is no longer counted as open
                while (await http.post(PATH, json={})).status_code == 429:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert (await quota(site, key)).reserved == 0


async def test_the_same_key_again_gives_the_same_picture_and_another_picture_is_refused(site: Site) -> None:
    text, key = await site.key()
    headers = {"Idempotency-Key": "order 1"}
    async with site.client(text) as client:
        first, again = [
            await client.images.edit(image=picture(), prompt="a dog", extra_headers=headers) for _ in range(2)
        ]
        with pytest.raises(Exception, match="used before"):
            await client.images.edit(image=picture(color="blue"), prompt="a dog", extra_headers=headers)
    assert first.data is not None
    assert again.data is not None
    assert first.data[0].b64_json == again.data[0].b64_json
    assert (await quota(site, key)).used == 1


async def test_a_body_with_several_pictures_from_openais_client_is_told(site: Site) -> None:
    text, _ = await site.key()
    async with site.client(text) as client:
        with pytest.raises(BadRequestError, match="Only one “image”"):
            await client.images.edit(image=[picture(), picture()], prompt="both")


@st.composite
def odd_pictures(draw: st.DrawFn) -> bytes:
    """A small picture of some kind, perhaps with other bytes in it, perhaps cut off."""
    mode = draw(st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"]))
    kind = draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]))
    image, buffer = Image.new(mode, draw(st.tuples(*[st.integers(1, 96)] * 2))), io.BytesIO()
    try:
        image.save(buffer, kind)
    except (OSError, ValueError, KeyError):
        image.convert("RGB").save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for place, value in draw(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=4)):
        content[place % len(content)] = value
    return bytes(content[: draw(st.one_of(st.none(), st.integers(0, len(content))))])


async def test_odd_pictures_are_drawn_or_refused_in_a_sentence(stage: Stage) -> None:
    unlimited = config_for(stage.folder, key_requests_a_minute=10_000, address_requests_a_minute=10_000)
    async with stage.site(unlimited) as site:
        text, key = await site.key()
        headers, drawn = {"authorization": f"Bearer {text}"}, 0

        def send_all() -> None:
            with httpx.Client(base_url=site.url, headers=headers, trust_env=False, verify=NO_ROOTS) as http:

                @settings(max_examples=40, deadline=None, database=None, derandomize=True)
                @given(odd_pictures(), st.booleans())
                def is_answered(odd: bytes, as_mask: bool) -> None:
                    nonlocal drawn
                    files = {"image": picture((64, 64)), "mask": odd} if as_mask else {"image": odd}
                    answer = http.post(PATH, data={"prompt": "a dog", "steps": "1"}, files=files)
                    assert answer.status_code in (200, 400), answer.text
                    assert answer.status_code == 200 or answer.json()["error"]["message"].endswith(".")
                    drawn += answer.status_code == 200

                is_answered()

        await asyncio.to_thread(send_all)
        used = await quota(site, key)
    assert (used.used, used.reserved) == (drawn, 0)
