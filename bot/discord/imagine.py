"""`/imagine`: the slash command with its choices and autocomplete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands

from bot.discord.locale import language_of, text
from bot.imagine.options import Options
from bot.messages import translator

if TYPE_CHECKING:
    from bot.discord.face import Face, Interaction
    from bot.imagine.service import Service

MAX_CHOICES, MAX_CHOICE_CHARS = 25, 100
IMAGES = (1, 2, 3, 4)


def add_to(face: Face) -> None:
    """Put `/imagine` on the command tree."""
    service = face.service
    qualities = [
        app_commands.Choice(name=text(f"quality-{name}"), value=name) for name in service.model.steps
    ]

    counts = [app_commands.Choice(name=str(n), value=n) for n in IMAGES]

    @face.tree.command(name=text("cmd-imagine"), description=text("cmd-imagine-about"))
    @app_commands.rename(**{name: text(f"opt-{name}") for name in OPTIONS})
    @app_commands.describe(**{name: text(f"opt-{name}-about") for name in OPTIONS})
    @app_commands.choices(quality=qualities)
    @app_commands.choices(images=counts)
    async def imagine(
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000],
        negative: app_commands.Range[str, 1, 2000] | None = None,
        size: str | None = None,
        quality: str | None = None,
        seed: str | None = None,
        images: int | None = None,
        style: str | None = None,
        private: bool = False,
    ) -> None:
        options = Options(
            prompt=prompt,
            negative=negative,
            size=size,
            quality=quality,
            seed=seed,
            images=str(images) if images else None,
            style=style,
            private=private,
        )
        await face.ask(
            interaction,
            lambda who, key, where: service.imagine(who, options, key=key, address=where),
            private=private,
        )

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

    @imagine.autocomplete("size")
    async def sizes(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        t = translator(language_of(interaction.locale, service.config.language))
        named = {f"{t(f'size-{name}')} · {size}": name for name, size in service.model.sizes.items()}
        typed_size = {typed: typed} if any(digit in typed for digit in "0123456789") else {}
        return _matching(named, "" if typed_size else typed, typed_size)


OPTIONS = ("prompt", "negative", "size", "quality", "seed", "images", "style", "private")


def _styles(service: Service, language: str) -> dict[str, str]:
    """Styles by the names a reader knows them under."""
    return {
        next((label for known, label in style.names.items() if known == language), name): name
        for name, style in service.config.styles.items()
    }


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
