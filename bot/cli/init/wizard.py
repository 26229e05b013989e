"""The questions, in their order."""

from __future__ import annotations

import contextlib
import re
import tomllib
import zoneinfo
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.database import ledgers_currency
from bot.cli.init import asking
from bot.cli.init.answers import Answers, bot_toml, dotenv
from bot.cli.init.card import card_here
from bot.cli.init.files import OWNER_ONLY, Draft, keep_old, spare_name, write_all
from bot.config.credentials import ENV_ENCODING
from bot.config.faces import AccessMode
from bot.config.money import Billing
from bot.config.schema import Config
from bot.config.section import Language
from bot.config.tokens import discord_application
from bot.cost.catalogue import planned_model
from bot.cost.fit import CARDS_GB, fit
from bot.extras import extra
from bot.faces.platforms import CHATS
from bot.folders import writable
from bot.messages import UserError, best_language, say, translator
from engine.families.recognise import recognise
from engine.families.registry import load_profile, published
from engine.settings import BadSetting
from storage.errors import StoreUnavailable
from storage.links import new_code

if TYPE_CHECKING:
    from rich.console import Console

    from bot.messages import Translator
    from engine.families.profile import Hub, Profile

EMBEDDED, FOLDER, NO_OTHER = "embedded", "folder", ""
NO_CARD = 0
USUAL_CURRENCY = {Language.EN: "USD", Language.ZH_CN: "CNY"}
PLATFORMS: dict[str, tuple[str, ...]] = {
    "both": ("discord", "telegram"),
    "discord": ("discord",),
    "telegram": ("telegram",),
    "none": (),
}


@dataclass(frozen=True, slots=True)
class Here:
    """What the wizard finds: its folder, and the platforms whose token is known already."""

    folder: Path
    known_tokens: frozenset[str]
    locale: str | None

    @property
    def settings(self) -> Path:
        return self.folder / "bot.toml"

    @property
    def secrets(self) -> Path:
        return self.folder / ".env"


def run_init(console: Console, here: Here) -> bool:
    """Ask, show, and write; False where the owner would rather not. Ctrl-C raises KeyboardInterrupt."""
    before, present = _read(here)
    language = Language(_language(before.language if present else best_language(here.locale)))
    t = translator(language)
    if here.settings.exists():
        question = "init-again" if present else "init-replace"
        spare = spare_name(here.settings).name
        if not _yes(t(question, file=str(here.settings), spare=spare), t, default=bool(present)):
            return False
    answers = _questions(console, here, before, replace(_told(before), language=language), t)
    settings = bot_toml(answers, t, present)
    _say(console, "\n" + settings)
    if not _yes(_what_is_written(here, answers, t), t, default=True):
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


def _questions(console: Console, here: Here, before: Config, answers: Answers, t: Translator) -> Answers:
    answers = _model(answers, t)
    asked = _platforms(answers, t)
    for platform in asked:
        answers = _platform(console, here, answers, platform, t)
    if asked:
        answers = _access(console, answers, t)
    answers = _prices(_time_zone(_ledger(console, here, answers, t), t), before, t)
    return _page(_rent(answers, before, t), t)


def _language(guess: str) -> str:
    names = [("en", "English"), ("zh-CN", "简体中文")]
    return asking.choose("Language / 语言", names, default=guess)


def _model(answers: Answers, t: Translator) -> Answers:
    """One model; beside one that needs a card there may be others, which members choose by name."""
    card = card_here()
    hub = sorted(published(), key=lambda one: one.hub.download_bytes if one.hub else 0, reverse=True)
    large = [(one.hub.source, _on_hub(one.hub, t)) for one in hub if one.hub]
    large.append((FOLDER, t("init-model-folder")))
    options = [(EMBEDDED, t("init-model-embedded")), *large]
    had = answers.models[0]
    known = had if had in (name for name, _ in options) else FOLDER
    usual = large[0][0] if card and had == EMBEDDED else known
    chosen = [asking.choose(t("init-model"), options, default=usual)]
    if chosen == [EMBEDDED]:
        return replace(answers, models=(EMBEDDED,), quantisation="none")
    chosen = [_path(chosen[0], t, had if known == FOLDER else "")]
    while left := [option for option in large if option[0] not in chosen]:
        another = asking.choose(
            t("init-model-another", count=len(chosen)),
            [(NO_OTHER, t("init-model-no-other")), *left],
            default=NO_OTHER,
        )
        if another == NO_OTHER:
            break
        chosen.append(_path(another, t))
    size = _card_gb(card, t)
    fits = [fit(size, _profile(path)) for path in chosen] if size else []
    quantised = any(one.quantisation != "none" for one in fits)
    largest_px = min((one.largest_px for one in fits if one.largest_px), default=None)
    return replace(
        answers,
        models=tuple(chosen),
        quantisation="int8" if quantised else "none",
        largest_px=largest_px,
    )


def _on_hub(hub: Hub, t: Translator) -> str:
    return t("init-model-hub", name=hub.title, size=round(hub.download_bytes / 1e9))


def _path(model: str, t: Translator, usual: str = "") -> str:
    """A folder is asked for; the name of a hub's model is its path."""
    if model != FOLDER:
        return model
    return asking.line(
        t("init-model-where"),
        check=lambda path: Path(path).is_dir(),
        hint=t("init-model-where-hint"),
        default=usual,
    )


def _profile(path: str) -> Profile:
    """Of a folder that nobody knows, what is planned with."""
    try:
        return recognise(path)
    except BadSetting:
        return load_profile(planned_model())


def _card_gb(here: tuple[str, int] | None, t: Translator) -> int:
    """The card's memory, 0 for none; the mode is left to `auto`, which sees the card itself."""
    name, found_gb = here or ("", NO_CARD)
    sizes = [(size, t("init-card-size", gb=size)) for size in CARDS_GB]
    question = t("init-card-found", name=name, gb=found_gb) if here else t("init-card")
    nearest = min(CARDS_GB, key=lambda size: abs(size - found_gb)) if here else NO_CARD
    return asking.choose(question, [*sizes, (NO_CARD, t("init-card-none"))], default=nearest)


def _platforms(answers: Answers, t: Translator) -> tuple[str, ...]:
    names = [(name, t(f"init-platforms-{name}")) for name in PLATFORMS]
    had = next((name for name, chats in PLATFORMS.items() if set(chats) == set(answers.owners)), "both")
    return PLATFORMS[asking.choose(t("init-platforms"), names, default=had if answers.owners else "both")]


def _platform(console: Console, here: Here, answers: Answers, platform: str, t: Translator) -> Answers:
    """A platform's token, which is never shown and may come later, and who may ask for costs there."""
    _say(console, t(f"init-{platform}-how"))
    known = platform in here.known_tokens
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
        _say(console, t("init-token-later", name=CHATS[platform].token_env, secrets=str(here.secrets)))
    if token and platform == "discord":
        _show_invite(console, token, t)
    _say(console, t(f"init-{platform}-owners-how"))
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
        _say(console, t(missing.message))
        return
    if application is not None:
        _say(console, t("init-discord-invite", link=invite_link(application)))


def _access(console: Console, answers: Answers, t: Translator) -> Answers:
    """Who may draw, on platforms where anybody can find the bot."""
    options = [
        (mode, t(f"init-access-{mode}")) for mode in (AccessMode.CODE, AccessMode.OPEN, AccessMode.LISTED)
    ]
    usual = answers.access if answers.access in dict(options) and answers.code else AccessMode.CODE
    mode = asking.choose(t("init-access"), options, default=usual)
    if mode is not AccessMode.CODE:
        return replace(answers, access=mode)
    code = answers.code or new_code()
    _say(console, t("init-access-how", code=code))
    return replace(answers, access=mode, code=code)


def _ledger(console: Console, here: Here, answers: Answers, t: Translator) -> Answers:
    """Where the database is, and its currency, which one that is there keeps."""
    folder = answers.folder
    usual = answers.currency if answers.currency != Config().currency else USUAL_CURRENCY[answers.language]
    while True:
        folder = asking.line(
            t("init-folder"),
            check=lambda typed: bool(typed) and writable(here.folder / typed),
            hint=t("init-folder-hint"),
            default=folder,
        )
        kept = _kept_currency(here.folder / folder)
        currency = asking.line(
            t("init-currency"),
            check=lambda typed: re.fullmatch("[A-Za-z]{3}", typed) is not None,
            hint=t("init-currency-hint"),
            default=kept or usual,
        ).upper()
        if kept in (None, currency):
            return replace(answers, folder=folder, currency=currency)
        _say(console, t("init-currency-kept", folder=folder, kept=str(kept), currency=currency))
        usual = currency


def _kept_currency(folder: Path) -> str | None:
    """What a database there is kept in; None where there is none, or it does not tell."""
    with contextlib.suppress(StoreUnavailable):
        return ledgers_currency(folder)
    return None


def _time_zone(answers: Answers, t: Translator) -> Answers:
    """When a member's month ends; this machine's zone is proposed."""
    usual = answers.time_zone if answers.time_zone != Config().time_zone else _zone_here()
    zone = asking.line(t("init-time-zone"), check=_is_zone, hint=t("init-time-zone-hint"), default=usual)
    return replace(answers, time_zone=zone)


def _zone_here() -> str:
    """As the system is set; UTC where it does not say."""
    link = Path("/etc/localtime")
    name = "/".join(link.resolve().parts).rpartition("zoneinfo/")[2] if link.exists() else ""
    return name if _is_zone(name) else Config().time_zone


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and zoneinfo.ZoneInfo(name) is not None
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False


def _prices(answers: Answers, before: Config, t: Translator) -> Answers:
    """What an image costs in each tier that pays. The examples are in yuan, and good for nothing else."""
    prices = {}
    for name, tier in before.tiers.items():
        if tier.billing is Billing.NONE:
            continue
        example = answers.currency == before.currency
        typed = asking.line(
            t("init-price", tier=name, currency=answers.currency),
            check=lambda typed: not typed or _amount(typed) is not None,
            hint=t("init-rent-hint"),
            default=str(tier.price.normalize()) if example else "",
        )
        prices[name] = _amount(typed or "0") or Decimal(0)
    return replace(answers, prices=prices)


def _rent(answers: Answers, before: Config, t: Translator) -> Answers:
    had = before.rent[-1].gpu_an_hour
    typed = asking.line(
        t("init-rent", currency=answers.currency),
        check=lambda typed: not typed or _amount(typed) is not None,
        hint=t("init-rent-hint"),
        default="" if before.rent == Config().rent else str(had.normalize()),
    )
    return replace(answers, rent_an_hour=_amount(typed or "0"))


def _page(answers: Answers, t: Translator) -> Answers:
    return replace(answers, page=_yes(t("init-page"), t, default=True))


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
        _say(console, t("init-kept", file=str(old)))
    for draft in drafts:
        _say(console, t("init-written", file=str(draft.path)))
    _say(console, t("init-next"))


def _yes(question: str, t: Translator, *, default: bool) -> bool:
    return asking.choose(question, [(True, t("init-yes")), (False, t("init-no"))], default=default)


def _bare(typed: str) -> str:
    """A token as it was copied, without the word that Discord's documents put before it."""
    return typed.removeprefix("Bot ").strip()


def ids(typed: str) -> tuple[int, ...] | None:
    """Account ids with commas or blanks between; None for anything else."""
    words = re.findall(r"[^,\uff0c\s]+", typed)
    return tuple(int(word) for word in words) if all(word.isdecimal() for word in words) else None


def _amount(typed: str) -> Decimal | None:
    try:
        amount = Decimal(typed.replace(",", "."))
    except InvalidOperation:
        return None
    fits = amount.is_finite() and 0 <= amount <= 1_000_000 and amount == round(amount, 6)
    return amount if fits else None


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
