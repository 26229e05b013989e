"""Pictures that jobs come with, on the machine that draws: kept as files, opened when their job arrives."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING

from PIL.Image import Image, Resampling
from PIL.Image import open as open_image

from engine.cache import ByteLRU
from engine.request import Role, UnreadableInput
from engine.worker.protocol import WorkerBusy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.request import DrawRequest, Input

KEPT_BYTES = 256 << 20
"""Far more than the jobs at hand come with: what was sent for one is not dropped before it is opened."""

FITTED = frozenset({Role.INIT, Role.MASK, Role.CONTROL})
"""What has to be of the request's size: from the start, but for INIT without a mask, which is made so when
its job begins, on the device.
"""


class Inputs:
    """The files that were sent here last, by digest."""

    def __init__(self) -> None:
        self._files: ByteLRU[str, bytes] = ByteLRU(KEPT_BYTES)

    def missing(self, digests: Iterable[str]) -> tuple[str, ...]:
        """Those that are not here. The others are the last to be dropped from now on."""
        return tuple(digest for digest in digests if self._files.get(digest) is None)

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Raises UnreadableInput for a file that is larger than all there is room for."""
        for digest, file in files.items():
            if len(file) > KEPT_BYTES:
                raise UnreadableInput(f"{digest} has {len(file)} bytes, and {KEPT_BYTES} are kept here")
            self._files.put(digest, file, len(file))

    async def open(self, request: DrawRequest) -> tuple[Image, ...]:
        """The request's pictures, in its order: RGB, masks in L.

        All but what is only looked at, or begun from without a mask, is made as large as the request. Raises
        UnreadableInput; WorkerBusy where a file was dropped after it had been sent: somebody had the caches
        cleared.
        """
        files = [(picture, self._files.get(picture.digest)) for picture in request.inputs]
        size = request.width, request.height
        fitted = FITTED if request.input(Role.MASK) else FITTED - {Role.INIT}
        return await asyncio.to_thread(
            lambda: tuple(_opened(*file, size if file[0].role in fitted else None) for file in files)
        )

    def clear(self) -> None:
        self._files.clear()


def _opened(picture: Input, file: bytes | None, size: tuple[int, int] | None) -> Image:
    """`size`: what it is made, if it is another."""
    if file is None:
        raise WorkerBusy(f"{picture.digest} was dropped", 0.0)
    try:
        with open_image(BytesIO(file), formats=("PNG",)) as image:
            converted = image.convert("L" if picture.role is Role.MASK else "RGB")
        if size is not None and converted.size != size:
            return converted.resize(size, Resampling.LANCZOS)
        return converted
    except Exception as error:  # Pillow tells of a broken file in many ways
        raise UnreadableInput(f"{picture.digest}: {type(error).__name__}: {error}") from error
