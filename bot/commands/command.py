"""What a command is: its name, who may use it, what it takes, and the answer it gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from bot.faces.caller import Who
from bot.messages import UserError, say
from storage.records.members import Identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from bot.messages import Translator
    from bot.render import Card

_ACCOUNT = re.compile(r"-?\d{1,20}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Kind(Enum):
    """What an argument is: what a platform's own input may offer for it, and how it is read when typed."""

    WORD = auto()
    NUMBER = auto()
    DATE = auto()
    """Left out where the next word is no date."""
    MEMBER = auto()
    """An account: mentioned, replied to, or its number."""
    CHANNEL = auto()
    ROLE = auto()
    FLAG = auto()
    """`on` or `off`; on where it is left out."""
    TEXT = auto()
    """All the words that are left."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. Its label is the message `opt-NAME`, its description `opt-NAME-about`."""

    name: str
    kind: Kind = Kind.WORD
    required: bool = False
    choices: Callable[[Config], Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a command: values by the argument's name, and the account it is about."""

    values: Mapping[str, str] = field(default_factory=dict)
    member: Identity | None = None

    def __getitem__(self, name: str) -> str:
        """The value of an argument, empty where it was left out."""
        return self.values.get(name, "")

    def flag(self, name: str) -> bool:
        """A FLAG argument: on unless it says otherwise."""
        return self[name].lower() not in OFF

    @property
    def somebody(self) -> Identity:
        """The account it is about. Raises `UserError` where nobody is named."""
        if self.member is None:
            raise UserError(say("error-who"))
        return self.member


ON, OFF = ("on", "yes", "true", "1", "开", "是"), ("off", "no", "false", "0", "关", "否")


def always(config: Config) -> bool:
    """`Command.when` of a command that every bot has."""
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command of all faces. A name of two words belongs to a group (`stats cost`).

    Its description is the message `cmd-NAME-about`, with a dash between two words.
    """

    name: str
    answer: Callable[[Service, Caller, Given], Awaitable[Card]]
    arguments: tuple[Argument, ...] = ()
    who: Who = Who.MEMBER
    alone: bool = False
    """Answered only where nobody else reads it."""
    when: Callable[[Config], bool] = always
    """Whether a bot with these settings has this command."""

    @property
    def group(self) -> str:
        """The first word."""
        return self.name.partition(" ")[0]

    @property
    def message_id(self) -> str:
        """What its texts are called."""
        return f"cmd-{self.name.replace(' ', '-')}"

    async def run(self, service: Service, caller: Caller, given: Given | None = None) -> Card:
        """The answer. Raises `UserError` where this caller may not ask, or what was given is wrong."""
        await caller.require(self.who)
        if self.alone and not caller.origin.alone:
            raise UserError(say("error-private-chat"))
        given = given or Given()
        self._require_whole(given, caller.t)
        return await self.answer(service, caller, given)

    def _require_whole(self, given: Given, t: Translator) -> None:
        """Raises `UserError` where a value that must be there is not, with how the command is written."""
        needed = [argument for argument in self.arguments if argument.required]
        if any(argument.kind is Kind.MEMBER and given.member is None for argument in needed):
            raise UserError(say("error-who"))
        if not all(given[argument.name] for argument in needed if argument.kind is not Kind.MEMBER):
            names = (t(f"opt-{argument.name}").upper() for argument in needed)
            raise UserError(say("error-incomplete", usage=" ".join([self.name, *names])))


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The accounts that a typed command may be about: named in it, and the author of what it replies to."""

    named: Identity | None = None
    replied: Identity | None = None


def typed(command: Command, words: str, platform: str, mentioned: Mentioned | None = None) -> Given:
    """Arguments out of words; what the platform `mentioned` is no longer among them."""
    values: dict[str, str] = {}
    member: Identity | None = None
    rest = words.strip()
    numbers = sum(argument.kind is Kind.NUMBER for argument in command.arguments)
    for argument in command.arguments:
        word, _, after = rest.partition(" ")
        match argument.kind:
            case Kind.TEXT:
                word, after = rest, ""
            case Kind.MEMBER:
                member, rest = _account(rest, numbers, platform, mentioned or Mentioned())
                continue
            case Kind.DATE if not _DATE.fullmatch(word):
                continue
            case Kind.FLAG if word.lower() not in (*ON, *OFF):
                continue
            case _:
                pass
        if word:
            values[argument.name] = word
        rest = after.strip()
    return Given(values, member)


def _account(words: str, numbers: int, platform: str, mentioned: Mentioned) -> tuple[Identity | None, str]:
    """Who is meant, and the words that are left. In a reply, `/grant 5` is five images: 5 is no account."""
    if mentioned.named is not None:
        return mentioned.named, words
    first, _, rest = words.partition(" ")
    leading = sum(word.isdecimal() for word in words.split()[: numbers + 1])
    if _ACCOUNT.fullmatch(first) and (leading > numbers or mentioned.replied is None):
        return Identity(platform, first), rest.strip()
    if leading == numbers > 0 and not first.isdecimal():  # somebody is named, and it cannot be told who
        return None, rest.strip()
    return mentioned.replied, words
