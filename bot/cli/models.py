"""`easel models check`: what every model of bot.toml is, what it needs, and whether it fits. Loads none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bot.app import model_settings
from bot.cli.loras import show_loras
from bot.cli.running import FAILED, ConfigOption, console, read_bot_toml, translator_for
from bot.imagine.control_networks import standing as controls_standing
from bot.imagine.loras import examined
from bot.messages import Message, say
from engine.settings import BadSetting
from engine.survey import survey_card, survey_standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.config.schema import Config
    from bot.messages import Translator
    from engine.survey import Card, Standing

GB = 1_000_000_000
app = typer.Typer(no_args_is_help=True, help="The models of bot.toml.")


@app.command("check")
def check_models(config: ConfigOption = None) -> None:
    """Say of every model what it is, what it needs and whether it fits the card, without loading it.

    Control networks and LoRAs are looked at too.
    """
    settings = read_bot_toml(config)
    t = translator_for(settings)
    controls = (controls_standing(settings, name) for name in settings.named_models)
    told = [*standings(settings, survey_card(), t), *(one for one in controls if one is not None)]
    for message, _ in told:
        console.print(t(message), markup=False, highlight=False, soft_wrap=True)
    sound = not examined(settings) or show_loras(settings, t)
    if not sound or not all(good for _, good in told):
        raise typer.Exit(FAILED)


def standings(config: Config, card: Card | None, t: Translator) -> Iterator[tuple[Message, bool]]:
    """A sentence for each model, and whether it can be offered; and one for all of them together."""
    found: list[Standing] = []
    for name in config.named_models:
        try:
            standing = survey_standing(model_settings(config, name), card)
        except BadSetting as bad:
            yield say("model-not-offered", model=name or config.model.path, reason=str(bad)), False
            continue
        found.append(standing)
        yield _standing(name or standing.profile.name, standing, card, t)
    budget = next((one.fitting.budget_bytes for one in found if one.fitting), None)
    if budget is not None and len(found) > 1:
        together = sum(one.profile.resident_bytes for one in found)
        id_ = "models-check-all" if together <= budget else "models-check-in-turn"
        yield say(id_, needed=_gb(together), budget=_gb(budget)), True


def _standing(name: str, standing: Standing, card: Card | None, t: Translator) -> tuple[Message, bool]:
    """Parameters and memory of one; what is not on this machine yet is told by what is known of its kind."""
    count = standing.parameters
    size = t("models-check-later") if count is None else t("models-check-parameters", count=_count(count))
    known = {"model": name, "kind": standing.profile.name, "needed": _gb(standing.needs_bytes), "size": size}
    fitting = standing.fitting
    if fitting is None or card is None:
        return say("models-check-no-card", **known), True
    place = {"card": card.name, "budget": _gb(fitting.budget_bytes), "mode": fitting.mode.value}
    if fitting.usual_bytes > fitting.budget_bytes:
        return say("models-check-short", **known, **place), False
    return say("models-check-fits", **known, **place), True


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.1f}M"


def _gb(nbytes: int) -> str:
    return f"{nbytes / GB:.1f}" if nbytes >= GB else f"{nbytes / GB:.2f}"
