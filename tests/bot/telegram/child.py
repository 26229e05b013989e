"""A bot in a process of its own: `python -m tests.bot.telegram.child FOLDER URL [closed]`, to be killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.alerts import Alerts
from bot.telegram import serve
from tests.bot.telegram.conftest import config_for
from tests.bot.telegram.standin import TOKEN
from tests.easel import FieldModel, easel


async def main(folder: str, url: str, gate: str = "open") -> None:
    """Serve until killed; with a closed gate nothing is ever drawn."""
    config, model = config_for(Path(folder), url), FieldModel()
    if gate == "closed":
        model.gate.clear()
    async with easel(config, model) as service:
        await serve(service, TOKEN, config, Alerts())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
