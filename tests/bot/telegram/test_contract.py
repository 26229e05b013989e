"""The checks that the stand-in makes do catch what they are for."""

from __future__ import annotations

import json

import pytest

from tests.bot.telegram.contract import SPEC, BadRequest, contract
from tests.bot.telegram.markup import BadMarkup, parse

described = pytest.mark.skipif(
    contract() is None, reason=f"{SPEC} names no Bot API document: nothing is checked"
)

KEYBOARD = {"inline_keyboard": [[{"text": "x", "callback_data": "d" * 64}]]}
WRONG = {
    "method": ("sendMassage", {"chat_id": "1", "text": "x"}),
    "field": ("sendMessage", {"chat_id": "1", "text": "x", "colour": "red"}),
    "missing": ("sendMessage", {"chat_id": "1"}),
    "type": ("sendMessage", {"chat_id": "1", "text": "x", "message_thread_id": "one"}),
    "bool": ("sendMessage", {"chat_id": "1", "text": "x", "protect_content": "1"}),
    "nested": ("sendMessage", {"chat_id": "1", "text": "x", "reply_parameters": '{"message_id": "1"}'}),
    "bytes": (
        "sendMessage",
        {"chat_id": "1", "text": "x", "reply_markup": json.dumps(KEYBOARD).replace("d" * 64, "字" * 22)},
    ),
    "alert": ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}),
    "media type": (
        "editMessageMedia",
        {"chat_id": "1", "message_id": "1", "media": '{"type": "map", "media": "x"}'},
    ),
    "no file": ("sendPhoto", {"chat_id": "1", "photo": "attach://nothing"}),
}


@described
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_caught(name: str) -> None:
    found = contract()
    assert found is not None
    with pytest.raises(BadRequest):
        found.check(*WRONG[name], set())


@described
def test_a_right_request_passes() -> None:
    found = contract()
    assert found is not None
    found.check("sendMessage", {"chat_id": "1", "text": "x", "reply_markup": json.dumps(KEYBOARD)}, set())
    found.check("sendPhoto", {"chat_id": "1"}, {"photo"})
    media = '{"type": "photo", "media": "attach://a", "caption": "x"}'
    found.check("editMessageMedia", {"chat_id": "1", "message_id": "1", "media": media}, {"a"})


@pytest.mark.parametrize(
    "broken",
    [
        "<b>",
        "</b>",
        "<b><i></b></i>",
        "a < b",
        "a & b",
        "&nbsp;",
        "<h1>x</h1>",
        '<a href="x">y</a>',
        "<b x>y</b>",
    ],
)
def test_broken_markup_is_caught(broken: str) -> None:
    with pytest.raises(BadMarkup):
        parse(broken)


def test_markup_is_read() -> None:
    parsed = parse("<b>a&lt;b</b> <code>&amp;</code> 😀")
    assert parsed.text == "a<b & 😀"
    assert parsed.spans == (("b", "a<b"), ("code", "&"))
    assert parsed.units == 8
