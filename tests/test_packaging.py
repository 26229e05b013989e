"""The wheel: all that the code reads is inside, and it draws from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
LONG_S = 600
DATA = {".toml", ".ftl", ".sql", ".json", ".safetensors", ".jinja", ".html", ".css", ".js", ".svg", ".typed"}


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EASEL_"))}
    return subprocess.run(
        words, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=LONG_S, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", str(folder), str(ROOT), cwd=folder,
    )  # fmt: skip
    assert build.returncode == 0, build.stderr
    (built,) = folder.glob("easel_bot-*.whl")
    return built


@pytest.mark.e2e
def test_everything_beside_the_code_is_in_the_wheel(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.check_output(
        ["git", "ls-files", "bot", "engine", "storage"], cwd=ROOT, text=True
    ).splitlines()
    assert {f"easel_bot/{name}" for name in tracked if Path(name).suffix in DATA} <= inside
    assert {name.split("/")[0] for name in inside} == {"easel_bot", f"easel_bot-{VERSION}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in inside)
    assert any(name.endswith("licenses/THIRD_PARTY_NOTICES.md") for name in inside)


@pytest.mark.model
def test_it_draws_where_other_packages_have_the_same_names(wheel: Path, tmp_path: Path) -> None:
    """It has the wheel and, so as not to fetch gigabytes, what this environment has of other packages."""
    home, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    install = run(
        sys.executable, "-m", "pip", "--python", str(python), "install",
        "--quiet", "--no-deps", "--no-compile", str(wheel), cwd=empty,
    )  # fmt: skip
    assert install.returncode == 0, install.stderr
    (packages,) = (home / "lib").glob("python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    for name in ("bot", "engine", "storage"):
        (packages / name).mkdir()
        (packages / name / "__init__.py").write_text("raise ImportError('this one is somebody else\\'s')")
    easel = str(home / "bin" / "easel")
    version = run(easel, "--version", cwd=empty)
    assert version.stdout == f"Easel {VERSION}\n", version.stderr
    (empty / "bot.toml").write_text('[engine]\nworker = "child"\n')
    drawn = run(easel, "imagine", "an orange cat", "--out", "cat.png", cwd=empty)
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(empty / "cat.png") as image:
        assert image.info["parameters"].startswith("an orange cat\n")


def test_every_pin_is_inside_the_range_that_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {
        Requirement(line).name.lower().replace("_", "-"): line.partition("==")[2]
        for line in lines
        if "==" in line
    }
    asked = [*project["dependencies"]]
    for needed in project["optional-dependencies"].values():
        asked += needed
    for requirement in map(Requirement, asked):
        pin = pins[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(pin), f"{requirement}, pinned to {pin}"


@pytest.mark.e2e
def test_the_notices_are_current() -> None:
    check = run(sys.executable, str(ROOT / "tools" / "notices.py"), "--check", cwd=ROOT)
    assert check.returncode == 0, check.stderr
