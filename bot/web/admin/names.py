"""Who somebody is, to an owner: a number that is the same on every tab, and an account or a key's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.records.members import MemberName
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Who:
    """A member on the page; without a number, whoever is forgotten or is no member."""

    number: int | None
    text: str


NOBODY = Who(None, "-")


def who(name: MemberName) -> Who:
    """A key's label, or all accounts."""
    accounts = " = ".join(f"{one.platform} {one.user_id}" for one in name.identities)
    return Who(name.number, name.label or accounts or NOBODY.text)


async def named(store: Store, keys: Iterable[str]) -> Mapping[str, Who]:
    """The members with these keys; those that are forgotten are left out."""
    return {key: who(name) for key, name in (await store.members.names(set(keys))).items()}
