"""The weights that are drawn with: the embedded ones, or those in the folder EASEL_BENCH_MODEL."""

from __future__ import annotations

import os
from pathlib import Path

import engine.placement

MODEL = Path(os.environ.get("EASEL_BENCH_MODEL", engine.placement.EMBEDDED_FOLDER))
engine.placement.EMBEDDED_FOLDER = MODEL
