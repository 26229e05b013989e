"""A GPU that tests make up: a small C library in the driver's place, asked by the real pynvml.

It is compiled against NVIDIA's own header, from the wheel nvidia-nvml-dev, so that struct layouts and
signatures are the real ones.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from pathlib import Path

LIBRARY = "libnvidia-ml.so.1"
STATE_VARIABLE = "NVML_STUB_STATE"
GIB = 1 << 30

A_GPU: dict[str, int | str] = {
    "driver": "550.54.14",
    "names": "Stand-in A10G,Stand-in L4",
    "uuids": "GPU-aaaa-1,GPU-bbbb-2",
    "memory_total": 24 * GIB,
    "memory_reserved": GIB // 2,
    "memory_used": 6 * GIB,
    "utilisation": 97,
    "temperature": 61,
    "power_mw": 150_500,
    "energy_mj": 7_000_250,
    "sm_clock": 1_695,
    "memory_clock": 6_251,
    "throttle": 0,
    "processes": "",
}


class CannotBuild(Exception):
    """Why there is no stand-in here."""


def build(folder: Path, *, old_driver: bool = False) -> Path:
    """Compile the stand-in. Raises CannotBuild without gcc or header."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise CannotBuild("gcc is not installed")
    try:
        files = importlib.metadata.files("nvidia-nvml-dev") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    header = next((file.locate() for file in files if file.name == "nvml.h"), None)
    if header is None:
        raise CannotBuild("nvml.h is not installed (wheel nvidia-nvml-dev)")
    library = folder / LIBRARY
    source = Path(__file__).with_name("nvml_stub.c")
    flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", *(["-DOLD_DRIVER"] if old_driver else [])]
    subprocess.run([gcc, *flags, "-I", Path(header).parent, "-o", library, source], check=True)
    return library


class StandIn:
    """What the stand-in answers, changed while it runs: `gpu.set(power_mw=200_000, temperature=None)`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state_path = folder / "state"
        self._state = dict(A_GPU)
        self.set()

    def set(self, **changes: int | str | None) -> None:
        """Change quantities; None takes one away. `power_mw__error` stands for the key power_mw.error."""
        for key, value in changes.items():
            key = key.replace("__", ".")
            if value is None:
                self._state.pop(key, None)
            else:
                self._state[key] = value
        draft = self.state_path.with_suffix(".new")
        text = "".join(f"{key} {value}\n" for key, value in self._state.items())
        draft.write_bytes(text.encode(errors="surrogateescape"))
        draft.replace(self.state_path)

    def install(self, library: Path) -> None:
        """Put the driver there. Each copy is a library of its own to the loader, with its own state."""
        shutil.copy(library, self.folder / LIBRARY)
