"""What is in deploy/ is what machines will take, and agrees with the bot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.config.schema import Config
from engine.fleet.settings import RaySettings
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
IMAGES = ("Dockerfile", "Dockerfile.cuda")


@pytest.mark.e2e
def test_every_file_passes_its_linter() -> None:
    tools = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", str(DEPLOY / "lint.sh")],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all checks passed" in done.stdout


def test_ray_itself_takes_the_cluster() -> None:
    pytest.importorskip("ray", reason="the extra cluster is not installed")
    from ray.autoscaler._private.util import prepare_config, validate_config

    cluster = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text("utf-8"))
    validate_config(prepare_config(cluster))


def test_nothing_is_installed_by_name() -> None:
    """The package is on no index, where its name may be a stranger's: a wheel or a checkout is."""
    said = (ROOT / "bot" / "locales").rglob("*.ftl")
    texts = [*DEPLOY.iterdir(), *(ROOT / "docs").glob("*.md"), *ROOT.glob("README*.md"), *said]
    named = re.compile(r"pip install[^\n`]*[ \"']easel(\[|[\s\"'`]|$)", re.MULTILINE)
    assert not [path.name for path in texts if path.is_file() and named.search(path.read_text("utf-8"))]


def test_compose_and_the_unit_serve_what_easel_init_wrote() -> None:
    easel = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["easel"]
    assert "${EASEL_FOLDER}/bot.toml:/var/lib/easel/bot.toml:ro" in easel["volumes"]
    assert easel["env_file"][0]["path"].endswith("/.env")
    unit = (DEPLOY / "easel.service").read_text("utf-8")
    assert "FOLDER/bot.toml FOLDER/.env /var/lib/easel/" in unit
    assert "ExecStart=/opt/easel/bin/easel run --config /var/lib/easel/bot.toml" in unit
    assert not (DEPLOY / "bot.toml").exists(), "a second bot.toml would be served instead"


def test_compose_has_room_for_what_ray_keeps_in_shared_memory() -> None:
    easel = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["easel"]
    gb = re.fullmatch(r"(\d+)gb", easel["shm_size"])
    assert gb is not None
    assert int(gb[1]) << 30 > RaySettings().object_store_bytes


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_runs_as_nobody_in_particular_and_asks_for_its_health(name: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    assert re.search(r"^USER \d+:\d+$", text, re.MULTILINE)
    served = re.search(r'^CMD \["run", "--http", "0\.0\.0\.0:(\d+)"\]$', text, re.MULTILINE)
    assert served is not None
    assert f"http://127.0.0.1:{served[1]}/healthz" in text
    assert f"EXPOSE {served[1]}" in text
    copied = {
        word for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for word in line.split()
    }
    assert copied == {
        line.lstrip("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }


@pytest.mark.e2e
def test_an_image_learns_its_dependencies_before_it_has_the_code(tmp_path: Path) -> None:
    """The same lines in both images; here pip finds everything installed already."""
    first, second = (
        (DEPLOY / name).read_text("utf-8").partition("FROM build AS wheel")[0] for name in IMAGES
    )
    steps = re.findall(r"^(?:COPY .*|RUN mkdir .*)$", first, re.MULTILINE)
    assert steps == re.findall(r"^(?:COPY .*|RUN mkdir .*)$", second, re.MULTILINE)
    for verb, *names in map(str.split, steps):
        if verb == "RUN":
            subprocess.run(names, cwd=tmp_path, check=True)
            continue
        *sources, folder = names
        (tmp_path / folder).mkdir(exist_ok=True)
        for source in sources:
            shutil.copy(ROOT / source, tmp_path / folder)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-build-isolation",
         "--only-deps", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_compose_mounts_is_there() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    mounts = [mount for service in compose["services"].values() for mount in service["volumes"]]
    for source in (mount.partition(":")[0] for mount in mounts):
        if source.startswith("${EASEL_FOLDER}"):
            continue  # the owner's
        known = (DEPLOY / source).exists() if source.startswith(".") else source in compose["volumes"]
        assert known, source
    assert compose["services"]["prometheus"]["command"][0].endswith("/compose.yml")
    assert set(compose["secrets"]) == set(compose["services"]["prometheus"]["secrets"])


def test_stopping_waits_until_what_is_drawn_may_be_done() -> None:
    drain_s = Config().engine.drain_timeout.total_seconds()
    unit = (DEPLOY / "easel.service").read_text("utf-8")
    stop = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert stop is not None
    assert int(stop[1]) > drain_s
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert compose["services"]["easel"]["stop_grace_period"] == "1m"
    assert drain_s < 60
