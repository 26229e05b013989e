"""Events and figures as words: what Discord, Telegram and the terminal share, before any markup."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.config.section import Language
from bot.imagine.events import Accepted, Done, Event, Failed, Progress, Waiting
from bot.imagine.pricing import money
from bot.imagine.refusals import day

if TYPE_CHECKING:
    from bot.config.money import Tier
    from bot.config.schema import Config
    from bot.imagine.models import Model
    from bot.imagine.picture import Picture
    from bot.imagine.request import ImageRequest
    from bot.messages import Translator
    from storage.records.members import Quota

BAR_CELLS = 10

Fact = tuple[str, str]
"""A label and its value, both ready to read."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a card; `bot.commands.button_ids` reads its `id` when it is pressed."""

    label: str
    id: str
    danger: bool = False
    sku: int | None = None
    """The platform's own button to buy this; label and id are not used then."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file that goes with a card, for its reader to keep."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Card:
    """An answer: a title, labelled values, a text, and what a face can add where it has room for it."""

    title: str
    facts: tuple[Fact, ...] = ()
    text: str = ""
    link: str = ""
    """An address to follow."""
    picture: bytes | None = None
    """A chart, or how an entry of a list looks; PNG or JPEG."""
    document: Document | None = None
    parts: tuple[Card, ...] = ()
    """The entries of a list, each with buttons of its own."""
    buttons: tuple[Button, ...] = ()


def status(event: Event, t: Translator) -> str:
    """One line for the message that is edited while a request is on its way."""
    match event:
        case Waiting(paused=True):
            return t("status-paused")
        case Waiting(unmanned=True):
            return t("status-unmanned")
        case Waiting(position=0, eta_s=eta_s):
            return t("status-next", eta=duration(eta_s, t))
        case Waiting(position=position, eta_s=eta_s):
            return t("status-waiting", position=position, eta=duration(eta_s, t))
        case Progress() if event.step >= event.steps:
            return t("status-finishing")
        case Progress(images=1):
            bar, eta = progress_bar(event.step, event.steps), duration(event.eta_s, t)
            return t("status-drawing", bar=bar, step=event.step, steps=event.steps, eta=eta)
        case Progress():
            bar, eta = progress_bar(event.step, event.steps), duration(event.eta_s, t)
            counts = {"step": event.step, "steps": event.steps, "drawn": event.drawn, "images": event.images}
            return t("status-drawing-many", bar=bar, eta=eta, **counts)
        case Failed(message=message):
            return t(message)
        case Done(missing=missing) if missing:
            return t("missing-images", missing=missing)
        case Accepted() | Done():
            return t("status-accepted")


def progress_bar(step: int, steps: int) -> str:
    """Ten cells, filled in proportion; the same width on every phone."""
    full = round(BAR_CELLS * step / steps) if steps else 0
    return "▰" * full + "▱" * (BAR_CELLS - full)


def duration(seconds: float, t: Translator) -> str:
    """Seconds as people say them: `8 s`, `1:40 min`, `2:05 h`. Rounded up: an ETA is a promise."""
    whole = max(1, math.ceil(seconds))
    if whole < 60:
        return t("duration-seconds", seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return t("duration-minutes", minutes=minutes, seconds=f"{rest:02d}")
    return t("duration-hours", hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def result_line(request: ImageRequest, done: Done, t: Translator, currency: str | None = None) -> str:
    """What matters about a result, in one line; what it cost only where a `currency` is given."""
    pictures = done.pictures
    seconds = sum(picture.draw_s for picture in pictures)
    facts = [
        str(request.size),
        f"{t('fact-seed')} {', '.join(str(picture.seed) for picture in pictures)}",
        t("value-seconds", seconds=f"{seconds:.1f}"),
    ]
    if currency is not None:
        gpu_s = sum(picture.gpu_us for picture in pictures) / 1e6
        cost_micro = sum(picture.cost_micro for picture in pictures)
        facts.append(f"{t('fact-gpu')} {t('value-seconds', seconds=f'{gpu_s:.2f}')}")
        facts.append(money(cost_micro, currency, t.language))
    if done.quota.left is not None and done.quota.allowance is not None:
        allowance = done.quota.allowance + done.quota.topup
        facts.append(t("line-left", left=done.quota.left, allowance=allowance))
    return " · ".join(facts)


def notes(accepted: Accepted, done: Done, t: Translator) -> list[str]:
    """What a member should know about a result, a sentence each."""
    told = [t(note) for note in (*accepted.notes, *done.notes)]
    return [*told, t("missing-images", missing=done.missing)] if done.missing else told


def told_in(config: Config, tier: str | None) -> str | None:
    """The currency in which members of a tier are told what a picture cost; None where they are not."""
    found = config.tiers.get(tier or "")
    return config.currency if found is not None and found.show_cost else None


def steps(request: ImageRequest, steps_run: int, t: Translator) -> str:
    """How many steps were run, and of how many, where a picture was begun from."""
    if steps_run == request.steps:
        return str(steps_run)
    return t("value-steps", run=steps_run, steps=request.steps)


def picture_facts(
    request: ImageRequest, picture: Picture, steps_run: int, quota: Quota, currency: str, t: Translator
) -> list[Fact]:
    """All about one picture, for the owner's terminal: how to draw it again, what it took, what is left."""
    gpu = t("value-cached") if picture.cached else t("value-seconds", seconds=f"{picture.gpu_us / 1e6:.2f}")
    return [
        (t("fact-size"), str(request.size)),
        (t("fact-steps"), steps(request, steps_run, t)),
        (t("fact-seed"), str(picture.seed)),
        (t("fact-time"), t("value-seconds", seconds=f"{picture.draw_s:.2f}")),
        (t("fact-gpu"), gpu),
        (t("fact-cost"), money(picture.cost_micro, currency, t.language)),
        (t("fact-left"), left(quota, t)),
    ]


def model_line(model: Model, t: Translator) -> str:
    """A model in one line: its name, what the owner says of it, and what a picture of it counts as."""
    about = model.about.get(Language(t.language))
    counts = f"×{model.counts_as}" if model.counts_as > 1 else None
    return " · ".join(part for part in (model.name, counts, about) if part)


def left(quota: Quota, t: Translator) -> str:
    """What is left of the month's allowance."""
    if quota.left is None or quota.allowance is None:
        return t("value-left-unlimited")
    return t("value-left", left=quota.left, allowance=quota.allowance + quota.topup)


def quota_facts(quota: Quota, tier: Tier, currency: str, t: Translator) -> list[Fact]:
    """The member's month: tier, used, left, reset."""
    facts = [(t("quota-tier"), quota.tier), (t("quota-used"), str(quota.used))]
    if quota.reserved:
        facts.append((t("quota-reserved"), str(quota.reserved)))
    if quota.topup:
        facts.append((t("quota-topup"), str(quota.topup)))
    facts += [
        (t("fact-left"), left(quota, t)),
        *slow_facts(quota, t),
        (t("quota-resets"), day(quota.resets_at, t.language)),
    ]
    if tier.price_micro:
        facts.append((t("quota-price"), money(tier.price_micro, currency, t.language)))
    return facts


def slow_facts(quota: Quota, t: Translator) -> list[Fact]:
    """What may be drawn slowly once nothing is left, and whether the member chose that."""
    if not (quota.slow_left or quota.slow):
        return []
    shown = "slow-chosen" if quota.slow else "slow-possible"
    return [(t("quota-slow"), t(shown, left=quota.slow_left))]
