"""Train everything from nothing, one stage after another: `python -m training`.

It takes about ten hours on two cores, nearly all of them for the transformer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

STAGES = (
    "training.art",
    "training.tokenizer",
    "training.vae --steps 1800",
    "training.latents",
    "training.text --steps 1500",
    "training.transformer --minutes 480 --compile",
    "training.guidance --steps 300 --compile",
    "training.vae --decoder-only --steps 800",
    "training.assemble",
    "training.lora flat",
    "training.lora ink",
    "training.lora sepia",
    "training.control --steps 700 --scenes 700",
    "training.classifier",
    "training.evaluate",
    "training.evaluate --sheet docs/contact-sheet.png",
)


def main() -> None:
    """Run the stages. Each reads and writes `training/runs`; `assemble` writes the shipped folder."""
    names = [stage.split()[0] for stage in STAGES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--start", choices=dict.fromkeys(names), default=names[0], help="begin with this stage"
    )
    for stage in STAGES[names.index(parser.parse_args().start) :]:
        print(f"python -m {stage}", flush=True)
        subprocess.run([sys.executable, "-m", *stage.split()], check=True)


if __name__ == "__main__":
    main()
