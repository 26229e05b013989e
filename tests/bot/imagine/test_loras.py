"""LoRAs as members ask for them, and as the owner hears of those that are not offered."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from bot.background.samples import LoraSamples
from bot.commands import loras as loras_command
from bot.config.loras import Lora
from bot.config.section import Language
from bot.faces.caller import Origin, caller_of
from bot.imagine.asker import Asker
from bot.imagine.events import Done
from bot.imagine.loras import SHIPPED, Loras, chosen, files_for
from bot.imagine.options import Options
from bot.imagine.parse import parse_imagine
from bot.messages import UserError, translator
from engine.events import Action, Event
from engine.request import Adapter
from tests.easel import config_in, easel
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config

INK = SHIPPED["ink"].file
OFFERED = {
    "ink": Lora(file=INK, strength=0.8, names={Language.ZH_CN: "墨线"}),
    "old-photo": Lora(file=INK),
    **{f"n{n}": Lora(file=INK) for n in range(4)},
}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ink", {"ink": 0.8}),
        ("ink:0.5", {"ink": 0.5}),
        ("Ink：0.5， OLD-PHOTO", {"ink": 0.5, "old-photo": 1.0}),
        ("墨线:-1、old-photo:.25", {"ink": -1.0, "old-photo": 0.25}),
        ("ink=1 + n1", {"ink": 1.0, "n1": 1.0}),
        ("", {}),
        (None, {}),
    ],
)
def test_names_and_strengths_are_read_as_they_are_typed(typed: str | None, meant: dict[str, float]) -> None:
    assert chosen(typed, OFFERED) == meant


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("inq", "ink"),
        ("ink:9", "-2"),
        ("ink:strong", "strong"),
        ("ink:", "ink:"),
        ("ink, ink:0.5", "twice"),
        ("ink n0 n1 n2 n3", "4"),
    ],
)
def test_what_cannot_be_meant_gets_one_sentence(typed: str, words: str) -> None:
    with pytest.raises(UserError) as refused:
        chosen(typed, OFFERED)
    assert words in translator("en")(refused.value.message)


@pytest.mark.parametrize(
    "line",
    [
        "a cat --lora ink:0.8, n1 on a roof",
        "a cat —loras ink:0.8，n1 on a roof",
        "a cat --lora ink:0.8 on a roof --lora n1",
    ],
)
def test_several_are_typed_in_one_option_or_in_several(line: str) -> None:
    options = parse_imagine(line)
    assert options.prompt == "a cat on a roof"
    assert chosen(options.lora, OFFERED) == {"ink": 0.8, "n1": 1.0}


def _config(folder: Path, **loras: object) -> Config:
    return config_in(folder, loras=loras, default_tier="premium")


def test_tiers_and_models_choose_who_is_offered_what(tmp_path: Path) -> None:
    config = config_in(
        tmp_path,
        loras={"ink": {"file": INK, "tiers": ["premium"]}, "old": {"file": INK, "models": ["b"]}},
        models={"a": {"path": "embedded", "default": True}, "b": {"path": "embedded"}},
    )
    loras = Loras(config)
    assert [file.name for file in files_for(config, "a")] == ["ink"]
    assert set(loras.of("free", "a")) == set()
    assert set(loras.of("premium", "a")) == {"ink"}
    assert set(loras.of("free", "b")) == {"old"}
    assert set(loras.of()) == {"ink", "old"}


def test_what_cannot_be_used_is_not_offered_and_told_in_every_language(tmp_path: Path) -> None:
    wide = tmp_path / "wide.safetensors"
    save_file({key: np.tile(weights, (2, 2)) for key, weights in load_file(INK).items()}, wide)
    loras = Loras(_config(tmp_path, ink={"file": INK}, wide={"file": wide}, gone={"file": tmp_path / "none"}))
    assert set(loras.of()) == {"ink"}
    assert "another model" in translator("en")(loras.flaws["wide"])
    assert "没有文件" in translator("zh-CN")(loras.flaws["gone"])
    loras.on_event(Event(Action.LORA_REFUSED, None, {"lora": "ink", "reason": "no layer layers.99"}))
    assert not loras.of()
    assert "layers.99" in translator("en")(loras.flaws["ink"])


def test_another_file_of_the_same_name_is_another_picture(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({key: weights * 2 for key, weights in load_file(INK).items()}, other)
    (one,), (two,) = (
        Loras(_config(tmp_path, ink={"file": file})).adapters({"ink": 1.0}) for file in (INK, other)
    )
    assert one.name == two.name
    assert one.digest != two.digest


async def test_it_reaches_the_engine_the_file_and_a_later_replay(tmp_path: Path) -> None:
    settings = {"file": INK, "trigger": "ink drawing", "strength": 0.5}
    async with easel(_config(tmp_path, ink=settings, old={"file": INK})) as service:
        options = Options(prompt="a cat", seed="7", lora="old, ink:0.25")
        live = await service.imagine(Asker("console", "anna", tier="premium"), options, key="1", address={})
        done = await live.outcome()
        assert isinstance(done, Done)
        done = await service.read(done)
        assert isinstance(done, Done)
        told = str(Image.open(io.BytesIO(done.pictures[0].png)).info["parameters"])
        digest = service.loras.adapters({"ink": 1.0})[0].digest
        assert 'Lora: "old:1, ink:0.25"' in told
        assert f"ink: {digest[:12]}" in told
        assert service.loras.triggered("a cat", {"ink": 0.25}) == "ink drawing, a cat"
        assert [a.name for a in service.loras.adapters(live.request.loras)] == ["ink", "old"]
        assert Adapter("gone", 1.0) in service.loras.adapters({"gone": 1.0})


async def test_the_list_shows_each_with_its_sample_once_that_is_drawn(tmp_path: Path) -> None:
    config = _config(tmp_path, ink={"file": INK, "strength": 0.5}, old={"file": INK, "tiers": ["standard"]})
    (command,) = loras_command.COMMANDS
    async with easel(config) as service:
        card = await command.run(service, await caller_of(service, Origin("console", "anna")))
        assert [(part.title, part.picture) for part in card.parts] == [("ink", None)]
        assert "--lora ink:0.5" in card.text
        await LoraSamples(service, quiet_s=0).draw()
        card = await command.run(service, await caller_of(service, Origin("console", "anna")))
        assert card.parts[0].picture is not None
        quota = await service.members.quota(Asker("console", "anna"))
        assert (quota.used, quota.reserved) == (0, 0)
    assert not command.when(config_in(tmp_path, model={"path": "elsewhere"}))


async def test_a_sample_is_drawn_with_a_model_that_the_lora_fits(tmp_path: Path) -> None:
    config = config_in(
        tmp_path,
        loras={"old": {"file": INK, "models": ["b"]}},
        models={"a": {"path": "embedded", "default": True}, "b": {"path": "embedded"}},
    )
    async with easel(config) as service:
        service.models.default.backend.pause_admission()
        async with asyncio.timeout(PATIENCE_S):
            await LoraSamples(service, quiet_s=0).draw()
        assert service.loras.sample("old").exists()
