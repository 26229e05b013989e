"""The card behind the button "Details": everything it takes to draw a picture again, and what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import render
from bot.commands.buttons import model_of, record_of, visible
from bot.imagine.loras import written
from bot.imagine.options import OPTIONS, number_text
from bot.imagine.pricing import money
from bot.render import Card

if TYPE_CHECKING:
    from bot.imagine.asker import Asker
    from bot.imagine.request import ImageRequest
    from bot.imagine.service import Service
    from bot.messages import Translator
    from storage.records.requests import RequestRecord


async def details_card(service: Service, asker: Asker, target: str, t: Translator) -> Card:
    """The details of a request, or of the one that a picture belongs to. Raises `UserError`."""
    record = await record_of(service, target)
    request = await visible(service, asker, record)
    facts = _detail_facts(service, record, request, t)
    if await _told_cost(service, asker):
        facts += _cost_facts(service, record, t)
    return Card(t("details-title"), (*facts, (t("fact-id"), record.request_id)), request.prompt)


def _detail_facts(
    service: Service, record: RequestRecord, request: ImageRequest, t: Translator
) -> list[render.Fact]:
    seeds = ", ".join(str(job.seed) for job in record.jobs)
    facts = [
        (t("fact-size"), str(request.size)),
        (t("fact-steps"), render.steps(request, request.steps_run(service.models), t)),
        (t("fact-seed"), seeds),
        (t("fact-guidance"), f"{request.guidance:g}"),
        (t("fact-model"), model_of(service, request).name),
    ]
    if request.negative_prompt:
        facts.insert(0, (t("fact-negative"), request.negative_prompt))
    if request.strength is not None:
        facts.append((t("fact-strength"), number_text(request.strength)))
    if request.area is not None:
        parts = (part if part.isdecimal() else t(f"area-{part}") for part in request.area.split(","))
        facts.append((t("fact-area"), ", ".join(parts)))
    if request.expand is not None:
        facts.append((t("fact-expand"), t(f"expand-{request.expand}")))
    if request.control is not None:
        kind, closely = t(f"control-{request.control.value}"), number_text(request.control_strength or 0.0)
        facts.append((t("fact-control"), t("value-control", control=kind, strength=closely)))
    if request.style:
        facts.append((t("fact-style"), request.style))
    if loras := written(request.loras):
        facts.append((t("fact-lora"), loras))
    for option in OPTIONS:
        if option.name in request.extra:
            label = option.called(t.language).capitalize()
            facts.append((label, number_text(request.extra[option.name])))
    if draw_us := sum(job.usage.draw_us for job in record.jobs if job.usage):
        facts.append((t("fact-time"), t("value-seconds", seconds=f"{draw_us / 1e6:.2f}")))
    return facts


async def _told_cost(service: Service, asker: Asker) -> bool:
    """Whether the asker is told what pictures cost: as their tier says, and owners always."""
    tier = service.members.tier_of(await service.members.of(asker), asker)
    return tier.show_cost or asker.owner


def _cost_facts(service: Service, record: RequestRecord, t: Translator) -> list[render.Fact]:
    usages = [job.usage for job in record.jobs if job.usage]
    if not usages:
        return []
    gpu_us = sum(usage.gpu_us for usage in usages)
    cost_micro = sum(job.cost_micro for job in record.jobs)
    return [
        (t("fact-gpu"), t("value-seconds", seconds=f"{gpu_us / 1e6:.2f}")),
        (t("fact-cost"), money(cost_micro, service.pricing.currency, t.language)),
    ]
