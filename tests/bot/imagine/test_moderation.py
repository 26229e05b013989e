"""Prompt rules: over folded text, in linear time, for every face at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bot.commands.server import set_rules
from bot.config.file import ConfigError, load_config
from bot.imagine.asker import Asker
from bot.imagine.moderation import checked_pattern, compiled, fold
from bot.imagine.options import Options
from bot.messages import UserError, translator
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from pathlib import Path


INVISIBLE = (
    0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200D, 0x202E,
    0x2060, 0x2064, 0x206F, 0x2800, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF0, 0xFFFC, 0x1BCA0,
    0x1D159, 0x1D173, 0xE0001, 0xE0061, 0xE0100, 0xE0FFF, 0x0336, 0x20DD, 0x0378, 0x0007,
)  # fmt: skip
"""Characters that are drawn as nothing, over a letter, or not at all."""


@pytest.mark.parametrize(
    ("word", "prompt"),
    [
        ("gore", "lots of gore"),
        ("gore", "GORE!"),
        ("gore", "ｇｏｒｅ"),
        *(("gore", f"go{chr(invisible)}re") for invisible in INVISIBLE),
        ("café", "cafe\u0336\u0301"),
        ("Straße", "eine STRASSE"),
        ("血腥", "很血腥的画面"),
        ("c++", "a c++ book"),
    ],
)
def test_a_blocked_word_is_found_however_it_is_written(word: str, prompt: str) -> None:
    assert compiled((word,), ()).broken_by(fold(prompt))


@pytest.mark.parametrize(("word", "prompt"), [("ass", "green grass"), ("gore", "Gorey"), (" ", "a cat")])
def test_a_word_inside_another_is_not_blocked(word: str, prompt: str) -> None:
    assert not compiled((word,), ()).broken_by(fold(prompt))


def test_a_pattern_that_would_backtrack_for_ever_takes_no_time() -> None:
    rules = compiled((), (r"(a+)+$",))
    began = time.process_time()
    assert not rules.broken_by("a" * 2_000 + "b")
    assert time.process_time() - began < 0.5


def test_a_pattern_that_cannot_be_read_is_told() -> None:
    with pytest.raises(UserError) as refused:
        checked_pattern("(")
    assert refused.value.message.id == "moderation-bad-pattern"


def test_a_bad_pattern_in_the_file_names_its_key(tmp_path: Path) -> None:
    path = tmp_path / "bot.toml"
    path.write_text('[moderation]\nblocked_patterns = ["("]\n')
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert "moderation.blocked_patterns" in refused.value.lines[0]


async def test_every_request_passes_the_rules_and_a_refusal_costs_nothing(tmp_path: Path) -> None:
    config = config_in(tmp_path, moderation={"blocked_words": ["gore"], "adult_words": ["nude"]})
    async with easel(config) as service:
        anna = Asker("console", "anna", server_id="5", adult=False)

        async def said(prompt: str, asker: Asker = anna, **options: str) -> str:
            try:
                wanted = Options(prompt, **options)  # type: ignore[arg-type]
                await service.imagine(asker, wanted, key=prompt + asker.user_id, address={})
            except UserError as error:
                return error.message.id
            return "drawn"

        assert await said("gore") == "moderation-blocked"
        assert await said("a cat", negative="gore") == "moderation-blocked"
        assert await said("a nude statue") == "moderation-adult"
        assert await said("a nude statue", Asker("console", "bob")) == "drawn"
        t = translator("en")
        await set_rules(service, anna, t, word="Katze")
        await set_rules(service, anna, t, pattern=r"c\d+t")
        assert await said("a katze") == "moderation-blocked-server"
        assert await said("a c4t") == "moderation-blocked-server"
        assert await said("a c4t", Asker("console", "bob", server_id="6")) == "drawn"
        card = await set_rules(service, anna, t, word="Katze", blocked=False)
        assert ("Words", "nothing yet") in card.facts
        assert (await service.members.quota(anna)).reserved == 0
