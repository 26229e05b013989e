"""What a model is, from its files' own words and without loading anything: no torch here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.families.files import fetch_index
from engine.families.registry import INDEX, families, index_file, is_shipped, load_profile, published
from engine.settings import EMBEDDED, EMBEDDED_FOLDER, BadSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.families.family import Family
    from engine.families.profile import Profile

OWN_PROFILE = "easel.toml"
"""A model folder may bring its own numbers; without them it has its family's."""


def recognise(
    source: str, revision: str | None = None, *, download: bool = False, elsewhere: bool = False
) -> Profile:
    """What is known of a model: `embedded`, a folder, or a hub name. Blocking.

    `download`: a hub's index may be fetched. `elsewhere`: another machine draws, and a model that is not here
    is taken for what the embedded one is. Raises BadSetting where there is none, where it is of no known
    family, or where a hub's model is neither one that Easel knows by name nor downloaded.
    """
    index = index_file(_place(source), revision)
    if index is None and not names_folder(source):
        by_name = next((one for one in published() if one.hub and one.hub.source == source), None)
        if by_name is not None:
            return by_name
        if download:
            fetch_index(source, revision)
            index = index_file(source, revision)
        if index is None and not elsewhere:
            raise BadSetting("path", source, "it is not downloaded yet, so nobody knows what it is")
    if (index is None or not index.is_file()) and not elsewhere:
        raise BadSetting("path", source, f"there is no {INDEX}; it must be a folder in diffusers' layout")
    family = family_of(source, revision, families())
    return replace(load_profile(profile_of(source, family)), planner=family)


def family_of(source: str, revision: str | None, known: Mapping[str, Family]) -> Family:
    """By the index. While there is none, a model is taken for what the embedded one is; loading finds out.

    Raises BadSetting for a class that is not known.
    """
    index = index_file(_place(source), revision)
    if index is None or not index.exists():
        index = EMBEDDED_FOLDER / INDEX
    try:
        told = json.loads(index.read_text(encoding="utf-8"))
        name = told["_class_name"]
    except (ValueError, TypeError, KeyError) as error:
        raise BadSetting("path", source, f"its {INDEX} names no class of pipeline ({error!r})") from error
    if name not in known:
        raise BadSetting("path", source, f"it holds a {name}; Easel draws with {' and '.join(sorted(known))}")
    family = known[name].of_folder(told)
    scheduler = index.parent / "scheduler" / "scheduler_config.json"
    return family.scheduled(json.loads(scheduler.read_text("utf-8"))) if scheduler.exists() else family


def profile_of(source: str, family: Family) -> str | Path:
    """The profile that the folder brings; else the shipped one that is called as the folder or hub name ends,
    or the family's own.
    """
    if source == EMBEDDED:
        return EMBEDDED
    own = Path(source) / OWN_PROFILE
    if own.exists():
        return own
    name = Path(source).name.lower()
    fits = is_shipped(name) and isinstance(load_profile(name).planner, type(family))
    return name if fits else family.profile


def words_of(source: str) -> frozenset[str]:
    """The words that a small model was trained on, where its folder lists them; empty: any."""
    listed = Path(_place(source)) / "words.txt"
    return frozenset(listed.read_text("utf-8").split()) if listed.is_file() else frozenset()


def names_folder(source: str) -> bool:
    """Whether a model's path can be no name of the hub."""
    return source.startswith((".", "~")) or Path(source).is_absolute()


def _place(source: str) -> str:
    """A folder, or a hub name."""
    return str(EMBEDDED_FOLDER) if source == EMBEDDED else source
