"""`easel selftest`: its checks on the terminal, and a report that can be attached to a bug."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bot.app import model_settings
from bot.extras import DISTRIBUTION
from bot.messages import UserError, say, translator
from engine.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from bot.config.schema import Config
    from engine.selftest import Check

PACKAGES = (DISTRIBUTION, "torch", "diffusers", "transformers", "torchao")
MARKS = {True: ("ok", "green"), False: ("!!", "red"), None: ("--", "dim")}


async def run_selftest(console: Console, config: Config, *, quick: bool, out: Path) -> bool:
    """Show each check as it is done, then write the report. True where nothing failed. Raises `UserError`."""
    t = translator(config.language)
    checks: list[Check] = []
    steps = await asyncio.to_thread(_steps, config, quick=quick)
    while (check := await asyncio.to_thread(next, steps, None)) is not None:
        checks.append(check)
        mark, style = MARKS[check.passed]
        console.print(Text.assemble((f"{mark} ", style), (check.name, "bold"), f": {check.found}"))
        if check.advice:
            console.print(Text(f"   {check.advice}"))
    files = await asyncio.to_thread(_write, out, checks, _machine(config))
    console.print(t("selftest-written", files=", ".join(map(str, files))), markup=False, soft_wrap=True)
    return all(check.passed is not False for check in checks)


def _steps(config: Config, *, quick: bool) -> Iterator[Check]:
    from engine.placement import resolve  # brings torch
    from engine.selftest import SelfTest

    settings = model_settings(config)
    try:
        placement = resolve(settings)
    except BadSetting as bad:
        raise UserError(say("selftest-cannot", reason=str(bad))) from bad
    largest_px = settings.largest_px or max(placement.profile.default_size)
    return SelfTest(placement.family.load(placement), placement, largest_px, quick=quick).run()


def _machine(config: Config) -> dict[str, Any]:
    """What a reader of the report has to know."""
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    found |= {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found | {"model": config.model.model_dump(mode="json")}


def _write(out: Path, checks: Sequence[Check], machine: dict[str, Any]) -> tuple[Path, Path]:
    """The report, in English, as whoever reads it may speak anything. Raises OSError."""
    text, data = out.with_suffix(".md"), out.with_suffix(".json")
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"| {MARKS[c.passed][0]} | {c.name} | {c.found} | {c.advice} |" for c in checks]
    facts = [f"- {name}: {value}" for name, value in machine.items()]
    lines = [
        "# easel selftest",
        "",
        *facts,
        "",
        "| | what | found | what to do |",
        "|---|---|---|---|",
        *rows,
    ]
    text.write_text("\n".join(lines) + "\n", "utf-8")
    report = {"machine": machine, "checks": [_finite(dataclasses.asdict(check)) for check in checks]}
    data.write_text(json.dumps(report, indent=1, default=str, ensure_ascii=False), "utf-8")
    return text, data


def _finite(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
