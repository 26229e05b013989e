"""The findings on a terminal, each with what to do, and a line that sums them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from bot.cli.doctor.examine import examine, examine_online
from bot.cli.doctor.finding import Severity
from bot.cli.running import translator_for

if TYPE_CHECKING:
    from rich.console import Console

    from bot.cli.doctor.finding import Finding
    from bot.config.credentials import Credentials
    from bot.config.schema import Config
    from bot.messages import Translator

SIGNS = {
    Severity.FINE: ("✓", "green"),
    Severity.WARNING: ("!", "yellow"),
    Severity.PROBLEM: ("✗", "bold red"),
}


async def run_doctor(console: Console, config: Config, credentials: Credentials, *, online: bool) -> bool:
    """Print every finding as it comes; False where one is a problem.

    Checks block the loop, on which nothing else runs.
    """
    t = translator_for(config)
    counts = dict.fromkeys(Severity, 0)
    for finding in examine(config, credentials):
        _show(console, finding, t)
        counts[finding.severity] += 1
    if online:
        async for finding in examine_online(config, credentials):
            _show(console, finding, t)
            counts[finding.severity] += 1
    problems, warnings = counts[Severity.PROBLEM], counts[Severity.WARNING]
    summary = t("doctor-summary", problems=problems, warnings=warnings)
    console.print(summary if problems or warnings else t("doctor-all-well"), markup=False, highlight=False)
    return problems == 0


def _show(console: Console, finding: Finding, t: Translator) -> None:
    sign, style = SIGNS[finding.severity]
    console.print(Text.assemble((f"{sign} ", style), t(finding.what)), soft_wrap=True)
    if finding.todo is not None:
        console.print(Text(f"  → {t(finding.todo)}"), soft_wrap=True)
