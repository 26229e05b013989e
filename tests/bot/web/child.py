"""A bot in a process of its own: `python -m tests.bot.web.child FOLDER PORT [closed]`, to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.web import serve
from tests.bot.web.conftest import config_for
from tests.easel import FieldModel, easel


async def main(folder: str, port: str, gate: str = "open") -> None:
    """Serve until killed; with a closed gate nothing is ever drawn."""
    config, model = config_for(Path(folder), port=int(port)), FieldModel()
    if gate == "closed":
        model.gate.clear()
    async with easel(config, model) as service:
        await serve(service, config)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
