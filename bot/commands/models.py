"""`/models`: the models there are, what each can do, and which of them the reader may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.commands.command import Command
from bot.config.section import Language
from bot.imagine.capabilities import Workflow
from bot.render import Card
from engine.request import ControlKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.commands.command import Given
    from bot.faces.caller import Caller
    from bot.imagine.models import Model
    from bot.imagine.service import Service
    from bot.messages import Translator


async def models(service: Service, caller: Caller, _: Given) -> Card:
    """A fact for each model; the default of the reader's tier first, what they may not use last."""
    t, tier = caller.t, service.members.tier_of(caller.member, caller.asker)
    allowed = service.models.allowed(tier)
    others = [model for model in service.models if model not in allowed]
    facts = [(model.name, "\n".join(_told(model, t))) for model in allowed]
    facts += [(model.name, t("models-not-yours", tier=tier.name)) for model in others]
    how = t("models-how", default=allowed[0].name, option=t("opt-model")) if len(allowed) > 1 else ""
    return Card(t("models-title"), tuple(facts), how)


def _told(model: Model, t: Translator) -> Iterator[str]:
    can = model.capabilities
    if about := model.about.get(Language(t.language)):
        yield about
    largest = max(can.sizes.values(), key=lambda size: size.pixels)
    yield t("models-can", usual=str(can.default_size), largest=str(largest), steps=can.steps["standard"])
    yield t("models-no-negative" if can.negative_guidance is None else "models-negative")
    workflows = [w for w in (Workflow.VARY, Workflow.INPAINT) if w in can.strength]
    if workflows := [*workflows, *([Workflow.EDIT] if can.edits else [])]:
        yield t("models-pictures", what=t.listed(t(f"models-{workflow}") for workflow in workflows))
    if can.controls:
        kinds = (kind for kind in ControlKind if kind in can.controls)
        yield t("models-controls", what=t.listed(t(f"models-{kind.value}") for kind in kinds))
    if model.counts_as > 1:
        yield t("models-counts", images=model.counts_as)


COMMANDS = (Command("models", models),)
