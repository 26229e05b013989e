"""What sales brought in, for the cost report: by offer and platform, less what the platforms keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.imagine.pricing import money
from bot.sales.texts import platform_label
from storage.clock import to_us
from storage.months import Period

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.cost.report import CostReport
    from bot.messages import Translator
    from bot.render import Fact
    from storage.records.sales import Income
    from storage.store import Store


async def income_facts(store: Store, config: Config, report: CostReport, t: Translator) -> list[Fact]:
    """The sales of a report's period, and its margin with them; nothing where the bot does not sell."""
    if not config.sales.enabled:
        return []
    lines = await store.sales.income(Period(to_us(report.start), to_us(report.end)))
    net_micro = sum(line.net_micro for line in lines)

    def cash(micro: int) -> str:
        return money(micro, report.currency, t.language)

    def shown(line: Income) -> str:
        figures = t(
            "income-line",
            payments=line.payments,
            amount=f"{line.amount} {line.currency}",
            fees=cash(line.fee_micro),
            net=cash(line.net_micro),
            refunds=line.refunds,
        )
        return f"{line.offer or '-'}, {platform_label(line.provider)}: {figures}"

    return [
        (t("income-sales"), "\n".join([cash(net_micro), *map(shown, lines)])),
        (t("income-margin"), cash(report.margin_micro + net_micro)),
    ]
