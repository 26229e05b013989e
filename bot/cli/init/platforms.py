"""Which platforms are served, with which tokens, for which owners, and who is let in."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.cli.init import asking
from bot.config.faces import AccessMode
from bot.config.tokens import discord_application
from bot.extras import extra
from bot.faces.platforms import CHATS
from bot.messages import UserError
from storage.links import new_code

if TYPE_CHECKING:
    from rich.console import Console

    from bot.cli.init.answers import Answers
    from bot.cli.init.context import Context
    from bot.messages import Translator

PLATFORMS: dict[str, tuple[str, ...]] = {
    "both": ("discord", "telegram"),
    "discord": ("discord",),
    "telegram": ("telegram",),
    "none": (),
}


def ask_platforms(answers: Answers, t: Translator) -> tuple[str, ...]:
    names = [(name, t(f"init-platforms-{name}")) for name in PLATFORMS]
    had = next((name for name, chats in PLATFORMS.items() if set(chats) == set(answers.owners)), "both")
    return PLATFORMS[asking.choose(t("init-platforms"), names, default=had if answers.owners else "both")]


def ask_platform(
    console: Console, context: Context, answers: Answers, platform: str, t: Translator
) -> Answers:
    """A platform's token, which is never shown and may come later, and who may ask for costs there."""
    asking.say(console, t(f"init-{platform}-how"))
    known = platform in context.known_tokens
    question = (
        t("init-token-known", name=CHATS[platform].token_env)
        if known
        else t("init-token", name=CHATS[platform].token_env)
    )
    typed = asking.secret(
        question,
        check=lambda typed: not typed or CHATS[platform].bot_id(_bare(typed)) is not None,
        hint=t(f"init-{platform}-token-hint"),
    )
    token = _bare(typed)
    if not token and not known:
        asking.say(
            console, t("init-token-later", name=CHATS[platform].token_env, secrets=str(context.secrets))
        )
    if token and platform == "discord":
        _show_invite(console, token, t)
    asking.say(console, t(f"init-{platform}-owners-how"))
    owners = asking.line(
        t("init-owners"),
        check=lambda typed: ids(typed) is not None,
        hint=t("init-owners-hint"),
        default=", ".join(map(str, answers.owners.get(platform, ()))),
    )
    return replace(
        answers,
        owners={**answers.owners, platform: ids(owners) or ()},
        tokens={**answers.tokens, **({platform: token} if token else {})},
    )


def _show_invite(console: Console, token: str, t: Translator) -> None:
    application = discord_application(token)
    try:
        with extra("discord"):
            from bot.discord.invite import invite_link
    except UserError as missing:
        asking.say(console, t(missing.message))
        return
    if application is not None:
        asking.say(console, t("init-discord-invite", link=invite_link(application)))


def ask_access(console: Console, answers: Answers, t: Translator) -> Answers:
    """Who may draw, on platforms where anybody can find the bot."""
    options = [
        (mode, t(f"init-access-{mode}")) for mode in (AccessMode.CODE, AccessMode.OPEN, AccessMode.LISTED)
    ]
    usual = answers.access if answers.access in dict(options) and answers.code else AccessMode.CODE
    mode = asking.choose(t("init-access"), options, default=usual)
    if mode is not AccessMode.CODE:
        return replace(answers, access=mode)
    code = answers.code or new_code()
    asking.say(console, t("init-access-how", code=code))
    return replace(answers, access=mode, code=code)


def _bare(typed: str) -> str:
    """A token as it was copied, without the word that Discord's documents put before it."""
    return typed.removeprefix("Bot ").strip()


def ids(typed: str) -> tuple[int, ...] | None:
    """Account ids with commas or blanks between; None for anything else."""
    words = re.findall(r"[^,\uff0c\s]+", typed)
    return tuple(int(word) for word in words) if all(word.isdecimal() for word in words) else None
