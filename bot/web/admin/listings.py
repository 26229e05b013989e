"""What an owner looks up: keys of the API, the audit log, alerts, and the settings in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from bot.imagine.pricing import money
from bot.web.admin.names import NOBODY, Person, named
from bot.web.admin.sign_in import SignIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from bot.alerts import Alerts
    from bot.imagine.service import Service
    from bot.web.admin.sign_in import Visit
    from storage.records.members import ApiKey

MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the API, without its secret."""

    prefix: str
    who: Person
    state: str
    live: bool
    scopes: str
    cap: str
    created: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit log."""

    at: str
    by: Person
    action: str
    subject: Person
    detail: str


class Listings:
    """Four tabs that only show, but for the button that revokes a key."""

    def __init__(self, service: Service, sign_in: SignIn, alerts: Alerts) -> None:
        self._service = service
        self._sign_in = sign_in
        self._alerts = alerts

    async def keys(self, request: Request) -> Response:
        visit, keys = await self._sign_in.visit(request), await self._service.store.keys.all()
        names = await named(self._service.store, (key.member for key in keys))
        rows = [self._key(key, names, visit) for key in keys]
        return self._sign_in.page(visit, "keys.html", keys=sorted(rows, key=lambda row: not row.live))

    async def log(self, request: Request) -> Response:
        """The newest entries, of all or about one member."""
        visit, store = await self._sign_in.visit(request), self._service.store
        sought = request.query_params.get("who", "").strip()
        found = await store.members.list(sought, limit=1) if sought else []
        subject = found[0].member.key if found else sought or None
        rows = await store.audit.rows(subject=subject, limit=MOST_ENTRIES)
        names = await named(store, (key for row in rows for key in (row.by, row.subject)))
        entries = [
            Entry(
                self._sign_in.moment(row.at),
                names.get(row.by, Person(None, row.by)),
                row.action.replace("_", " "),
                names.get(row.subject, Person(None, row.subject)),
                " · ".join(text for text in (_details(row.detail), row.why) if text),
            )
            for row in rows
        ]
        return self._sign_in.page(visit, "log.html", sought=sought, entries=entries)

    async def alerts(self, request: Request) -> Response:
        """What owners were alerted of since the bot was started."""
        visit = await self._sign_in.visit(request)
        told = [(self._sign_in.moment(at), visit.t(message)) for at, message in self._alerts.recent]
        return self._sign_in.page(visit, "alerts.html", alerts=told[::-1])

    async def settings(self, request: Request) -> Response:
        """bot.toml as it is in force. Secrets are not in it: they come from the environment."""
        visit, config = await self._sign_in.visit(request), self._service.config
        in_force, default = (dict(_flat(one.model_dump())) for one in (config, type(config)()))
        sections: dict[str, list[tuple[str, str, bool]]] = {}
        for name, value in in_force.items():
            section, _, setting = name.rpartition(".")
            changed = name not in default or default[name] != value
            sections.setdefault(section, []).append((setting, _written(value), changed))
        return self._sign_in.page(visit, "settings.html", sections=sorted(sections.items()))

    def _key(self, key: ApiKey, names: Mapping[str, Person], visit: Visit) -> Key:
        t, expires, now = visit.t, key.expires_at, datetime.now(UTC)
        if key.revoked_at is not None:
            state = t("page-key-revoked", day=self._sign_in.day(key.revoked_at))
        elif expires is not None and expires <= now:
            state = t("page-key-expired", day=self._sign_in.day(expires))
        else:
            state = t("page-key-live") if expires is None else t("page-until", day=self._sign_in.day(expires))
        currency, cap = self._service.pricing.currency, key.spend_cap_micro
        return Key(
            key.prefix,
            names.get(key.member, NOBODY),
            state,
            key.revoked_at is None and (expires is None or expires > now),
            ", ".join(sorted(key.scopes)),
            "-" if cap is None else money(cap, currency, t.language),
            self._sign_in.day(key.created_at),
        )


def _details(detail: str) -> str:
    """What an entry says beside who and what: JSON there, words here."""
    told = json.loads(detail)
    return _written(told) if told else ""


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting by its full name, as in `http.port`."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _written(value: Any) -> str:
    """A value as it would be written in bot.toml."""
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case timedelta():
            return f"{value.total_seconds():g}s"
        case Enum():
            return str(value.value)
        case list() | tuple():
            return ", ".join(map(_written, value)) or "-"
        case dict():
            given = {name: one for name, one in value.items() if one not in (None, "")}
            return ", ".join(f"{name} = {_written(one)}" for name, one in given.items()) or "-"
        case _:
            return str(value)
