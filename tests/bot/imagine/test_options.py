"""Every option of the table reaches every place: faces, cache, replay, the picture's file, help."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image
from typer import Context
from typer.main import get_command

from bot.cli import main
from bot.config.loras import Lora
from bot.config.money import SEED_TIERS
from bot.config.schema import Style
from bot.discord.imagine import signature
from bot.imagine.asker import Asker
from bot.imagine.capabilities import Size, load_capabilities
from bot.imagine.edit import Given
from bot.imagine.events import Done
from bot.imagine.inputs import Brought
from bot.imagine.models import Model, Models
from bot.imagine.options import BY_NAME, OPTIONS, Kind, Option, Options, about, altered, choices
from bot.imagine.parse import parse_imagine, parse_words
from bot.imagine.request import replay, resolve
from bot.imagine.source import png
from bot.messages import LANGUAGES, translator
from bot.web.images import options as options_of_body
from bot.web.schemas import EditRequest, GenerationRequest
from engine.request import ControlKind
from tests.easel import config_in, easel

if TYPE_CHECKING:
    from bot.imagine.request import ImageRequest
    from engine.front import Front

EMBEDDED = replace(load_capabilities("embedded"), controls=frozenset(ControlKind))
TIER = SEED_TIERS["premium"]
STYLES = {"ink": Style(prompt="{prompt}, in ink")}
MODELS = {"plain": {"path": "embedded", "default": True}, "careful": {"path": "embedded"}}
NAMED = {
    "style": tuple(STYLES),
    "model": tuple(MODELS),
    "lora": ("ink",),
    "control": ("depth", "edges"),
}
TWO = Models(*(Model(EMBEDDED, cast("Front", None), name) for name in MODELS))
LORAS = {"ink": Lora(file=Path("ink.safetensors"))}
SAME_PICTURE = ("images", "private")
"""Options that say how many pictures, or who sees them, and nothing about one of them."""
SOURCE = png(Image.linear_gradient("L").rotate(90).resize((128, 128)).point(lambda grey: grey // 64 * 64))
ANNA = Asker("console", "anna", tier="premium")


def value(option: Option) -> str | bool:
    """Some value of an option that is not its default."""
    if option.kind is Kind.FLAG:
        return True
    if option.limits:
        low, high = option.limits(EMBEDDED, TIER)
        return str(min(int(low) + 2, int(high)))
    if option.kind is Kind.SIZE:
        return "96x160"
    if option.kind is Kind.LIST:
        return "ink:0.5"
    return (choices(option, EMBEDDED, NAMED) or ("blur",))[-1]


def said(option: Option) -> dict[str, Any]:
    """The option, with the one that it means nothing without."""
    return {one: value(BY_NAME[one]) for one in (option.goes_with, option.name) if one}


def asked(option: Option) -> Options:
    words: dict[str, Any] = {"prompt": "a cat", "seed": "7"} | said(option)
    return Options(**words)


def resolved(options: Options, picture: Given | None = None) -> ImageRequest:
    return resolve(
        options, models=TWO, tier=TIER, styles=STYLES, loras=lambda model: LORAS, picture=picture
    ).request


def given(option: Option) -> Given | None:
    """The picture that an option needs."""
    return Given(Size(128, 128)) if option.needs_picture else None


every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
PLAIN = Options(prompt="a cat", seed="7")


@every_option
def test_it_makes_another_request_that_its_replay_makes_again(option: Option) -> None:
    request = resolved(asked(option), given(option))
    assert request != resolved(PLAIN, given(option))
    assert resolved(replay(request, TWO), given(option)) == request
    assert type(request).from_json(request.to_json()) == request


@every_option
def test_typed_anew_it_wins_over_an_old_request(option: Option) -> None:
    anew, before = asked(option), resolved(PLAIN, given(option))
    vary = altered(replay(before, TWO), Options(**said(option)))
    assert resolved(vary, given(option)) == resolved(anew, given(option))


@every_option
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_typed_in_a_chat_and_at_a_shell_in_every_language(option: Option, language: str) -> None:
    written = [] if option.kind is Kind.FLAG else [str(value(option))]
    for name in (option.shown, option.name, *option.aliases, option.called(language)):
        meant = Options(prompt="a cat", **{option.name: value(option)})  # type: ignore[arg-type]
        assert parse_imagine(" ".join(["a cat", f"--{name}", *written])) == meant
        assert parse_words(["a", "cat", f"--{name}", *written]) == meant


@every_option
def test_it_is_a_field_of_the_slash_command_and_of_the_api_and_in_every_help(option: Option) -> None:
    assert option.name in signature(EMBEDDED).parameters
    shell: Any = get_command(main.app)
    command = shell.get_command(Context(shell), "imagine")
    assert f"--{option.shown}" in {name for param in command.params for name in param.opts}
    for language in LANGUAGES:
        assert about(option, EMBEDDED, NAMED, translator(language))
    if option.chats_only:
        return
    numbers = {Kind.WHOLE: int, Kind.NUMBER: float}
    request = EditRequest if option.needs_picture else GenerationRequest
    body = request(prompt="a cat", **{option.field: numbers.get(option.kind, str)(value(option))})
    assert getattr(options_of_body(body), option.name) == value(option)


async def test_it_reaches_the_result_cache_and_the_file(tmp_path: Path) -> None:
    styles = {"ink": {"prompt": "{prompt}, in ink"}}
    config = config_in(tmp_path, styles=styles, models=MODELS, default_tier="premium")
    async with easel(config) as service:

        async def drawn(options: Options, key: str, brought: Brought | None = None) -> tuple[bool, str]:
            live = await service.imagine(ANNA, options, key=key, address={}, brought=brought)
            done = await live.outcome()
            assert isinstance(done, Done)
            done = await service.read(done)
            assert isinstance(done, Done)
            await service.delivered(live, key)
            image = Image.open(io.BytesIO(done.pictures[0].png))
            return done.pictures[0].cached, str(image.info["parameters"])

        _, plain = await drawn(PLAIN, "plain")
        for option in OPTIONS:
            brought = Brought(SOURCE) if option.needs_picture else None
            first, told = await drawn(asked(option), f"{option.name}-1", brought)
            again, _ = await drawn(asked(option), f"{option.name}-2", brought)
            assert (option.name, first, again) == (option.name, option.name in SAME_PICTURE, True)
            assert (option.name, told != plain) == (option.name, option.name not in SAME_PICTURE)
