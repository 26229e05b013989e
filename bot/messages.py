"""Everything a user reads, in their language: Project Fluent files under `locales/`, one folder a language.

Code below the faces never holds a sentence. It raises or returns a `Message`, which is an id of the Fluent
files and its arguments, and the face renders it for whoever is reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluent.runtime import AbstractResourceLoader, FluentBundle, FluentLocalization, FluentResource

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import datetime

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = ("en", "zh-CN")
"""Languages with a complete set of messages; the first is the fallback."""

ENTRY = re.compile(r"^(?=[a-z][a-z0-9-]* *=)", re.MULTILINE)
"""Where a message begins in a Fluent file."""

Argument = str | int | float


class Moment(str):
    """A point in time, as words for a face that cannot show it in its reader's own zone."""

    at: datetime

    def __new__(cls, at: datetime, words: str) -> Moment:
        """`words` are the moment in the owner's zone."""
        moment = super().__new__(cls, words)
        moment.at = at
        return moment


class Names(str):
    """Names as code and the HTTP API have them. Whoever reads another language than English sees what each is
    called there, by the message `STEM-NAME`.
    """

    ids: Mapping[str, str]

    def __new__(cls, stem: str, *names: str) -> Names:
        made = super().__new__(cls, ", ".join(names))
        made.ids = {name: f"{stem}-{name}" for name in names}
        return made


class Reason(Enum):
    """Why something was refused or failed, for programs: the HTTP API derives its status from it."""

    INVALID = "a value does not fit"
    TOO_LONG = "a text is too long"
    NOT_ALLOWED = "whoever asks may not"
    NO_QUOTA = "an allowance or a cap is used up"
    TOO_FAST = "too much at once; later it works"
    POLICY = "a rule on contents"
    REUSED = "the key of another request"
    GONE = "it is not, or no longer, there"
    CANCELLED = "somebody cancelled it"
    DRAINING = "the bot is restarting"
    UNAVAILABLE = "not possible at the moment"
    FAILED = "a fault of the machine or the bot"


@dataclass(frozen=True)
class Message:
    """A sentence that is not in a language yet: an `id` of the Fluent files and its arguments."""

    id: str
    args: Mapping[str, Argument] = field(default_factory=dict)
    reason: Reason = field(default=Reason.INVALID, compare=False)
    """Why, if this tells of a refusal or failure. Code decides by this, never by the id."""

    def because(self, reason: Reason) -> Message:
        """The message with a reason."""
        return replace(self, reason=reason)


class UserError(Exception):
    """A refusal that the user can do something about: one clear sentence; nothing was changed or charged."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.id)
        self.message = message


def say(id_: str, /, **args: Argument) -> Message:
    """A `Message`; keyword names use `_` where the Fluent files use `-`."""
    return Message(id_, {name.replace("_", "-"): value for name, value in args.items()})


def best_language(locale: str | None, default: str = "en") -> str:
    """The supported language nearest to a platform's locale code (`zh-TW`, `zh_hans`, `en-GB`, None)."""
    if not locale:
        return default
    primary = locale.replace("_", "-").split("-")[0].lower()
    return next((known for known in LANGUAGES if known.split("-")[0] == primary), default)


class _Bundle(FluentBundle):
    """Parses each message when it is first asked for: a command needs a few of them, and parsing all takes it
    a third of its time. So no message may refer to another one, or to a term.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sources: dict[str, str] = {}

    def add_resource(self, resource: Any, allow_overrides: bool = False) -> None:
        """Take the text of a whole file."""
        for entry in ENTRY.split(resource):
            self._sources.setdefault(entry.partition("=")[0].strip(), entry)

    def has_message(self, message_id: str) -> bool:
        return message_id in self._sources

    def get_message(self, message_id: str) -> Any:
        if not super().has_message(message_id):
            super().add_resource(FluentResource(self._sources[message_id]))
        return super().get_message(message_id)


class _Files(AbstractResourceLoader):
    """Reads `locales/LANGUAGE/*.ftl`, unparsed."""

    def resources(self, locale: str, resource_ids: list[str]) -> Generator[list[Any], None, None]:
        yield [(LOCALES / locale / name).read_text("utf-8") for name in resource_ids]


class Translator:
    """Renders messages in one language, falling back to English."""

    def __init__(self, language: str) -> None:
        self.language = language
        order = [language, *(known for known in LANGUAGES[:1] if known != language)]
        files = sorted(path.name for path in (LOCALES / LANGUAGES[0]).glob("*.ftl"))
        self._fluent = FluentLocalization(order, files, _Files(), bundle_class=_Bundle)

    def __call__(self, id_: str | Message, /, **args: Argument) -> str:
        message = id_ if isinstance(id_, Message) else say(id_, **args)
        named = {name: self._named(value) for name, value in message.args.items()}
        return self._fluent.format_value(message.id, named)

    def _named(self, value: Argument) -> Argument:
        if not isinstance(value, Names) or self.language == LANGUAGES[0]:
            return value
        called = {name: self._fluent.format_value(id_) for name, id_ in value.ids.items()}
        return self.listed(name if called[name] == id_ else called[name] for name, id_ in value.ids.items())

    def listed(self, items: Iterable[str]) -> str:
        """Several things in one line."""
        return ("、" if self.language == "zh-CN" else ", ").join(items)


@lru_cache(maxsize=len(LANGUAGES))
def translator(language: str) -> Translator:
    """The shared, immutable translator of a supported language."""
    return Translator(best_language(language))
