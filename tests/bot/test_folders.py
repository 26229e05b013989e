"""The data folder, where it can be had and where it cannot."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from bot.config.schema import Config
from bot.folders import make_folder, nearest, open_store, writable
from bot.messages import LANGUAGES, UserError, translator

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "data"
    assert writable(folder)
    assert list(tmp_path.iterdir()) == [], "a look changes nothing"
    make_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert writable(folder)
    make_folder(folder)


async def test_a_store_that_has_no_place_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "data"):
        assert not writable(folder)
        with pytest.raises(UserError) as refused:
            async with open_store(Config.model_validate({"storage": {"folder": folder}})):
                pass
        for language in LANGUAGES:
            sentence = translator(language)(refused.value.message)
            assert str(folder) in sentence
            assert "[storage]" in sentence
    assert nearest(file / "data") == file


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(UserError):
        make_folder(tmp_path)
