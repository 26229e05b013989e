"""The questions in their order, and what is written in the end."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.cli.init import asking
from bot.cli.init.answers import Answers, bot_toml, dotenv
from bot.cli.init.files import OWNER_ONLY, Draft, keep_old, spare_name, write_all
from bot.cli.init.models import ask_models
from bot.cli.init.money import ask_ledger, ask_rent, ask_terms, ask_time_zone
from bot.cli.init.platforms import ask_access, ask_platform, ask_platforms
from bot.config.credentials import ENV_ENCODING
from bot.config.schema import Config
from bot.config.section import Language
from bot.faces.platforms import CHATS
from bot.messages import UserError, best_language, say, translator

if TYPE_CHECKING:
    from rich.console import Console

    from bot.cli.init.context import Context
    from bot.messages import Translator


def run_init(console: Console, context: Context) -> bool:
    """Ask, show, and write; False where the owner would rather not. Ctrl-C raises KeyboardInterrupt."""
    before, present = _read(context)
    language = Language(_language(before.language if present else best_language(context.locale)))
    t = translator(language)
    if context.settings.exists():
        question = "init-again" if present else "init-replace"
        spare = spare_name(context.settings).name
        if not asking.yes(t(question, file=str(context.settings), spare=spare), t, default=bool(present)):
            return False
    told = replace(_told(before), language=language)
    answers = _questions(console, context, before, told, t, again=bool(present))
    settings = bot_toml(answers, t, present)
    asking.say(console, "\n" + settings)
    if not asking.yes(_what_is_written(context, answers, t), t, default=True):
        return False
    write(console, context, answers, settings, t)
    return True


def _read(context: Context) -> tuple[Config, str]:
    """The settings that are there, and their text; the defaults and no text, where they do not fit."""
    try:
        text = context.settings.read_text(ENV_ENCODING)
        return Config.model_validate(tomllib.loads(text)), text
    except (OSError, ValueError):
        return Config(), ""


def _told(before: Config) -> Answers:
    """What was answered before, as the defaults of the questions."""
    return Answers(
        currency=before.currency,
        models=tuple(model.path for model in before.named_models.values()),
        quantisation=before.model.quantisation,
        memory_mode=before.model.memory_mode,
        folder=str(before.storage.folder),
        time_zone=before.time_zone,
        owners={name: ids for name in CHATS if (ids := getattr(before.owners, name))},
        access=before.access.mode,
        code=before.access.code,
        page=before.http.enabled,
    )


def _questions(
    console: Console, context: Context, before: Config, answers: Answers, t: Translator, *, again: bool
) -> Answers:
    answers = ask_models(answers, t)
    asked = ask_platforms(answers, t)
    for platform in asked:
        answers = ask_platform(console, context, answers, platform, t)
    if asked:
        answers = ask_access(console, answers, t)
    answers = ask_time_zone(ask_ledger(console, context, answers, t), t)
    answers = ask_terms(answers, before, t, again=again)
    return _page(ask_rent(answers, before, t), t)


def _language(guess: str) -> str:
    names = [("en", "English"), ("zh-CN", "简体中文")]
    return asking.choose("Language / 语言", names, default=guess)


def _page(answers: Answers, t: Translator) -> Answers:
    return replace(answers, page=asking.yes(t("init-page"), t, default=True))


def _what_is_written(context: Context, answers: Answers, t: Translator) -> str:
    if not answers.tokens:
        return t("init-write-settings", file=str(context.settings))
    names = ", ".join(CHATS[platform].token_env for platform in answers.tokens)
    if context.secrets.exists():
        return t("init-write-into", file=str(context.settings), secrets=str(context.secrets), names=names)
    return t("init-write-both", file=str(context.settings), secrets=str(context.secrets), names=names)


def write(console: Console, context: Context, answers: Answers, settings: str, t: Translator) -> None:
    """Raises `UserError` where a file cannot be written."""
    drafts = [Draft(context.settings, settings)]
    try:
        if answers.tokens:
            present = context.secrets.read_text(ENV_ENCODING) if context.secrets.exists() else ""
            drafts.insert(0, Draft(context.secrets, dotenv(present, answers.tokens), OWNER_ONLY))
        old = keep_old(context.settings)
        write_all(drafts)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(say("init-not-written", reason=str(error))) from error
    if old is not None:
        asking.say(console, t("init-kept", file=str(old)))
    for draft in drafts:
        asking.say(console, t("init-written", file=str(draft.path)))
    asking.say(console, t("init-next"))
