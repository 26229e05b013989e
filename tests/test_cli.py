"""The command as a person runs it: the embedded model, real signals, its own process where that matters."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from typer.testing import CliRunner

from bot.cli.main import app
from bot.cli.running import user_name
from tests import logs
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    Easel = Callable[..., Result]

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(os.name == "nt", reason="signals as on Unix"),
]
EASEL = [sys.executable, "-m", "bot"]
ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the shipped bot.toml; data and pictures go there."""
    (tmp_path / "bot.toml").write_text((ROOT / "bot.toml").read_text("utf-8"), "utf-8")
    return tmp_path


@pytest.fixture
def easel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Easel]:
    """Runs the command in this process, which has imported everything already."""

    def run(*words: str, typed: str | None = None) -> Result:
        done = CliRunner().invoke(app, words, input=typed)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    monkeypatch.chdir(folder)
    for name, value in _environment().items():
        monkeypatch.setenv(name, value)
    with logs.restored():
        yield run


def process(folder: Path, *words: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EASEL, *words],
        cwd=folder,
        env=_environment(),
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextlib.contextmanager
def running(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is there until the test ends, if not before."""
    command = [*EASEL, *words]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_TOKEN")}
    return kept | {"PYTHONPATH": str(ROOT), "LANG": "en_US.UTF-8", "COLUMNS": "80", "NO_COLOR": "1"}


def reservations(folder: Path) -> int:
    """What is reserved, straight from the file."""
    with sqlite3.connect(folder / "data" / "easel.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (reserved,) = database.execute("SELECT coalesce(sum(reserved), 0) FROM account").fetchone()
        return int(reserved)


def wait_for_job(folder: Path, process: subprocess.Popen[str]) -> None:
    """Return once the process has written a request down."""
    database = folder / "data" / "easel.db"
    while process.poll() is None:
        time.sleep(0.01)
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
                if connection.execute("SELECT count(*) FROM job WHERE state = 'running'").fetchone()[0]:
                    return
        except sqlite3.OperationalError:
            continue
    raise AssertionError("the process ended before it drew")


def test_one_picture_and_its_facts(folder: Path, easel: Easel) -> None:
    words = ("imagine", "an orange cat on a green meadow", "--seed", "7", "--out")
    done = process(folder, *words, "cat.png")
    assert done.returncode == 0, done.stderr
    assert "8/8" in done.stdout
    for fact in (
        r"cat\.png",
        "128x128",
        r"Seed +7",
        r"Steps +8",
        r"GPU time +[\d.]+ s",
        r"Cost +CN¥0\.\d+",
        "99 of 100",
    ):
        assert re.search(fact, done.stdout), fact
    with Image.open(folder / "cat.png") as image:
        assert image.size == (128, 128)
        assert image.info["parameters"].startswith("an orange cat on a green meadow\nSteps: 8")
    assert done.stderr == ""
    assert easel(*words, "again.png").exit_code == 0
    assert (folder / "cat.png").read_bytes() == (folder / "again.png").read_bytes(), "the seed says it all"


def test_a_wrong_value_is_one_sentence_and_costs_nothing(folder: Path, easel: Easel) -> None:
    refused = easel("imagine", "a cat", "--size", "enormous")
    assert refused.exit_code == 1
    assert "enormous" in refused.stdout
    assert reservations(folder) == 0


def test_a_prompt_is_read_as_a_line_of_a_chat_and_options_outside_it_win(folder: Path, easel: Easel) -> None:
    words = ("a red", "star", "--n", "1", "on a meadow --seed 7 --steps 3 --no text", "--seed", "9")
    done = easel("imagine", *words, "--no", "blur", "--out", "star.png")
    assert done.exit_code == 0, done.stdout + done.stderr
    with Image.open(folder / "star.png") as image:
        prompt, negative, settings = image.info["parameters"].split("\n")
    assert prompt == "a red star on a meadow"
    assert negative == "Negative prompt: blur"
    assert "Steps: 3," in settings
    assert "Seed: 9," in settings


def test_an_unknown_option_in_the_prompt_is_told(folder: Path, easel: Easel) -> None:
    refused = easel("imagine", "a cat --sede 7")
    assert refused.exit_code == 1
    assert "--seed" in refused.stdout
    assert not (folder / "data").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("imagine", "a cat", "--out", "."), "is a folder. Name a file"),
        (("imagine", "a cat", "--out", "bot.toml/cat.png"), "not a folder"),
        (("imagine", "a cat", "--out", "cat.jpg"), "so the name must end in .png"),
        (("chat", "--folder", "bot.toml"), "not a folder"),
    ],
)
def test_a_place_for_no_picture_is_refused_before_the_model_loads(
    words: tuple[str, ...], said: str, folder: Path, easel: Easel
) -> None:
    refused = easel(*words)
    assert refused.exit_code == 1
    assert len(refused.stdout.splitlines()) == 1
    assert said in refused.stdout
    assert refused.stderr == ""
    assert not (folder / "data").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_full_disk_is_one_sentence_and_costs_nothing(folder: Path, easel: Easel) -> None:
    for _ in range(2):
        failed = easel("imagine", "a cat", "--out", "/dev/full")
        assert failed.exit_code == 1
        assert failed.stdout.count("could not be written (No space left on device)") == 1
        assert "Traceback" not in failed.stdout + failed.stderr
    assert reservations(folder) == 0


def test_a_wrong_key_in_bot_toml_exits_2(folder: Path, easel: Easel) -> None:
    (folder / "bot.toml").write_text("[engine]\nmax_activ = 3\n")
    refused = easel("imagine", "a cat")
    assert refused.exit_code == 2
    assert "bot.toml: engine.max_activ: found a key that is not known" in refused.stderr


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (
            "[model]\nattention = 'flush'\n",
            2,
            "bot.toml: model.attention: found 'flush'; allowed: auto, flash",
        ),
        (
            "[model]\npath = './no-such-folder'\ndevice = 'cpu'\n",
            2,
            "bot.toml: model.path: found './no-such-folder'; there is no model_index.json",
        ),
    ],
)
def test_a_model_that_cannot_be_is_told_in_a_sentence(
    folder: Path, easel: Easel, text: str, status: int, said: str
) -> None:
    (folder / "bot.toml").write_text(text)
    refused = easel("imagine", "a cat")
    assert refused.exit_code == status
    assert said in refused.stderr
    assert "Traceback (most recent call last)" not in refused.stdout + refused.stderr


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert user_name() == str(os.getuid())


def test_run_without_tokens_says_so_and_opens_the_chat_in_the_terminals_language(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    chat = process(folder, "run", typed="/quota\n/nonsense\n")
    assert chat.returncode == 0, chat.stderr
    for said in ("没有可服务的平台", "DISCORD_TOKEN", "100 / 100 张", "/nonsense"):
        assert said in chat.stdout


def test_ctrl_c_before_anything_is_there_ends_quietly() -> None:
    script = """
import signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "bot.cli.main":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
from bot.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=_environment(),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")


def test_ctrl_c_cancels_and_refunds(folder: Path) -> None:
    with running(folder, "imagine", "a cat", "--size", "large", "--steps", "20", "--images", "4") as process:
        wait_for_job(folder, process)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "nothing was charged" in said
    assert reservations(folder) == 0


def test_a_second_ctrl_c_ends_at_once_and_loses_nothing(folder: Path, easel: Easel) -> None:
    with running(
        folder, "imagine", "a cat", "--size", "large", "--steps", "20", "--out", "hurried.png"
    ) as process:
        wait_for_job(folder, process)
        while process.poll() is None:  # impatient: every 20 ms until it is gone
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
    assert process.returncode == 130
    easel("imagine", "a red star", "--out", "after.png")
    assert reservations(folder) == 0


def test_a_kill_loses_nothing_and_leaves_nothing_reserved(folder: Path, easel: Easel) -> None:
    with running(
        folder, "imagine", "a cat", "--size", "large", "--steps", "20", "--out", "killed.png"
    ) as process:
        wait_for_job(folder, process)
    assert reservations(folder) == 1
    after = easel("imagine", "a red star", "--out", "after.png")
    assert after.exit_code == 0, after.output
    assert (folder / "killed.png").exists()
    assert (folder / "after.png").exists()
    assert "98 of 100" in easel("chat", typed="/quota\n").stdout
    assert reservations(folder) == 0
