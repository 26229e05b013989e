"""What members ask beside pictures: quota, queue, cancel, history, help, link, forget, language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import AppCommandType, app_commands

from bot.commands import general, members
from bot.commands.general import Card
from bot.discord.locale import language_of, text
from bot.discord.questions import forget_reply, history_reply, link_reply
from bot.messages import translator

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from bot.discord.caller import Place
    from bot.discord.face import Face, Interaction
    from bot.discord.pages import Reply
    from bot.messages import Translator

LANGUAGES = [
    *(app_commands.Choice(name=name, value=code) for code, name in members.LANGUAGE_NAMES.items()),
    app_commands.Choice(name=text("language-auto"), value=members.AUTO),
]


def add_to(face: Face) -> None:
    """Put the members' commands on the command tree. Each answer is seen by its asker alone."""
    service = face.service

    def command(name: str) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], object]:
        return face.tree.command(name=text(f"cmd-{name}"), description=text(f"cmd-{name}-about"))

    @command("quota")
    async def quota(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: general.quota(service, place.asker, place.t))

    @command("queue")
    async def queue(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: members.queue(service, place.asker, place.t))

    @command("cancel")
    async def cancel(interaction: Interaction) -> None:
        await face.answer(interaction, lambda place: general.cancel(service, place.asker, place.t))

    @command("help")
    async def help_(interaction: Interaction) -> None:
        async def answer(place: Place) -> Card:
            return _help(face, place.t, translator(language_of(interaction.locale, place.t.language)))

        await face.answer(interaction, answer)

    @command("history")
    async def history(interaction: Interaction) -> None:
        async def answer(place: Place) -> Reply:
            return history_reply(await members.history(service, place.asker, None, place.t), place.t)

        await face.answer(interaction, answer)

    @command("link")
    @app_commands.rename(code=text("opt-code"))
    @app_commands.describe(code=text("opt-code-about"))
    async def link(interaction: Interaction, code: app_commands.Range[str, 1, 64] | None = None) -> None:
        async def answer(place: Place) -> Reply:
            return link_reply(await members.link(service, place.asker, code or "", place.t), place.t)

        await face.answer(interaction, answer)

    @command("forget")
    async def forget(interaction: Interaction) -> None:
        async def answer(place: Place) -> Reply:
            return forget_reply(place.t)

        await face.answer(interaction, answer)

    @command("language")
    @app_commands.rename(language=text("opt-language"))
    @app_commands.describe(language=text("opt-language-about"))
    @app_commands.choices(language=LANGUAGES)
    async def language(interaction: Interaction, language: str) -> None:
        await face.answer(interaction, lambda place: members.set_language(service, place.asker, language))


def _help(face: Face, t: Translator, shown: Translator) -> Card:
    """Every command of members, under the name that their app `shown`s it by."""
    all_ = face.tree.get_commands(type=AppCommandType.chat_input)
    names = [command.name for command in all_ if command.default_permissions is None]
    lines = [f"/{shown(f'cmd-{name}')} · {t(f'cmd-{name}-about')}" for name in names]
    return Card("Easel", text="\n".join([t("help-discord", imagine=shown("cmd-imagine")), "", *lines]))
