"""The documentation says what is: links lead somewhere, both READMEs agree, the settings are all there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bot.cli import main
from bot.commands.table import COMMANDS
from bot.config.credentials import Credentials
from bot.config.file import load_config
from tools import cards, reference

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "engine", "storage")
BOT_TOML = (ROOT / "bot.toml").read_text("utf-8")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_BLOCK = re.compile(r"^```toml\n(.*?)^```$", re.M | re.S)
_SHELL = re.compile(r"^```(?:sh|console)?\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def tracked(pattern: str) -> list[Path]:
    """The files of the repository that match, those not committed yet among them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def pages() -> list[Path]:
    return tracked("*.md")


def prose(page: Path) -> str:
    """A page without its code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.M)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in plain}


def broken(page: Path) -> list[str]:
    """The links of a page into this repository that lead nowhere."""
    found = []
    for link in _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = unquote(link).partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `word`, or two\n[a](#a-word-or-two) [b](#c) [d](e.md) [f](https://g.example)")
    assert broken(page) == ["#c", "e.md"]


def skeleton(page: Path) -> dict[str, object]:
    """What two languages of one page must share."""
    text = page.read_text("utf-8")
    other = {"README.md", "README.zh-CN.md"}
    return {
        "headings": re.findall(r"^#+(?= )", prose(page), re.M),
        "code": _FENCE.findall(text),
        "links": [link for link in _LINK.findall(text) if link not in other],
        "addresses": re.findall(r"<(https:[^>]+)>", text),
        "rows": len(re.findall(r"^\|", text, re.M)),
        "steps": re.findall(r"^\d+\.", text, re.M),
    }


def test_both_readmes_say_the_same_and_stay_short() -> None:
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert skeleton(english) == skeleton(chinese)
    assert all(len(page.read_text("utf-8").splitlines()) < 200 for page in (english, chinese))


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_the_architecture_page_names_every_folder_and_only_what_is_there() -> None:
    code = [file.relative_to(ROOT) for file in tracked("*.py")]
    named, folder = set(), ROOT
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8").replace("FACE/", "bot/web/")
    for name in re.findall(r"\w[\w/]*(?:/|\.py)(?![\w/.])", page):
        if (ROOT / name.split("/")[0]).is_dir():
            folder = ROOT / (name if name.endswith("/") else Path(name).parent)
            named |= {ROOT / name, *(ROOT / name).parents}
        else:  # in the folder that was named last
            named.add(folder / name)
    assert [path for path in named if not path.exists()] == []
    folders = {ROOT / file.parts[0] for file in code if len(file.parts) > 1}
    folders |= {ROOT / file.parent for file in code if len(file.parts) == 3 and file.parts[0] in PACKAGES}
    assert folders - named == set()


def test_the_configuration_page_is_current() -> None:
    written = reference.PAGE.read_text("utf-8")
    assert written == reference.page(BOT_TOML), "run: make reference"


def test_bot_toml_names_every_key_and_says_what_it_is_for() -> None:
    words = reference.comments(BOT_TOML)
    keys = {(table, key) for table, section in reference.tables() for key in reference.keys(section)}
    assert {key for key in keys if not words.get(key)} == set()
    assert {entry for entry in words if entry[1]} <= keys


@pytest.mark.parametrize(
    "page", [*(ROOT / "docs").glob("*.md"), *ROOT.glob("README*.md")], ids=lambda p: p.name
)
def test_a_page_calls_settings_by_their_names(page: Path) -> None:
    """Times have no unit in their name, so one that is told with it is a slip of the pen."""
    keys = {key for _, section in reference.tables() for key in reference.keys(section)}
    told = set(re.findall(r"`([a-z_]+)`", page.read_text("utf-8")))
    assert {name for name in told - keys if name.removesuffix("_s") in keys and name.count("_") > 1} == set()


EXAMPLES = [(page, toml) for page in pages() for toml in _BLOCK.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "toml"), EXAMPLES, ids=[page.name for page, _ in EXAMPLES])
def test_the_examples_of_bot_toml_are_accepted(page: Path, toml: str, tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_text(toml, "utf-8")
    load_config(tmp_path / "bot.toml")


def test_the_commands_in_the_pages_exist() -> None:
    """With the subcommands and options they are told with."""
    lines = {
        (page.name, line)
        for page in pages()
        for block in _SHELL.findall(page.read_text("utf-8"))
        for line in re.findall(r"^(?:\$ )?(easel(?:-here)? .*)$", block, re.M)
    }
    assert len(lines) > 15
    for name, line in lines:
        words = shlex.split(re.split(r" [#|&] | &&", line)[0], comments=True)[1:]
        command: Any = get_command(main.app)
        while isinstance(command, TyperGroup) and words:
            command = command.get_command(None, words.pop(0))  # type: ignore[arg-type]
            assert command, f"{name}: {line}"
        known = {spelling for parameter in command.params for spelling in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, f"{name}: {line}"


def test_every_secret_says_what_it_is_for() -> None:
    assert all(field.description for field in Credentials.model_fields.values())


def test_the_page_of_commands_has_them_all() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    shell = get_command(main.app)
    assert isinstance(shell, TyperGroup)
    typed = {f"/{command.group}" for command in COMMANDS}
    for command in {*(f"`easel {name}" for name in shell.commands), *typed}:
        assert command in page, command
    assert page == reference.with_options(page), "run: make reference"


@pytest.mark.parametrize("name", cards.PAGES)
def test_the_tables_of_cards_are_what_the_engine_decides(name: str) -> None:
    page = (ROOT / name).read_text("utf-8")
    assert page == cards.written(page), "run: make reference"


ASK = """
import asyncio, io, pathlib
from rich.console import Console
from bot.cli.terminal import Terminal
from tests.easel import config_in, easel

async def main():
    async with easel(config_in(pathlib.Path("."))) as service:
        terminal = Terminal(service, Console(), user="anna", locale="en")
        await terminal.line("/ping", pathlib.Path("."))

asyncio.run(main())
"""


@pytest.mark.e2e
def test_the_walk_through_works_as_it_is_written(tmp_path: Path) -> None:
    if '"ping"' in (ROOT / "bot" / "commands" / "members.py").read_text("utf-8"):
        pytest.skip("somebody has followed it here")
    page = (ROOT / "docs" / "contributing.md").read_text("utf-8")
    diff = re.findall(r"^```diff\n(.*?)^```$", page, re.M | re.S)[0]
    added = len(re.findall(r"^\+(?!\+)", diff, re.M))
    assert f"{added} new lines in four files" in page
    assert added <= 15
    assert diff.count("diff --git") == 4
    for folder in ("bot", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    asked = subprocess.run(
        [sys.executable, "-c", ASK], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert "Awake; 0 waiting." in asked.stdout.splitlines(), asked.stderr
    assert "`/ping`" in (tmp_path / "docs" / "commands.md").read_text("utf-8")


DRAW = """
import asyncio, pathlib
from bot.app import open_service
from bot.imagine.options import Options
from bot.imagine.asker import Asker
from tests.easel import config_in

async def main():
    async with open_service(config_in(pathlib.Path("."))) as service:
        for key, noise in enumerate((None, "1", "0.8")):
            options = Options("a cat", seed="7", size="64x64", steps="2", noise=noise)
            live = await service.imagine(Asker("console", "anna"), options, key=str(key), address={})
            done = await service.read(await live.outcome())
            print("drawn", hash(done.pictures[0].png.partition(b"IDAT")[2]))

asyncio.run(main())
"""


@pytest.mark.e2e
@pytest.mark.model
def test_the_walk_through_of_an_option_works_as_it_is_written(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "contributing.md").read_text("utf-8")
    diff = re.findall(r"^```diff\n(.*?)^```$", page, re.M | re.S)[1]
    added = len(re.findall(r"^\+(?!\+)", diff, re.M))
    assert f"{added} lines in four files" in page
    assert diff.count("diff --git") == 4
    for folder in ("bot", "engine", "storage", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/bot/imagine/test_options.py")
    plain, one, less = re.findall(r"^drawn (.*)$", run("-c", DRAW), re.M)
    assert plain == one != less
