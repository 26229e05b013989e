"""Files of pictures that come with requests: how the engine reads them, by the SHA-256 of their bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.request import UnreadableInput

Reader = Callable[[str], Awaitable[bytes]]
"""Gives the PNG file with this digest. Whatever it raises, the job fails and is not tried again."""


async def nothing_kept(digest: str) -> bytes:
    """The reader of an engine that was given none."""
    raise UnreadableInput(f"{digest}: nobody keeps pictures here")


def careful(read: Reader) -> Reader:
    """The same reader, that raises nothing but UnreadableInput."""

    async def checked(digest: str) -> bytes:
        try:
            return await read(digest)
        except UnreadableInput:
            raise
        except Exception as error:
            raise UnreadableInput(f"{digest}: {type(error).__name__}: {error}") from error

    return checked
