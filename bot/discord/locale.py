"""Names and descriptions of commands in the languages Discord's clients ask for, out of the Fluent files."""

from __future__ import annotations

from functools import cache

import discord
from discord import app_commands

from bot.messages import LANGUAGES, best_language, translator

TRANSLATED = {
    discord.Locale.american_english: "en",
    discord.Locale.chinese: "zh-CN",
    discord.Locale.taiwan_chinese: "zh-CN",
}


def text(id_: str) -> app_commands.locale_str:
    """A message of the Fluent files as a name or description: English, and translated when commands sync."""
    return app_commands.locale_str(_text(id_, LANGUAGES[0]), id=id_)


class FluentTranslator(app_commands.Translator):
    """Gives discord.py the translations of what `text` made."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The text in `locale`, or None where Discord shall show English."""
        language = TRANSLATED.get(locale)
        return _text(string.extras["id"], language) if language and "id" in string.extras else None


@cache
def _text(id_: str, language: str) -> str:
    return translator(language)(id_)


def language_of(locale: discord.Locale | str, default: str) -> str:
    """The supported language nearest to a Discord client's."""
    return best_language(str(locale), default)
