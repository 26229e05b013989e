"""Pictures to delete: taken from their jobs and listed in one transaction, deleted as files after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .closing import OPEN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_SHOWS = "substr(image, 1, 8) = substr(?1, 1, 8) AND +image = ?1 AND image IS NOT NULL"
"""By its index, which knows the beginning. The plus keeps SQLite from putting ?1 in place of `image`
everywhere: then nothing would be left to look up, and it would read all pictures.
"""


_KEPT = f"SELECT 1 FROM job WHERE {_SHOWS} UNION ALL SELECT 1 FROM input WHERE ref = ?1"  # noqa: S608 - a constant


def take(db: sqlite3.Connection, since_us: int, refs: Iterable[str]) -> None:
    """Take pictures away from all closed jobs and requests; one that a drawn job still has to deliver stays,
    as does one that an open job is drawn from, or that was written again after `since_us`.
    """
    refs = list(refs)
    db.executemany(
        f"UPDATE job SET image = NULL WHERE {_SHOWS} AND state <> 'drawn'",  # noqa: S608
        [(ref,) for ref in refs],
    )
    db.executemany(
        "DELETE FROM input WHERE ref = ? AND NOT EXISTS"  # noqa: S608 - a constant
        f" (SELECT 1 FROM job WHERE job.request = input.request AND {OPEN})",
        [(ref,) for ref in refs],
    )
    add(db, since_us, refs)


def add(db: sqlite3.Connection, now_us: int, refs: Iterable[str]) -> None:
    """Put pictures that no job shows and no request is drawn from on the list of files to delete."""
    db.executemany(
        f"INSERT INTO trash SELECT ?1, ?2 WHERE NOT EXISTS ({_KEPT}) ON CONFLICT DO UPDATE SET at_us = ?2",
        [(ref, now_us) for ref in refs],
    )


def orphans(db: sqlite3.Connection, refs: Iterable[str]) -> list[str]:
    """Which of the pictures no job shows and no request is drawn from."""
    return [ref for ref in refs if db.execute(_KEPT, (ref,)).fetchone() is None]


def of_requests(db: sqlite3.Connection, which: str, values: Sequence[object]) -> list[str]:
    """All pictures of requests, those they came with too; `which` is a query of request ids."""
    query = (
        f"SELECT image FROM job WHERE image IS NOT NULL AND request IN ({which})"  # noqa: S608 - the caller's
        f" UNION SELECT ref FROM input WHERE request IN ({which})"
    )
    return [ref for (ref,) in db.execute(query, [*values, *values])]


def listed(db: sqlite3.Connection) -> list[tuple[str, int]]:
    """The files to delete, each with since when."""
    return [(ref, at_us) for ref, at_us in db.execute("SELECT ref, at_us FROM trash")]


def strike(db: sqlite3.Connection, deleted: Iterable[tuple[str, int]]) -> None:
    """Take files off the list."""
    db.executemany("DELETE FROM trash WHERE ref = ? AND at_us = ?", deleted)
