"""Where the bot runs: files and their modes, database, clock, ports, and the HTTP section."""

from __future__ import annotations

import ipaddress
import stat
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.cli.doctor.finding import fine, problem, warning
from bot.messages import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bot.cli.doctor.finding import Finding
    from bot.config.faces import Http
    from bot.messages import Message
    from storage.records.findings import Finding as Broken

OTHERS = stat.S_IRWXG | stat.S_IRWXO
WRITTEN = 1_780_000_000
"""A clock before this (2026-05-28, in seconds since 1970) is wrong: the file was written after it."""
SLOW_CLOCK_S, WRONG_CLOCK_S = 10.0, 300.0
SHOWN = 3


def env_file(path: Path, mode: int | None, trouble: Message | None = None) -> Finding:
    """`mode` is the file's, None where there is none: the tokens may be in the environment.

    `trouble`: why it cannot be read.
    """
    if trouble is not None:
        return problem(trouble, say("doctor-stumbled-do"))
    if mode is None:
        return fine(say("doctor-env-none"))
    if mode & OTHERS:
        return problem(say("doctor-env-open", file=str(path)), say("doctor-env-open-do", file=str(path)))
    return fine(say("doctor-env", file=str(path)))


def data_folder(folder: Path, mode: int | None, *, writable: bool) -> Finding:
    """`mode` is None where the folder is yet to be made; `writable` says whether it can be then."""
    told = str(folder)
    if mode is None and not writable:
        return problem(say("doctor-folder-nowhere", folder=told), say("doctor-folder-nowhere-do"))
    if not writable:
        return problem(say("doctor-folder-closed", folder=told), say("doctor-folder-closed-do", folder=told))
    if mode is None:
        return fine(say("doctor-folder-new", folder=told))
    if mode & stat.S_IRWXO:
        return warning(say("doctor-folder-open", folder=told), say("doctor-folder-open-do", folder=told))
    return fine(say("doctor-folder", folder=told))


def database(broken: Sequence[Broken] | None) -> Finding:
    """What `easel check` found; None where there is no database yet."""
    if broken is None:
        return fine(say("doctor-database-new"))
    if not broken:
        return fine(say("doctor-database"))
    sentences = "; ".join(finding.sentence for finding in broken[:SHOWN])
    return problem(
        say("doctor-database-broken", count=len(broken), sentences=sentences),
        say("doctor-database-broken-do"),
    )


def key(trouble: Message | None) -> list[Finding]:
    """Whether the key file is the database's; `trouble` says what is wrong with it."""
    if trouble is None:
        return []
    return [problem(trouble, say("doctor-key-do"))]


def currency(kept: str | None, configured: str) -> list[Finding]:
    """`kept` is what the ledger is in: a bot that is configured for another does not start."""
    if kept in (None, configured):
        return []
    return [
        problem(
            say("doctor-currency", kept=str(kept), configured=configured),
            say("doctor-currency-do", kept=str(kept)),
        )
    ]


def clock(now_s: float, newest_s: float | None) -> Finding:
    """Without asking anybody: whether time has gone back since the database was last written."""
    if now_s < WRITTEN or (newest_s is not None and now_s < newest_s - SLOW_CLOCK_S):
        return problem(say("doctor-clock-back"), say("doctor-clock-do"))
    return fine(say("doctor-clock"))


def skew(platform: str, ours_less_theirs_s: float) -> Finding:
    """Our clock against the Date of a platform's answer, which is told in whole seconds."""
    away_s = abs(ours_less_theirs_s)
    told = say("doctor-clock-skew", platform=platform, seconds=round(away_s))
    if away_s > WRONG_CLOCK_S:
        return problem(told, say("doctor-clock-do"))
    if away_s > SLOW_CLOCK_S:
        return warning(told, say("doctor-clock-do"))
    return fine(say("doctor-clock-agrees", platform=platform))


def port(setting: str, address: str, trouble: str | None, *, running: bool) -> Finding:
    """Whether a port that bot.toml names can be had. `running`: our own bot may hold it."""
    if trouble is None:
        return fine(say("doctor-port", address=address))
    if running:
        return fine(say("doctor-port-running", address=address))
    return problem(
        say("doctor-port-taken", address=address, reason=trouble),
        say("doctor-port-taken-do", setting=setting),
    )


def http(section: Http) -> list[Finding]:
    """Who can reach the API, and over what."""
    if not section.enabled:
        return []
    world = urlsplit(section.public_url or "")
    if world.scheme == "http" and not _loopback(world.hostname or ""):
        return [problem(say("doctor-http-plain", url=str(section.public_url)), say("doctor-http-plain-do"))]
    if section.public_url and not section.trusted_proxies:
        return [warning(say("doctor-http-proxies"), say("doctor-http-proxies-do"))]
    if not section.public_url and not _loopback(section.listen):
        return [
            warning(say("doctor-http-bare", address=section.listen), say("doctor-http-bare-do")),
            warning(
                say("doctor-http-links", address=section.listen, url=section.url), say("doctor-http-links-do")
            ),
        ]
    return [fine(say("doctor-http"))]


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
