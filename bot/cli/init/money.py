"""Where the ledger is, in which currency and time zone, and what images and the card cost."""

from __future__ import annotations

import contextlib
import re
import zoneinfo
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.database import ledgers_currency
from bot.cli.init import asking
from bot.cli.init.answers import Terms
from bot.config.faces import AccessMode
from bot.config.money import Billing
from bot.config.schema import Config
from bot.config.section import Language
from bot.folders import writable
from storage.errors import StoreUnavailable

if TYPE_CHECKING:
    from rich.console import Console

    from bot.cli.init.answers import Answers
    from bot.cli.init.context import Context
    from bot.messages import Translator

USUAL_CURRENCY = {Language.EN: "USD", Language.ZH_CN: "CNY"}


def ask_ledger(console: Console, context: Context, answers: Answers, t: Translator) -> Answers:
    """Where the database is, and its currency, which one that is there keeps."""
    folder = answers.folder
    usual = answers.currency if answers.currency != Config().currency else USUAL_CURRENCY[answers.language]
    while True:
        folder = asking.line(
            t("init-folder"),
            check=lambda typed: bool(typed) and writable(context.folder / typed),
            hint=t("init-folder-hint"),
            default=folder,
        )
        kept = _kept_currency(context.folder / folder)
        currency = asking.line(
            t("init-currency"),
            check=lambda typed: re.fullmatch("[A-Za-z]{3}", typed) is not None,
            hint=t("init-currency-hint"),
            default=kept or usual,
        ).upper()
        if kept in (None, currency):
            return replace(answers, folder=folder, currency=currency)
        asking.say(console, t("init-currency-kept", folder=folder, kept=str(kept), currency=currency))
        usual = currency


def _kept_currency(folder: Path) -> str | None:
    """What a database there is kept in; None where there is none, or it does not tell."""
    with contextlib.suppress(StoreUnavailable):
        return ledgers_currency(folder)
    return None


def ask_time_zone(answers: Answers, t: Translator) -> Answers:
    """When a member's month ends; this machine's zone is proposed."""
    usual = answers.time_zone if answers.time_zone != Config().time_zone else _zone_here()
    zone = asking.line(t("init-time-zone"), check=_is_zone, hint=t("init-time-zone-hint"), default=usual)
    return replace(answers, time_zone=zone)


def _zone_here() -> str:
    """The system's time zone; UTC where it does not say."""
    link = Path("/etc/localtime")
    name = "/".join(link.resolve().parts).rpartition("zoneinfo/")[2] if link.exists() else ""
    return name if _is_zone(name) else Config().time_zone


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and zoneinfo.ZoneInfo(name) is not None
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False


def ask_terms(answers: Answers, before: Config, t: Translator, *, again: bool) -> Answers:
    """What members may draw; prices are asked for only where they pay. The examples are in yuan."""
    terms = asking.choose(
        t("init-terms"),
        [(terms, t(f"init-terms-{terms}")) for terms in Terms],
        default=_terms_before(before) if again else _usual_terms(answers),
    )
    answers = replace(answers, terms=terms, prices=dict.fromkeys(before.tiers, Decimal(0)))
    if terms is Terms.PAID:
        return _ask_prices(answers, before, t)
    if terms is Terms.ALLOWANCE:
        images = asking.line(
            t("init-allowance"),
            check=lambda typed: re.fullmatch(r"\d{1,7}", typed) is not None,
            hint=t("init-allowance-hint"),
            default=str(before.tiers[before.default_tier].images_a_month or ""),
        )
        return replace(answers, images_a_month=int(images))
    return answers


def _usual_terms(answers: Answers) -> Terms:
    """Those whom the owner listed are friends; a bot that others find had better have limits."""
    private = answers.access is AccessMode.LISTED or not answers.owners
    return Terms.UNLIMITED if private else Terms.ALLOWANCE


def _terms_before(before: Config) -> Terms:
    if any(tier.price for tier in before.tiers.values()):
        return Terms.PAID
    limited = before.tiers[before.default_tier].images_a_month is not None
    return Terms.ALLOWANCE if limited else Terms.UNLIMITED


def _ask_prices(answers: Answers, before: Config, t: Translator) -> Answers:
    """What an image costs in each tier that pays."""
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


def ask_rent(answers: Answers, before: Config, t: Translator) -> Answers:
    had = before.rent[-1].gpu_an_hour
    typed = asking.line(
        t("init-rent", currency=answers.currency),
        check=lambda typed: not typed or _amount(typed) is not None,
        hint=t("init-rent-hint"),
        default="" if before.rent == Config().rent else str(had.normalize()),
    )
    return replace(answers, rent_an_hour=_amount(typed or "0"))


def _amount(typed: str) -> Decimal | None:
    try:
        amount = Decimal(typed.replace(",", "."))
    except InvalidOperation:
        return None
    fits = amount.is_finite() and 0 <= amount <= 1_000_000 and amount == round(amount, 6)
    return amount if fits else None
