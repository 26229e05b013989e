"""A base install: everything that needs no extra works, and what does says which one is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.extras import extra
from bot.messages import UserError, translator
from tests.bot.cli.test_init import DISCORD, TELEGRAM

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys({missing}))  # None there: whoever imports it hears ModuleNotFoundError
from bot.cli.main import app
app({words})
"""
OPTIONAL = [
    "discord",
    "telegram",
    "fastapi",
    "uvicorn",
    "jinja2",
    "sse_starlette",
    "ray",
]
SLOW = {"torch", "diffusers", "transformers", "discord", "telegram", "fastapi", "matplotlib", "PIL"}
"""What takes long to import."""
QUICK = ("keys", "owner", "stats", "upkeep", "vouchers")
"""Modules of bot.cli whose commands answer at once."""


def easel(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as if no extra were installed."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=OPTIONAL, words=list(words))],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.e2e
@pytest.mark.parametrize(("platform", "token"), [("discord", DISCORD), ("telegram", TELEGRAM)])
def test_a_token_without_its_library_is_one_sentence(tmp_path: Path, platform: str, token: str) -> None:
    refused = easel(tmp_path, "run", **{f"{platform.upper()}_TOKEN": token})
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert f'pip install -e ".[{platform}]"' in " ".join(refused.stdout.split())


@pytest.mark.e2e
def test_the_rest_needs_no_extra(tmp_path: Path) -> None:
    done = easel(tmp_path, "plan", "--gpu", "A10G")
    assert done.returncode == 0, done.stderr
    assert "A10G" in done.stdout


def test_quick_commands_import_nothing_slow() -> None:
    imports = "".join(f"import bot.cli.{name}\n" for name in QUICK)
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{imports}print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    ).stdout.split()
    assert "bot.cli.stats" in shown
    assert not SLOW & set(shown)


def test_our_own_mistakes_stay_mistakes() -> None:
    with pytest.raises(ModuleNotFoundError), extra("discord"):
        raise ModuleNotFoundError("no such module", name="bot.discord.nowhere")
    with pytest.raises(UserError) as refused, extra("cluster"):
        raise ModuleNotFoundError("no such module", name="ray.actor")
    told = translator("en")(refused.value.message)
    assert told.startswith("ray is not installed.")
    assert 'pip install -e ".[cluster]"' in told
