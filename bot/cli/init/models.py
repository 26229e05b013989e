"""Which models are drawn with, and whether the card can hold them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.init import asking
from bot.cli.init.card import card_here
from bot.cost.catalogue import planned_model
from bot.cost.fit import CARDS_GB, fit
from engine.families.recognise import recognise
from engine.families.registry import load_profile, published
from engine.settings import BadSetting

if TYPE_CHECKING:
    from bot.cli.init.answers import Answers
    from bot.messages import Translator
    from engine.families.profile import Hub, Profile

EMBEDDED, FOLDER, NO_OTHER = "embedded", "folder", ""
NO_CARD = 0


def ask_models(answers: Answers, t: Translator) -> Answers:
    """One model; beside one that needs a card there may be others, which members choose by name."""
    card = card_here()
    hub = sorted(published(), key=lambda one: one.hub.download_bytes if one.hub else 0, reverse=True)
    large = [(one.hub.source, _on_hub(one.hub, t)) for one in hub if one.hub]
    large.append((FOLDER, t("init-model-folder")))
    options = [(EMBEDDED, t("init-model-embedded")), *large]
    had = answers.models[0]
    known = had if had in (name for name, _ in options) else FOLDER
    usual = large[0][0] if card and had == EMBEDDED else known
    chosen = [asking.choose(t("init-model"), options, default=usual)]
    if chosen == [EMBEDDED]:
        return replace(answers, models=(EMBEDDED,), quantisation="none")
    chosen = [_path(chosen[0], t, had if known == FOLDER else "")]
    while left := [option for option in large if option[0] not in chosen]:
        another = asking.choose(
            t("init-model-another", count=len(chosen)),
            [(NO_OTHER, t("init-model-no-other")), *left],
            default=NO_OTHER,
        )
        if another == NO_OTHER:
            break
        chosen.append(_path(another, t))
    size = _card_gb(card, t)
    fits = [fit(size, _profile(path)) for path in chosen] if size else []
    quantised = any(one.quantisation != "none" for one in fits)
    largest_px = min((one.largest_px for one in fits if one.largest_px), default=None)
    return replace(
        answers,
        models=tuple(chosen),
        quantisation="int8" if quantised else "none",
        largest_px=largest_px,
    )


def _on_hub(hub: Hub, t: Translator) -> str:
    return t("init-model-hub", name=hub.title, size=round(hub.download_bytes / 1e9))


def _path(model: str, t: Translator, usual: str = "") -> str:
    """A folder is asked for; the name of a hub's model is its path."""
    if model != FOLDER:
        return model
    return asking.line(
        t("init-model-where"),
        check=lambda path: Path(path).is_dir(),
        hint=t("init-model-where-hint"),
        default=usual,
    )


def _profile(path: str) -> Profile:
    """A model's profile; of a folder that is not recognised, the one that costs are planned with."""
    try:
        return recognise(path)
    except BadSetting:
        return load_profile(planned_model())


def _card_gb(here: tuple[str, int] | None, t: Translator) -> int:
    """The card's memory, 0 for none; the mode is left to `auto`, which sees the card itself."""
    name, found_gb = here or ("", NO_CARD)
    sizes = [(size, t("init-card-size", gb=size)) for size in CARDS_GB]
    question = t("init-card-found", name=name, gb=found_gb) if here else t("init-card")
    nearest = min(CARDS_GB, key=lambda size: abs(size - found_gb)) if here else NO_CARD
    return asking.choose(question, [*sizes, (NO_CARD, t("init-card-none"))], default=nearest)
