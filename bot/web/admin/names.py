"""Who somebody is, to an owner: a number that is the same on every tab, and an account or a key's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.records.members import MemberName
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Person:
    """A member on the page; without a number, whoever is forgotten or is no member."""

    number: int | None
    text: str


NOBODY = Person(None, "-")


def person(name: MemberName) -> Person:
    """A key's label, or all accounts."""
    accounts = " = ".join(f"{one.platform} {one.user_id}" for one in name.identities)
    return Person(name.number, name.label or accounts or NOBODY.text)


async def named(store: Store, keys: Iterable[str]) -> Mapping[str, Person]:
    """The members with these keys; those that are forgotten are left out."""
    return {key: person(name) for key, name in (await store.members.names(set(keys))).items()}
