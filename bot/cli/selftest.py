"""`easel selftest`: its checks on the terminal, and a report that can be attached to a bug.

The terminal says in the reader's language what was looked at and what to do. What was found stays in English,
as in the report: it is figures, and messages of libraries.
"""

from __future__ import annotations

import asyncio
import json
import math
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from rich.text import Text

from bot.app import model_settings
from bot.cli.running import configured, translator_for
from bot.extras import DISTRIBUTION
from bot.messages import UserError, say
from engine.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console

    from bot.config.schema import Config
    from engine.selftest import Check

PACKAGES = (DISTRIBUTION, "torch", "diffusers", "transformers", "torchao")
MARKS = {True: ("ok", "green"), False: ("!!", "red"), None: ("--", "dim")}


async def run_selftest(
    console: Console, config: Config, *, quick: bool, out: Path, model: str | None = None
) -> bool:
    """Show each check as it is done, then write the report; of the default model, where none is named.

    True where nothing failed. Raises `UserError`.
    """
    t, model = translator_for(config), configured(config, model)
    checks: list[Check] = []
    steps = await asyncio.to_thread(_steps, config, model, quick=quick)
    while (check := await asyncio.to_thread(next, steps, None)) is not None:
        checks.append(check)
        mark, style = MARKS[check.passed]
        name = t(f"selftest-{check.kind.name.lower()}", about=check.about)
        console.print(Text.assemble((f"{mark} ", style), (name, "bold"), f": {check.found}"))
        console.print(Text(f"   {t(f'selftest-do-{check.todo.name.lower()}')}"))
    files = await asyncio.to_thread(_write, out, checks, _machine(config, model))
    console.print(t("selftest-written", files=", ".join(map(str, files))), markup=False, soft_wrap=True)
    return all(check.passed is not False for check in checks)


def _steps(config: Config, model_name: str, *, quick: bool) -> Iterator[Check]:
    from engine.breakdown import breakdowns
    from engine.placement import resolve  # brings torch
    from engine.selftest import Kind, SelfTest

    settings = model_settings(config, model_name)
    try:
        placement = resolve(settings)
    except BadSetting as bad:
        raise UserError(say("selftest-cannot", reason=str(bad))) from bad
    largest_px = settings.largest_px or max(placement.profile.default_size)
    model, side_px = placement.family.load(placement), math.isqrt(placement.profile.min_pixels)

    def steps() -> Iterator[Check]:
        for check in SelfTest(model, placement, largest_px, quick=quick).run():
            yield check
            if check.kind is Kind.LOAD and not check.passed:
                return
        model.close()  # the workers that are broken next hold the device one after the other
        model.release()
        yield from breakdowns(settings, side_px, on_gpu=placement.on_gpu)

    return steps()


def _machine(config: Config, model: str) -> dict[str, Any]:
    """What a reader of the report has to know."""
    found: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    found |= {"python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    named = config.named_models[model].model_dump(mode="json", include={"path", "revision", "quantisation"})
    if named["quantisation"] is None:
        del named["quantisation"]  # as [model] says for all
    return found | {"model": config.model.model_dump(mode="json") | named}


def _write(out: Path, checks: Sequence[Check], machine: dict[str, Any]) -> tuple[Path, Path]:
    """The report, in English, as whoever reads it may speak anything. Raises OSError."""
    text, data = out.with_suffix(".md"), out.with_suffix(".json")
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"| {MARKS[c.passed][0]} | {c.name} | {c.found} | {c.todo.value} |" for c in checks]
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
    report = {"machine": machine, "checks": [_finite(_told(check)) for check in checks]}
    data.write_text(json.dumps(report, indent=1, default=str, ensure_ascii=False), "utf-8")
    return text, data


def _told(check: Check) -> dict[str, Any]:
    figures = dict(check.figures)
    return {"name": check.name, "found": check.found, "passed": check.passed} | {
        "todo": check.todo.value,
        "figures": figures,
    }


def _finite(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
