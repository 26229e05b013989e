"""`/imagine`: the slash command, made from the table of options, with its choices and autocomplete."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import discord
from discord import Interaction as AnyInteraction
from discord import app_commands

from bot.discord.locale import language_of, text
from bot.imagine.inputs import Brought
from bot.imagine.options import MAX_PROMPT_CHARS, OPTIONS, Kind, Option, Options, number_text, shown
from bot.imagine.region import SIDES
from bot.messages import Names, UserError, say, translator
from bot.render import model_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.config.section import Language
    from bot.discord.face import Face, Interaction
    from bot.imagine.asker import Asker
    from bot.imagine.capabilities import Capabilities
    from bot.imagine.live import LiveRequest
    from bot.imagine.options import Named
    from bot.imagine.service import Service

MAX_CHOICES, MAX_CHOICE_CHARS = 25, 100
MAX_LISTED = 10
"""Up to this many numbers are listed as choices; of more, one is typed."""
FILES = ("picture", "mask")


def add_to(face: Face) -> None:
    """Put `/imagine` on the command tree."""
    service = face.service

    async def asked(interaction: Interaction, prompt: str, **said: Any) -> None:
        files = {name: said.pop(name, None) for name in FILES}
        options = Options(prompt=prompt, **{name: _typed(value) for name, value in said.items()})

        async def begin(who: Asker, key: str, where: Mapping[str, object]) -> LiveRequest:
            brought = await _brought(face, who, **files)
            return await service.imagine(who, options, key=key, address=where, brought=brought)

        await face.ask(interaction, begin, private=options.private)

    callback: Any = asked
    options = shown(service.named)
    names = ("prompt", *FILES, *(option.name for option in options))
    callback.__signature__ = signature(service.models.default.capabilities, options)
    ids = {name: f"opt-{name.replace('_', '-')}" for name in names}
    callback = app_commands.describe(**{name: text(f"{id_}-about") for name, id_ in ids.items()})(callback)
    callback = app_commands.rename(**{name: text(id_) for name, id_ in ids.items()})(callback)
    choices = _choices(service.models.default.capabilities, options, service.named)
    callback = app_commands.choices(**choices)(callback)
    command = face.tree.command(name=text("cmd-imagine"), description=text("cmd-imagine-about"))
    _offer_while_typing(face, command(callback), names)


def _offer_while_typing(
    face: Face, imagine: app_commands.Command[Any, ..., None], names: Sequence[str]
) -> None:
    """The values that Discord shows of a field while it is filled in."""
    service = face.service

    @imagine.autocomplete("prompt")
    async def prompts(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        found = face.recent.matching(interaction.user.id, typed)
        # a choice's value is what will be drawn, so a prompt too long for one is left out, not cut
        return [
            app_commands.Choice(name=prompt, value=prompt)
            for prompt in found
            if len(prompt) <= MAX_CHOICE_CHARS
        ]

    @imagine.autocomplete("style")
    async def styles(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        named = _styles(service, language_of(interaction.locale, service.config.language))
        return _matching(named, typed)

    if "model" in names:

        @imagine.autocomplete("model")
        async def models(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
            language = language_of(interaction.locale, service.config.language)
            return _matching(_models(service, language), typed)

    if "lora" in names:

        @imagine.autocomplete("lora")
        async def loras(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
            language = language_of(interaction.locale, service.config.language)
            before, _, word = typed.replace("，", ",").rpartition(",")
            first = f"{before.strip()}, " if before.strip() else ""
            named = {
                f"{first}{_called(lora.names, name, language)}": f"{first}{name}:{number_text(lora.strength)}"
                for name, lora in service.loras.of().items()
            }
            return _matching(named, word, {typed: typed} if ":" in word else None)

    @imagine.autocomplete("size")
    async def sizes(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        t = translator(language_of(interaction.locale, service.config.language))
        named = {
            f"{t(f'size-{name}')} · {size}": name
            for name, size in service.models.default.capabilities.sizes.items()
        }
        typed_size = {typed: typed} if any(digit in typed for digit in "0123456789") else {}
        return _matching(named, "" if typed_size else typed, typed_size)


def signature(model: Capabilities, options: Sequence[Option] = OPTIONS) -> inspect.Signature:
    """The parameters that discord.py makes the command's fields of."""
    prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARS]
    fields: list[tuple[str, Any, Any]] = [("interaction", AnyInteraction, inspect.Parameter.empty)]
    fields.append(("prompt", prompt, inspect.Parameter.empty))
    fields += [(name, discord.Attachment | None, None) for name in FILES]
    fields += [(option.name, *_field(option, model)) for option in options]
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [inspect.Parameter(name, keyword, default=default, annotation=kind) for name, kind, default in fields]
    )


async def _brought(
    face: Face, who: Asker, picture: discord.Attachment | None, mask: discord.Attachment | None
) -> Brought | None:
    """The files that came with the command. Raises `UserError`."""
    if picture is None:
        if mask is not None:
            raise UserError(say("error-picture-needed", option=Names("opt", "mask")))
        return None
    painted = await face.download(who, mask) if mask is not None else None
    return Brought(await face.download(who, picture), painted)


def _field(option: Option, model: Capabilities) -> tuple[Any, Any]:
    """An option's type in the command, and its default. Numbers are typed: the bot explains their limits."""
    if option.kind is Kind.FLAG:
        return bool, False
    if option.kind is Kind.TEXT:
        return app_commands.Range[str, 1, MAX_PROMPT_CHARS] | None, None
    return (int if _few(option, model) else str) | None, None


def _few(option: Option, model: Capabilities) -> range:
    """The numbers to choose from, where they are few enough to be listed."""
    if option.kind is not Kind.WHOLE or option.limits is None:
        return range(0)
    low, high = (int(limit) for limit in option.limits(model, None))
    return range(low, high + 1) if high - low < MAX_LISTED else range(0)


def _choices(
    model: Capabilities, options: Sequence[Option], named: Named
) -> dict[str, list[app_commands.Choice[Any]]]:
    """The fields whose few values Discord lists."""
    listed: dict[str, list[app_commands.Choice[Any]]] = {
        option.name: [app_commands.Choice(name=str(n), value=n) for n in few]
        for option in options
        if (few := _few(option, model))
    }
    qualities = [app_commands.Choice(name=text(f"quality-{name}"), value=name) for name in model.steps]
    sides = [app_commands.Choice(name=text(f"expand-{side}"), value=side) for side in SIDES]
    listed |= {"quality": qualities, "expand": sides}
    if follows := named.get("control"):
        listed["control"] = [
            app_commands.Choice(name=text(f"control-{kind}"), value=kind) for kind in follows
        ]
    return listed


def _typed(value: str | int | bool | None) -> Any:
    """A field's value as it would be typed."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _styles(service: Service, language: str) -> dict[str, str]:
    """Styles by the names a reader knows them under."""
    return {_called(style.names, name, language): name for name, style in service.config.styles.items()}


def _called(names: Mapping[Language, str], name: str, language: str) -> str:
    return next((label for known, label in names.items() if known == language), name)


def _models(service: Service, language: str) -> dict[str, str]:
    """Models by what a reader may know of them."""
    t = translator(language)
    return {model_line(model, t): model.name for model in service.models}


def _matching(
    named: dict[str, str], typed: str, first: dict[str, str] | None = None
) -> list[app_commands.Choice[str]]:
    word = typed.strip().casefold()
    found = {
        label: value for label, value in named.items() if word in label.casefold() or word in value.casefold()
    }
    choices = {**(first or {}), **found}
    return [
        app_commands.Choice(name=label[:MAX_CHOICE_CHARS], value=value[:MAX_CHOICE_CHARS])
        for label, value in list(choices.items())[:MAX_CHOICES]
    ]
