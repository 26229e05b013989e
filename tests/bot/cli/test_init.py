"""`easel init`, answered by a person at a terminal; and the texts it writes."""

from __future__ import annotations

import asyncio
import io
import stat
import subprocess
import sys
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.cells import cell_len
from rich.console import Console

from bot.cli.init import wizard
from bot.cli.init.answers import Answers, Terms, bot_toml, dotenv
from bot.cli.init.asking import choose, wrapped
from bot.cli.init.context import Context
from bot.cli.init.files import Draft, write_all
from bot.cli.init.platforms import ids
from bot.config.faces import AccessMode
from bot.config.file import load_config
from bot.config.schema import Config
from bot.config.section import Language
from bot.config.tokens import discord_application, telegram_bot
from bot.cost.catalogue import planned_model
from bot.cost.fit import CARDS_GB, fit
from bot.folders import open_store
from bot.messages import LANGUAGES, translator
from engine.families.registry import load_profile
from tests.patience import PATIENCE_S
from tests.terminal import CLEAR_LINE, CTRL_C, ROOT, Person

if TYPE_CHECKING:
    from pathlib import Path

DISCORD = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"
TELEGRAM = "123456789:AAstandinstandinstandinstandinstandin"
T = translator("en")
THE_END = "Write this into"


async def begin(folder: Path, currency: str) -> None:
    """As a first start leaves it: a database in this currency."""
    async with open_store(Config.model_validate({"currency": currency, "storage": {"folder": folder}})):
        pass


def choose_all(person: Person) -> None:
    """Z-Image-Turbo on 16 GB, both platforms, dollars; up to the last question."""
    person.answers("Language")
    person.answers("Which model", "2")
    person.answers("Another model")
    person.answers("How much memory", "3")
    person.answers("Where will people", "1")
    person.answers("DISCORD_TOKEN", "nonsense")
    person.sees("three parts separated by dots")
    person.presses(CLEAR_LINE)
    person.answers("DISCORD_TOKEN", f"Bot {DISCORD}")
    person.sees("client_id=123456789012345678")
    person.answers("Who may see costs", "42, 43")
    person.answers("TELEGRAM_TOKEN", TELEGRAM)
    person.answers("Who may see costs")
    person.answers("Who may have pictures drawn")
    person.sees("https://t.me/YOUR_BOT?start=")
    person.answers("Folder", f"{CLEAR_LINE}pictures")
    person.answers("Currency", f"{CLEAR_LINE}eur")
    person.answers("Time zone", f"{CLEAR_LINE}Berlin")
    person.sees("not the name of a time zone")
    person.presses(CLEAR_LINE)
    person.answers("", "Europe/Berlin")
    person.answers("What may members draw", "3")
    person.answers("tier member, in EUR", "0.04")
    person.answers("tier premium", "0.02")
    person.answers("tier enterprise")
    person.answers("cost per hour", "0.35")
    person.answers("owner's page")


def keep_the_rest(person: Person) -> None:
    """Enter, for everything after the currency."""
    for question in ("Time zone", "What may members draw", "cost per hour", "owner's page"):
        person.answers(question)


def test_long_choices_are_broken_into_lines_that_fit() -> None:
    for language in LANGUAGES:
        label = translator(language)("init-model-embedded")
        lines = wrapped(label, 40).split("\n")
        assert max(map(cell_len, lines)) <= 36
        assert "".join("".join(lines).split()) == "".join(label.split())


def test_ctrl_d_leaves_a_choice_too() -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("\x04")
        with pytest.raises(KeyboardInterrupt):
            choose("Which?", [(1, "one"), (2, "two")], default=1)


@pytest.mark.e2e
class TestAtATerminal:
    def test_the_answers_become_two_files(self, tmp_path: Path) -> None:
        person = Person(tmp_path, "init")
        choose_all(person)
        person.answers(THE_END)
        assert person.leaves() == 0
        config = load_config(tmp_path / "bot.toml")
        assert config.model.path == "Tongyi-MAI/Z-Image-Turbo"
        assert (config.model.memory_mode, config.model.quantisation) == ("auto", "none")
        assert config.owners.discord == (42, 43)
        assert (config.currency, config.rent[0].gpu_an_hour) == ("EUR", Decimal("0.35"))
        assert config.storage.folder == tmp_path / "pictures"
        assert config.time_zone == "Europe/Berlin"
        prices = {name: tier.price for name, tier in config.tiers.items()}
        assert prices == {"free": 0, "member": Decimal("0.04"), "premium": Decimal("0.02"), "enterprise": 0}
        assert config.tiers["free"] == Config().tiers["free"], "what was not asked about stays as it was"
        assert config.http.enabled
        assert config.access.mode is AccessMode.CODE
        assert f"/join {config.access.code}" in person.shown
        secrets = tmp_path / ".env"
        assert secrets.read_text() == f"DISCORD_TOKEN={DISCORD}\nTELEGRAM_TOKEN={TELEGRAM}\n"
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
        assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "bot.toml"]
        for token in (DISCORD, TELEGRAM, "abcdefghij", "AAstandin"):
            assert token not in person.shown

    def test_a_second_model_gets_a_name_beside_the_first(self, tmp_path: Path) -> None:
        person = Person(tmp_path, "init")
        person.answers("Language", "1")
        person.answers("Which model", "2")
        person.answers("Another model", "2")
        person.answers("2 so far")
        person.answers("How much memory", "3")
        person.answers("Where will people", "4")
        person.answers("Folder")
        person.answers("Currency")
        keep_the_rest(person)
        person.answers(THE_END)
        assert person.leaves() == 0
        first, second = load_config(tmp_path / "bot.toml").models.values()
        assert (first.path, first.default) == ("Tongyi-MAI/Z-Image-Turbo", True)
        assert (second.path, second.default) == ("black-forest-labs/FLUX.2-klein-4B", False)

    def test_ctrl_c_at_the_last_question_leaves_nothing(self, tmp_path: Path) -> None:
        person = Person(tmp_path, "init")
        choose_all(person)
        person.sees(THE_END)
        person.presses(CTRL_C)
        assert person.leaves() == 130
        assert "Nothing was written" in person.shown
        assert list(tmp_path.iterdir()) == []

    def test_run_again_it_starts_from_what_is_there(self, tmp_path: Path) -> None:
        settings, secrets = tmp_path / "bot.toml", tmp_path / ".env"
        mine = (
            'language = "en"  # mine\ncurrency = "EUR"\ntime_zone = "Europe/Berlin"\n'
            "[owners]\ntelegram = [7]\n[limits]\nrefunded_cancels_a_day = 9  # generous\n"
        )
        settings.write_text(mine)
        secrets.write_text(f"# mine\nTELEGRAM_TOKEN={TELEGRAM}\nOTHER=1\n")
        refusing = Person(tmp_path, "init")
        refusing.answers("Language")
        refusing.answers("bot.toml is here", "2")
        assert refusing.leaves() == 130
        person = Person(tmp_path, "init")
        person.answers("Language")
        person.answers("bot.toml is here")
        person.answers("Which model", "1")
        person.answers("Where will people")
        person.answers("Enter keeps the current one")
        person.answers("Who may see costs", ", 8")
        person.answers("Who may have pictures drawn", "2")
        person.answers("Folder")
        person.answers("Currency")
        person.answers("Time zone")
        person.answers("What may members draw", "2")
        person.answers("Images a month", f"{CLEAR_LINE}lots")
        person.sees("a whole number")
        person.presses(CLEAR_LINE)
        person.answers("", "30")
        person.answers("cost per hour")
        person.answers("owner's page")
        person.answers(THE_END)
        assert person.leaves() == 0
        assert secrets.read_text() == f"# mine\nTELEGRAM_TOKEN={TELEGRAM}\nOTHER=1\n"
        assert (tmp_path / "bot.toml.1").read_text() == mine
        config = load_config(settings)
        assert (config.owners.telegram, config.currency, config.time_zone) == ((7, 8), "EUR", "Europe/Berlin")
        assert config.limits.refunded_cancels_a_day == 9
        assert config.tiers["free"] == Config().tiers["free"].model_copy(update={"images_a_month": 30})
        assert not any(tier.price for tier in config.tiers.values())
        assert "# generous" in settings.read_text()
        assert 'language = "en"  # mine' in settings.read_text()

    def test_a_ledger_that_is_there_keeps_its_currency(self, tmp_path: Path) -> None:
        asyncio.run(begin(tmp_path / "data", "CNY"))
        (tmp_path / "file").touch()
        person = Person(tmp_path, "init")
        person.answers("Language")
        person.answers("Which model", "1")
        person.answers("Where will people", "2")
        person.answers("DISCORD_TOKEN")
        person.sees("put DISCORD_TOKEN=… into .env")
        person.answers("Who may see costs")
        person.answers("Who may have pictures drawn", "3")
        person.answers("Folder", f"{CLEAR_LINE}file/data")
        person.sees("cannot be created or written")
        person.presses(CLEAR_LINE)
        person.answers("", "data")
        person.answers("Currency", f"{CLEAR_LINE}usd")
        person.sees("is in CNY")
        person.answers("Folder")
        person.answers("Currency")
        keep_the_rest(person)
        person.answers(THE_END)
        assert person.leaves() == 0
        config = load_config(tmp_path / "bot.toml")
        assert (config.currency, config.storage.folder) == ("CNY", tmp_path / "data")
        assert not (tmp_path / ".env").exists()
        asyncio.run(begin(tmp_path / "data", config.currency))

    def test_in_chinese(self, tmp_path: Path) -> None:
        person = Person(tmp_path, "init", language="zh_CN.UTF-8")
        person.answers("Language / 语言")
        person.answers("用哪个模型画图", "1")
        person.answers("大家在哪里使用", "4")
        person.answers("文件夹")
        person.answers("货币")
        person.answers("时区")
        person.answers("成员可以画多少")
        person.answers("每小时多少 CNY")
        person.answers("管理页面")
        person.answers("写入 bot.toml 吗")
        assert person.leaves() == 0
        config = load_config(tmp_path / "bot.toml")
        assert config.language is Language.ZH_CN
        free = config.tiers["free"]
        assert (free.images_a_month, free.watermark) == (None, False), "nobody else finds a bot without chats"
        assert "# 平台没有告知语言时使用" in (tmp_path / "bot.toml").read_text("utf-8")
        assert not (tmp_path / ".env").exists()


@pytest.mark.e2e
def test_without_a_terminal_it_asks_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "init"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert "run in a terminal" in done.stderr
    assert list(tmp_path.iterdir()) == []


class TestTheTexts:
    def test_defaults_are_left_out(self) -> None:
        lines = bot_toml(Answers(), T).splitlines()
        assert all(line.startswith("#") or not line for line in lines)

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_answer_is_a_setting_with_its_comment(self, language: str, tmp_path: Path) -> None:
        answers = Answers(
            language=Language.ZH_CN,
            currency="USD",
            models=('folder with "quotes" and \\',),
            memory_mode="medium",
            quantisation="int8",
            folder="/var/lib/easel",
            rent_an_hour=Decimal("0.123456"),
            owners={"discord": (1, 2**60), "telegram": (3,)},
        )
        text = bot_toml(answers, translator(language))
        assert "init-toml" not in text
        file = tmp_path / "bot.toml"
        file.write_text(text, "utf-8")
        config = load_config(file)
        assert (config.model.path,) == answers.models
        assert config.model.quantisation == "int8"
        assert config.owners.discord == (1, 2**60)
        assert config.rent[0].gpu_an_hour == answers.rent_an_hour
        assert config.rent[0].valid_from == Config().rent[0].valid_from

    def test_a_small_card_caps_the_sizes_of_every_tier(self) -> None:
        config = Config.model_validate(tomllib.loads(bot_toml(Answers(largest_px=768), T)))
        assert {tier.max_size for tier in config.tiers.values()} == {768}
        assert all(tier.default_size <= 768 for tier in config.tiers.values())

    def test_terms_change_only_what_they_are_about(self) -> None:
        nothing = dict.fromkeys(Config().tiers, Decimal(0))
        unlimited = bot_toml(Answers(terms=Terms.UNLIMITED, prices=nothing), T)
        assert bot_toml(Answers(terms=Terms.UNLIMITED, prices=nothing), T, unlimited) == unlimited
        paid = bot_toml(Answers(terms=Terms.PAID, prices={"member": Decimal(1)}), T, unlimited)
        assert tomllib.loads(paid)["tiers"]["member"]["price"] == "1"
        limited = bot_toml(Answers(terms=Terms.ALLOWANCE, images_a_month=7, prices=nothing), T, paid)
        tiers = tomllib.loads(limited)["tiers"]
        assert tiers.pop("free") == {"billing": "none", "max_size": 2048, "images_a_month": 7}
        assert tiers == {
            name: tier for name, tier in tomllib.loads(unlimited)["tiers"].items() if name != "free"
        }

    def test_another_rent_counts_from_today_and_the_old_one_stays(self) -> None:
        first = bot_toml(Answers(rent_an_hour=Decimal("0.5")), T)
        again = bot_toml(Answers(rent_an_hour=Decimal("0.5")), T, first)
        assert again == first
        rents = Config.model_validate(
            tomllib.loads(bot_toml(Answers(rent_an_hour=Decimal("0.7")), T, first))
        ).rent
        assert [rent.gpu_an_hour for rent in rents] == [Decimal("0.5"), Decimal("0.7")]
        assert rents[0].valid_from < rents[1].valid_from

    def test_a_control_network_stays_with_its_model(self) -> None:
        present = '[model]\npath = "/models/mine"\ncontrol = "union.safetensors"\n'
        text = bot_toml(Answers(models=("embedded", "/models/mine")), translator("en"), present)
        models = tomllib.loads(text)["models"]
        assert models["mine"]["control"] == "union.safetensors"
        assert "control" not in models["embedded"]

    def test_one_model_becomes_several_and_one_again(self) -> None:
        one = bot_toml(Answers(models=("a/model",)), T)
        two = bot_toml(Answers(models=("a/model", "b/other")), T, one)
        assert list(Config.model_validate(tomllib.loads(two)).models) == ["model", "other"]
        back = Config.model_validate(tomllib.loads(bot_toml(Answers(models=("a/model",)), T, two)))
        assert (back.model.path, back.models) == ("a/model", {})

    @pytest.mark.parametrize(
        ("present", "then"),
        [
            ("", "DISCORD_TOKEN=new\n"),
            ("A=1", "A=1\nDISCORD_TOKEN=new\n"),
            ("A=1\nDISCORD_TOKEN = old\nB=2\n", "A=1\nDISCORD_TOKEN=new\nB=2\n"),
            ("export DISCORD_TOKEN='old'\n", "DISCORD_TOKEN=new\n"),
            ("# DISCORD_TOKEN=old\n", "# DISCORD_TOKEN=old\nDISCORD_TOKEN=new\n"),
        ],
    )
    def test_only_the_tokens_line_changes(self, present: str, then: str) -> None:
        assert dotenv(present, {"discord": "new"}) == then


def test_a_mark_at_the_beginning_of_the_file_hides_no_line(tmp_path: Path) -> None:
    secrets = tmp_path / ".env"
    secrets.write_text("TELEGRAM_TOKEN=old\n", "utf-8-sig")
    context, answers = Context(tmp_path, frozenset(), None), Answers(tokens={"telegram": TELEGRAM})
    wizard.write(Console(file=io.StringIO()), context, answers, "", T)
    assert secrets.read_text("utf-8") == f"TELEGRAM_TOKEN={TELEGRAM}\n"


def test_a_file_that_cannot_be_written_leaves_the_others_alone(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.write_text("old")
    with pytest.raises(OSError, match="nowhere"):
        write_all([Draft(first, "new"), Draft(tmp_path / "nowhere" / "second", "new")])
    assert first.read_text() == "old"
    assert list(tmp_path.iterdir()) == [first]


def test_a_card_gets_a_mode_that_it_holds() -> None:
    turbo = load_profile(planned_model())
    modes = [(fit(gb, turbo).memory_mode, fit(gb, turbo).quantisation) for gb in CARDS_GB]
    assert modes == [
        ("low", "int8"),
        ("low", "int8"),
        ("low", "none"),
        ("high", "none"),
        ("high", "none"),
        ("high", "none"),
    ]


@pytest.mark.parametrize("typed", ["7,8", "7, 8,", "7 8", "7\uff0c8"])
def test_ids_are_told_apart_as_people_write_them(typed: str) -> None:
    assert ids(typed) == (7, 8)
    assert ids(f"{typed} anna") is None


def test_tokens_tell_whose_they_are() -> None:
    assert discord_application(DISCORD) == 123456789012345678
    assert telegram_bot(TELEGRAM) == 123456789
    for wrong in ("", "nonsense", DISCORD[:-20], DISCORD.replace("MTIz", "!!!!"), TELEGRAM, "a.b.c"):
        assert discord_application(wrong) is None
    for wrong in ("", "123456789", "12:AAstandinstandinstandinstandinstandin", DISCORD):
        assert telegram_bot(wrong) is None
