"""The models that members may use: bot.toml says under which name each is offered, to whom, and how many
images a picture of it counts as.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.imagine.capabilities import Capabilities, capabilities_of
from bot.imagine.control_networks import flaw, network
from bot.messages import Message, Names, Reason, UserError, say
from engine.families.recognise import recognise, words_of
from engine.settings import BadSetting
from engine.weights import BadWeights

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from bot.config.money import Tier
    from bot.config.schema import Config
    from bot.config.section import Language
    from engine.front import Front
    from engine.request import ControlKind


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is offered: its name, what can be asked of it, who may, and the backend that draws."""

    capabilities: Capabilities
    backend: Front
    name: str = ""
    """What members call it; empty: as its kind is called."""
    counts_as: int = 1
    """How many images of the allowance a picture of it is."""
    tiers: tuple[str, ...] = ()
    """Who may use it; empty: everybody."""
    about: Mapping[Language, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.capabilities.name)

    def is_for(self, tier: Tier) -> bool:
        return not self.tiers or tier.name in self.tiers


class Models:
    """The models of this bot by name. The first is the default: it draws where none is named, or by one of
    the `aliases`.
    """

    def __init__(self, *models: Model, aliases: Iterable[str] = ()) -> None:
        self.aliases = tuple(aliases)
        self._by_name = {model.name: model for model in models}
        self.default = models[0]

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def controls(self) -> frozenset[ControlKind]:
        """What any of them follows."""
        return frozenset(kind for model in self for kind in model.capabilities.controls)

    def named(self, name: str | None) -> Model:
        """The model `name`; the default where none is named, or one that is no longer there."""
        return self._by_name.get(name or "", self.default)

    def allowed(self, tier: Tier) -> tuple[Model, ...]:
        """The models that a tier may use, its default first."""
        return tuple(model for model in self if model.is_for(tier))

    def chosen(self, name: str | None, tier: Tier) -> Model:
        """The model that somebody asked for by name; without one, their tier's default.

        Raises UserError where there is none of that name, or their tier may not use it.
        """
        allowed = self.allowed(tier) or (self.default,)
        names = ", ".join(model.name for model in allowed)
        word = (name or "").strip().lower()
        if not word:
            return allowed[0]
        found = dict.fromkeys((alias.lower() for alias in self.aliases), allowed[0])
        found |= {known.lower(): model for known, model in self._by_name.items()}
        if word in found:
            if not found[word].is_for(tier):
                told = say("error-model-tier", found=found[word].name, tier=tier.name, allowed=names)
                raise UserError(told.because(Reason.NOT_ALLOWED))
            return found[word]
        near = get_close_matches(word, [model.name.lower() for model in allowed], n=1)
        if near:
            told = say(
                "error-choice-near", option=Names("opt", "model"), found=word, near=near[0], allowed=names
            )
            raise UserError(told)
        raise UserError(say("error-choice", option=Names("opt", "model"), found=word, allowed=names))


@dataclass(frozen=True, slots=True)
class Found:
    """The models of bot.toml that can be offered, the default first, and a sentence on each of the others."""

    capabilities: Mapping[str, Capabilities]
    """By name."""
    problems: Mapping[str, Message] = field(default_factory=dict)
    networks: Mapping[str, Message] = field(default_factory=dict)
    """A sentence on each control network that cannot be used: its model is offered all the same."""


def find_models(config: Config, *, download: bool = False) -> Found:
    """Look what each model is. Blocking; `download`: a hub's index may be fetched.

    Raises BadSetting where the only one cannot be offered.
    """
    capabilities: dict[str, Capabilities] = {}
    problems: dict[str, Message] = {}
    networks: dict[str, Message] = {}
    elsewhere = config.engine.backend != "local"
    for name, section in config.named_models.items():
        try:
            found = recognise(section.path, section.revision, download=download, elsewhere=elsewhere)
        except BadSetting as bad:
            if len(config.named_models) == len(problems) + 1 and not capabilities:
                raise
            problems[name] = say("model-not-offered", model=name, reason=str(bad))
        else:
            offered = capabilities_of(found, words_of(section.path))
            shown, follows = name or found.name, network(config, name)
            if isinstance(follows, BadWeights):
                networks[shown] = flaw(shown, follows)
            elif follows is not None:
                offered = replace(offered, controls=follows.kinds)
            capabilities[shown] = offered
    return Found(capabilities, problems, networks)


def offered_models(found: Found, config: Config, backend: Front) -> Models:
    """The models that members may use, all of them drawn by `backend`."""
    models, sections = [], config.named_models
    for name, capabilities in found.capabilities.items():
        section = sections.get(name) or sections[""]
        if config.engine.backend == "openai":  # such servers are sent words alone
            capabilities = replace(capabilities, strength={}, controls=frozenset())
        models.append(Model(capabilities, backend, name, section.price_factor, section.tiers, section.about))
    return Models(*models, aliases=config.http.model_aliases)
