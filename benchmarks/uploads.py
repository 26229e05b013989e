"""`python -m benchmarks.uploads`: memory that the bot takes while members bring bombs, and the largest
pictures that are allowed, all at once.
"""

from __future__ import annotations

import asyncio
import io
import struct
import tempfile
import zlib
from pathlib import Path

from PIL import Image

from bot.config.schema import Config
from bot.folders import open_store
from bot.imagine.control_maps import Maps
from bot.imagine.inputs import Brought, Inputs
from bot.imagine.safety import Safety
from bot.imagine.server_settings import ServerSettings
from bot.imagine.source import LARGEST_PIXELS
from bot.messages import UserError
from engine.worker.hostmemory import HighWater

MB = 1 << 20


def bomb(side: int = 30_000) -> bytes:
    """A few kilobytes that claim to be a picture of so many pixels, and are."""
    body = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    data = b"".join([*(body.compress(row) for _ in range(side)), body.flush()])
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in chunks
    )


def largest(mode: str) -> bytes:
    buffer = io.BytesIO()
    side = int(LARGEST_PIXELS**0.5)
    Image.linear_gradient("L").resize((side, side)).convert(mode).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


async def brought(inputs: Inputs, config: Config, files: list[bytes]) -> str:
    """What became of them, and how far memory rose meanwhile."""
    tier = config.tiers["enterprise"].model_copy(update={"max_input_mb": 64})
    mark = HighWater()

    async def one(file: bytes) -> str:
        try:
            opened = await inputs.open(Brought(file), tier, ServerSettings())
        except UserError as refused:
            return refused.message.id
        return "{}x{}".format(*opened.picture.image.size)

    told = set(await asyncio.gather(*(one(file) for file in files)))
    risen = mark.risen()
    return f"{', '.join(sorted(told))}: {'unknown' if risen is None else f'{risen // MB} MB'}"


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Config.model_validate({"storage": {"folder": Path(folder)}})
        files = {"16 bombs of 30000x30000": [bomb()] * 16}
        side = int(LARGEST_PIXELS**0.5)
        files |= {f"8 PNGs of {side}x{side}, {mode}": [largest(mode)] * 8 for mode in ("RGB", "RGBA")}
        async with open_store(config) as store:
            inputs = Inputs(store, Safety(config.moderation), Maps(config.control))
            for name, content in files.items():
                print(f"{name} at once: {await brought(inputs, config, content)}")


if __name__ == "__main__":
    asyncio.run(main())
