"""`easel stats`: what the pictures of a period cost."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.running import ConfigOption, console, read_settings, translator_for, with_store
from bot.cli.show import show_facts
from bot.cost.export import to_csv, to_json
from bot.cost.report import cost_report
from bot.cost.report_text import facts, title
from bot.messages import UserError, say

if TYPE_CHECKING:
    from rich.console import Console

    from bot.config.schema import Config
    from storage.store import Store

app = typer.Typer()


@app.command()
def stats(
    period: Annotated[str, typer.Argument(help="today, 7d, month or YYYY-MM.")] = "month",
    json: Annotated[bool, typer.Option("--json", help="All figures as JSON.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="All figures as CSV.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Write a chart into this PNG file.")] = None,
    config: ConfigOption = None,
) -> None:
    """Show what the pictures of a period cost. Works while the bot runs."""
    settings = read_settings(config)
    options = StatsOptions(json, csv, chart)
    with_store(settings, lambda config, store: show_stats(console, config, store, period, options))


@dataclasses.dataclass(frozen=True, slots=True)
class StatsOptions:
    """How `easel stats` answers: as JSON, as CSV, as a chart in a file; with none of them as text."""

    json: bool = False
    csv: bool = False
    chart: Path | None = None


async def show_stats(
    console: Console, config: Config, store: Store, period: str, options: StatsOptions
) -> None:
    """The cost report. Raises `UserError` for a period that is none, or a file that cannot be written."""
    t = translator_for(config)
    report = await cost_report(store, config, period)
    if options.json:
        console.out(to_json(report), highlight=False)
    if options.csv:
        console.out(to_csv(report), highlight=False, end="")
    if options.chart is not None:
        from bot.cost.chart import chart_png  # matplotlib takes a second to import
        from bot.cost.fonts import chinese_font

        png = await asyncio.to_thread(chart_png, report, config, t)
        try:
            await asyncio.to_thread(options.chart.write_bytes, png)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(say("cost-not-written", file=str(options.chart), reason=reason)) from error
        if not (options.json or options.csv):  # which somebody else reads
            console.print(t("init-written", file=str(options.chart)), markup=False)
        if t.language != "en" and chinese_font() is None:
            console.print(t("cost-no-font"), markup=False)
    if options == StatsOptions():
        console.print(title(report, t), style="bold", markup=False)
        show_facts(console, facts(report, t))
