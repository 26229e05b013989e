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

    from bot.cli.init.here import Here
    from bot.messages import Translator


def run_init(console: Console, here: Here) -> bool:
    """Ask, show, and write; False where the owner would rather not. Ctrl-C raises KeyboardInterrupt."""
    before, present = _read(here)
    language = Language(_language(before.language if present else best_language(here.locale)))
    t = translator(language)
    if here.settings.exists():
        question = "init-again" if present else "init-replace"
        spare = spare_name(here.settings).name
        if not asking.yes(t(question, file=str(here.settings), spare=spare), t, default=bool(present)):
            return False
    told = replace(_told(before), language=language)
    answers = _questions(console, here, before, told, t, again=bool(present))
    settings = bot_toml(answers, t, present)
    asking.say(console, "\n" + settings)
    if not asking.yes(_what_is_written(here, answers, t), t, default=True):
        return False
    write(console, here, answers, settings, t)
    return True


def _read(here: Here) -> tuple[Config, str]:
    """The settings that are there, and their text; the defaults and no text, where they do not fit."""
    try:
        text = here.settings.read_text(ENV_ENCODING)
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
    console: Console, here: Here, before: Config, answers: Answers, t: Translator, *, again: bool
) -> Answers:
    answers = ask_models(answers, t)
    asked = ask_platforms(answers, t)
    for platform in asked:
        answers = ask_platform(console, here, answers, platform, t)
    if asked:
        answers = ask_access(console, answers, t)
    answers = ask_time_zone(ask_ledger(console, here, answers, t), t)
    answers = ask_terms(answers, before, t, again=again)
    return _page(ask_rent(answers, before, t), t)


def _language(guess: str) -> str:
    names = [("en", "English"), ("zh-CN", "简体中文")]
    return asking.choose("Language / 语言", names, default=guess)


def _page(answers: Answers, t: Translator) -> Answers:
    return replace(answers, page=asking.yes(t("init-page"), t, default=True))


def _what_is_written(here: Here, answers: Answers, t: Translator) -> str:
    if not answers.tokens:
        return t("init-write-settings", file=str(here.settings))
    names = ", ".join(CHATS[platform].token_env for platform in answers.tokens)
    if here.secrets.exists():
        return t("init-write-into", file=str(here.settings), secrets=str(here.secrets), names=names)
    return t("init-write-both", file=str(here.settings), secrets=str(here.secrets), names=names)


def write(console: Console, here: Here, answers: Answers, settings: str, t: Translator) -> None:
    """Raises `UserError` where a file cannot be written."""
    drafts = [Draft(here.settings, settings)]
    try:
        if answers.tokens:
            present = here.secrets.read_text(ENV_ENCODING) if here.secrets.exists() else ""
            drafts.insert(0, Draft(here.secrets, dotenv(present, answers.tokens), OWNER_ONLY))
        old = keep_old(here.settings)
        write_all(drafts)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(say("init-not-written", reason=str(error))) from error
    if old is not None:
        asking.say(console, t("init-kept", file=str(old)))
    for draft in drafts:
        asking.say(console, t("init-written", file=str(draft.path)))
    asking.say(console, t("init-next"))
