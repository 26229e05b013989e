"""The LoRAs that members may draw with: which are offered, and how `ink:0.8, sepia` is read."""

from __future__ import annotations

import functools
import importlib.util
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import structlog

from bot.config.loras import HIGHEST, LOWEST, Lora
from bot.config.section import Language
from bot.imagine.control_networks import model_folder
from bot.imagine.options import number_text
from bot.messages import Message, Names, UserError, say, translator
from engine.adapters import MOST, AdapterFile, examine
from engine.events import Action, Observer
from engine.request import Adapter
from engine.settings import EMBEDDED_FOLDER
from engine.weights import BadWeights, Flaw

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bot.config.schema import Config
    from engine.events import Event

log = structlog.get_logger(__name__)

SHIPPED = {
    name: Lora(file=EMBEDDED_FOLDER / "loras" / f"{name}.safetensors", names={Language.ZH_CN: chinese})
    for name, chinese in (("flat", "扁平"), ("ink", "墨线"), ("sepia", "旧照"))
}
"""The LoRAs of the embedded model, for a bot.toml that names none."""
_ITEM = re.compile(r"(?P<name>[^\s:=,+]+)(?:\s*[:=]\s*(?P<strength>[^\s:=,+]+))?[\s,+]*")
_STRENGTH = re.compile(r"[+-]?\d{0,3}(\.\d{1,4})?")


ONLY = ""
"""An only model, as bot.toml names it."""
SAMPLES = "lora-samples"
"""Folder of the pictures that `/loras` shows, which `bot.background.samples` draws."""


@dataclass(frozen=True, slots=True)
class Usable:
    """A LoRA whose file is sound."""

    lora: Lora
    file: AdapterFile
    models: tuple[str, ...]
    """The models that it fits, as bot.toml names them; an only model has no name."""


class Loras(Observer):
    """LoRAs by name. One that is not offered has a sentence for the owner, in `flaws`."""

    def __init__(self, config: Config) -> None:
        """Blocking: reads each file once."""
        self.flaws: dict[str, Message] = {}
        self._offered: dict[str, Usable] = {}
        self._language = config.language
        self._folder = config.storage.folder
        for name, found in examined(config).items():
            if isinstance(found, Usable):
                self._offered[name] = found
            else:
                self._refuse(name, flaw(name, found))

    def of(self, tier: str = "", model: str = "") -> Mapping[str, Lora]:
        """The LoRAs that this tier may use with this model; an empty name stands for any."""
        return {
            name: usable.lora
            for name, usable in self._offered.items()
            if (not tier or not usable.lora.tiers or tier in usable.lora.tiers)
            and (not model or model in usable.models or ONLY in usable.models)
        }

    def sample(self, name: str) -> Path:
        """Where the picture that shows it is, once it is drawn; of another file there is another."""
        return self._folder / SAMPLES / f"{name}-{self._offered[name].file.digest[:12]}.png"

    def adapters(self, chosen: Mapping[str, float]) -> tuple[Adapter, ...]:
        """In the engine's terms."""
        digests = {name: usable.file.digest for name, usable in self._offered.items()}
        return tuple(Adapter(name, scale, digests.get(name, "")) for name, scale in sorted(chosen.items()))

    def triggered(self, prompt: str, chosen: Mapping[str, float]) -> str:
        """The prompt behind the trigger words of what is drawn with."""
        loras = (usable.lora for name, usable in self._offered.items() if name in chosen)
        return ", ".join([*(lora.trigger for lora in loras if lora.trigger), prompt])

    def on_event(self, event: Event) -> None:
        """The worker could not load one of them."""
        if event.action is Action.LORA_REFUSED:
            name, reason = str(event.fields["lora"]), str(event.fields["reason"])
            self._offered.pop(name, None)
            self._refuse(name, say("lora-refused", lora=name, reason=reason))

    def _refuse(self, name: str, why: Message) -> None:
        self.flaws[name] = why
        log.warning("lora.not_offered", lora=name, reason=translator(self._language)(why))


def configured(config: Config) -> Mapping[str, Lora]:
    """The LoRAs of bot.toml, or the embedded model's where they can be loaded. OpenAI servers take none."""
    if config.engine.backend == "openai":
        return {}
    if config.loras or not any(model.path == "embedded" for model in config.named_models.values()):
        return config.loras
    loads = importlib.util.find_spec("peft") is not None and not config.model.compile
    return SHIPPED if loads else {}


def examined(config: Config) -> Mapping[str, Usable | BadWeights]:
    """The LoRAs that can be used, and why others cannot. Blocking; an unchanged file is read once."""
    return {name: _usable(name, lora, config) for name, lora in configured(config).items()}


def files_for(config: Config, model: str) -> tuple[AdapterFile, ...]:
    """What a model of bot.toml may be drawn with. Blocking."""
    found = examined(config).values()
    return tuple(one.file for one in found if isinstance(one, Usable) and model in one.models)


def flaw(name: str, bad: BadWeights) -> Message:
    """One sentence for the owner."""
    return say("lora-flaw", lora=name, file=str(bad.path), flaw=bad.flaw.value)


def _usable(name: str, lora: Lora, config: Config) -> Usable | BadWeights:
    if importlib.util.find_spec("peft") is None:
        return BadWeights(Flaw.NO_PEFT, lora.file)
    bad = BadWeights(Flaw.OTHER_MODEL, lora.file)
    fits: list[str] = []
    for model, section in config.named_models.items():
        if lora.models and model != ONLY and model not in lora.models:
            continue
        try:
            file = _examined(name, lora.file, model_folder(section.path, section.revision))
            fits.append(model)
        except BadWeights as error:
            bad = error
    return Usable(lora, file, tuple(fits)) if fits else bad


def chosen(text: str | None, offered: Mapping[str, Lora]) -> dict[str, float]:
    """What was typed, as strengths by name. Raises UserError with one sentence."""
    words = unicodedata.normalize("NFKC", text or "").replace("、", ",").strip(" ,+").lower()
    if not words:
        return {}
    if not offered:
        raise UserError(say("error-no-loras"))
    names = {label.lower(): name for name, lora in offered.items() for label in (name, *lora.names.values())}
    found: dict[str, float] = {}
    at = 0
    while at < len(words):
        item = _ITEM.match(words, at)
        if item is None:
            raise UserError(say("error-loras", found=words))
        name = _named(item["name"], names, offered)
        if name in found:
            raise UserError(say("error-lora-twice", lora=name))
        found[name] = _strength(item["strength"], offered[name])
        at = item.end()
    if len(found) > MOST:
        raise UserError(say("error-loras-many", most=MOST))
    return found


def written(strengths: Mapping[str, float]) -> str | None:
    """LoRAs as they would be typed; None for none."""
    return ", ".join(f"{name}:{number_text(scale)}" for name, scale in strengths.items()) or None


def _named(word: str, names: Mapping[str, str], offered: Mapping[str, Lora]) -> str:
    if word in names:
        return names[word]
    allowed = ", ".join(offered)
    if near := get_close_matches(word, names, n=1):
        raise UserError(
            say(
                "error-choice-near",
                option=Names("opt", "lora"),
                found=word,
                near=names[near[0]],
                allowed=allowed,
            )
        )
    raise UserError(say("error-choice", option=Names("opt", "lora"), found=word, allowed=allowed))


def _strength(text: str | None, lora: Lora) -> float:
    if text is None:
        return lora.strength
    if any(map(str.isdigit, text)) and _STRENGTH.fullmatch(text) and LOWEST <= float(text) <= HIGHEST:
        return float(text)
    raise UserError(
        say("error-range", option=Names("opt", "lora"), found=text, low=f"{LOWEST:g}", high=f"{HIGHEST:g}")
    )


def _examined(name: str, path: Path, model: Path | None) -> AdapterFile:
    file = max(path.glob("*.safetensors"), default=path) if path.is_dir() else path
    stat = file.stat() if file.exists() else None
    return _read(name, path, model, stat and (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=256)
def _read(name: str, path: Path, model: Path | None, version: object) -> AdapterFile:
    return examine(name, path, model)
