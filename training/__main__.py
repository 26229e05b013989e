"""Train everything from nothing, one stage after another: `python -m training`."""

from __future__ import annotations

import subprocess
import sys

STAGES = (
    "tokenizer",
    "vae --minutes 13",
    "latents",
    "text --minutes 4",
    "transformer --minutes 170 --compile",
    "vae --decoder-only --minutes 5",
    "assemble",
    "classifier --scenes 16000 --steps 2400",
    "evaluate",
    "evaluate --sheet docs/contact-sheet.png",
)


def main() -> None:
    """Run the stages. Each reads and writes `training/runs`; `assemble` writes the shipped folder."""
    for stage in STAGES:
        print(f"python -m training.{stage}", flush=True)
        module, *options = stage.split()
        subprocess.run([sys.executable, "-m", f"training.{module}", *options], check=True)


if __name__ == "__main__":
    main()
