"""Python, torch, driver, card and memory against the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.cli.doctor.finding import fine, problem, warning
from bot.messages import say
from engine.families.recognise import names_folder
from engine.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.cli.doctor.finding import Finding
    from engine.survey import Card, Fitting, ModelFiles, Torch

OLDEST_PYTHON = (3, 11)
GB = 1_000_000_000
HALF_WAY_BYTES = 2 * GB
"""What a download needs besides, for what it has half-way through."""
NEARLY_FULL_BYTES = 1 * GB


def python(version: tuple[int, int, int]) -> Finding:
    told = say("doctor-python", version=".".join(map(str, version)))
    if version[:2] >= OLDEST_PYTHON:
        return fine(told)
    return problem(told, say("doctor-python-do", oldest=".".join(map(str, OLDEST_PYTHON))))


def torch(facts: Torch) -> Finding:
    if facts.version is None:
        return problem(say("doctor-torch-none", reason=facts.trouble), say("doctor-torch-none-do"))
    if facts.cuda is None:
        return fine(say("doctor-torch-cpu", version=facts.version))
    return fine(say("doctor-torch-cuda", version=facts.version, cuda=facts.cuda))


def card(found: Card | None, facts: Torch, device: str, paths: Iterable[str]) -> Finding:
    """Whether a GPU is there, and torch and driver get on with each other."""
    wanted = device == "cuda" or (device == "auto" and any(path != EMBEDDED for path in paths))
    if device == "cpu":
        return fine(say("doctor-card-unused"))
    if found is None and facts.sees_gpu:
        return fine(say("doctor-card-unknown"))  # not NVIDIA's, or NVML is not installed
    if found is None:
        none = say("doctor-card-none")
        return problem(none, say("doctor-card-none-do")) if wanted else fine(say("doctor-card-cpu"))
    driver = found.driver or "?"
    if facts.sees_gpu:
        return fine(say("doctor-card", name=found.name, driver=driver))
    if facts.cuda is None:
        return problem(say("doctor-card-cpu-torch", name=found.name), say("doctor-card-cpu-torch-do"))
    return problem(
        say(
            "doctor-card-unseen", name=found.name, driver=driver, cuda=facts.cuda, reason=facts.trouble or "-"
        ),
        say("doctor-card-unseen-do"),
    )


def memory(fitting: Fitting | None, found: Card | None, *, running: bool) -> list[Finding]:
    """The chosen mode against the card, and what others hold of it. `running`: our own bot holds some."""
    if fitting is None:
        return []
    mode, budget = fitting.mode.value, _gb(fitting.budget_bytes)
    if fitting.usual_bytes > fitting.budget_bytes:
        short = say("doctor-memory-short", mode=mode, needed=_gb(fitting.usual_bytes), budget=budget)
        return [problem(short, say("doctor-memory-short-do"))]
    findings = [fine(say("doctor-memory", mode=mode, needed=_gb(fitting.usual_bytes), budget=budget))]
    if fitting.largest_bytes > fitting.budget_bytes:
        large = say("doctor-memory-large", mode=mode, needed=_gb(fitting.largest_bytes), budget=budget)
        findings.append(warning(large, say("doctor-memory-large-do")))
    free = found.memory.free_bytes if found and found.memory else None
    if free is not None and not running and free < fitting.usual_bytes:
        held = say("doctor-memory-held", free=_gb(free), needed=_gb(fitting.usual_bytes))
        findings.append(warning(held, say("doctor-memory-held-do")))
    return findings


def model(files: ModelFiles, source: str, cache_free_bytes: int, download_bytes: int) -> Finding:
    """Whether the weights are all there, or there is room to fetch them."""
    disk_bytes = download_bytes + HALF_WAY_BYTES
    if files.folder is None and names_folder(source):
        return problem(say("doctor-model-nowhere", folder=source), say("doctor-model-nowhere-do"))
    if files.folder is None:
        if cache_free_bytes < disk_bytes:
            no_room = say(
                "doctor-model-no-room", name=source, size=_gb(download_bytes), free=_gb(cache_free_bytes)
            )
            return problem(no_room, say("doctor-model-no-room-do", needed=_gb(disk_bytes)))
        return warning(
            say("doctor-model-later", name=source, size=_gb(download_bytes)),
            say("doctor-model-later-do", name=source),
        )
    if files.missing:
        gaps = say("doctor-model-gaps", folder=str(files.folder), files=", ".join(files.missing))
        return problem(gaps, say("doctor-model-gaps-do"))
    return fine(say("doctor-model", name=source))


def disk(folder: str, free_bytes: int, wanted_bytes: int) -> Finding:
    """`wanted_bytes`: what pictures may still take by bot.toml."""
    told = say("doctor-disk", folder=folder, free=_gb(free_bytes))
    if free_bytes < NEARLY_FULL_BYTES:
        return problem(told, say("doctor-disk-full-do"))
    if free_bytes < wanted_bytes:
        return warning(told, say("doctor-disk-short-do", wanted=_gb(wanted_bytes)))
    return fine(told)


def _gb(nbytes: int) -> str:
    return f"{nbytes / GB:.1f}"
