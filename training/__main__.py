"""Train everything from nothing, one stage after another: `python -m training`.

It takes about nine hours on two cores, nearly all of them for the transformer.
"""

from __future__ import annotations

import subprocess
import sys

STAGES = (
    "training.art",
    "training.tokenizer",
    "training.vae --steps 1800",
    "training.latents",
    "training.text --steps 1500",
    "training.transformer --minutes 480 --compile",
    "training.vae --decoder-only --steps 800",
    "training.assemble",
    "training.classifier",
    "training.evaluate",
    "training.evaluate --sheet docs/contact-sheet.png",
)


def main() -> None:
    """Run the stages. Each reads and writes `training/runs`; `assemble` writes the shipped folder."""
    for stage in STAGES:
        print(f"python -m {stage}", flush=True)
        subprocess.run([sys.executable, "-m", *stage.split()], check=True)


if __name__ == "__main__":
    main()
