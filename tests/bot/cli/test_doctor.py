"""`easel doctor`: what each check makes of the facts, and the whole of it at a terminal."""

from __future__ import annotations

import socket
import sqlite3
from typing import TYPE_CHECKING

import pytest

from bot.cli.doctor import environment, machine, platforms
from bot.cli.doctor.environment import WRITTEN
from bot.cli.doctor.examine import examine
from bot.cli.doctor.finding import Severity
from bot.config.credentials import Credentials
from bot.config.faces import Http
from bot.config.schema import Config
from bot.messages import LANGUAGES, translator
from engine.survey import Card, Fitting, ModelFiles, Torch
from engine.worker.memory import Mode
from engine.worker.nvml import Memory
from storage.records.findings import Finding as Broken
from tests.bot.cli.test_init import DISCORD, TELEGRAM
from tests.database import lay_out
from tests.easel import config_in, easel
from tests.engine.nvml_stub import STATE_VARIABLE, CannotBuild, StandIn, build
from tests.terminal import Person

if TYPE_CHECKING:
    from pathlib import Path

    from bot.cli.doctor.finding import Finding

FINE, WARNING, PROBLEM = Severity.FINE, Severity.WARNING, Severity.PROBLEM
GB = 10**9
CPU, CUDA, BLIND = Torch("2.13.0"), Torch("2.13.0", "13.0", True), Torch("2.13.0", "13.0", trouble="too old")
A10G = Card("NVIDIA A10G", "550.54", Memory(24 * GB, 4 * GB, 20 * GB))
TURBO = ("auto", ["Tongyi-MAI/Z-Image-Turbo"])
SMALL = ["embedded"]


def said(finding: Finding, language: str = "en") -> str:
    """The finding as somebody reads it. What is not fine must end with what to do."""
    t = translator(language)
    assert (finding.todo is None) == (finding.severity is FINE)
    text = t(finding.what) + (f" → {t(finding.todo)}" if finding.todo else "")
    assert "doctor-" not in text, "a message without a text"
    return text


def fitting(usual_gb: float, largest_gb: float) -> Fitting:
    return Fitting(Mode.MEDIUM, round(usual_gb * GB), round(largest_gb * GB), 22 * GB)


TABLE = [
    (machine.python((3, 11, 7)), FINE, "3.11.7"),
    (machine.python((3, 10, 0)), PROBLEM, "Install Python 3.11"),
    (machine.torch(Torch(None, trouble="libcudnn.so: no such file")), PROBLEM, "libcudnn.so"),
    (machine.torch(CPU), FINE, "built for the CPU"),
    (machine.torch(CUDA), FINE, "CUDA 13.0"),
    (machine.card(A10G, CUDA, *TURBO), FINE, "NVIDIA A10G, driver 550.54"),
    (machine.card(A10G, CPU, *TURBO), PROBLEM, "built for the CPU"),
    (machine.card(A10G, BLIND, *TURBO), PROBLEM, "cannot use it: too old → Update the driver"),
    (machine.card(None, CUDA, *TURBO), FINE, "without telemetry"),
    (machine.card(None, CPU, *TURBO), PROBLEM, "nvidia-smi"),
    (machine.card(None, CPU, "auto", SMALL), FINE, "embedded model"),
    (machine.card(None, CPU, "cuda", SMALL), PROBLEM, "needs a GPU"),
    (machine.card(A10G, CUDA, "cpu", SMALL), FINE, "no GPU is used"),
    (machine.model(ModelFiles(None), "a/b", 36 * GB, 33 * GB), WARNING, "downloads about 33.0 GB"),
    (machine.model(ModelFiles(None), "a/b", 34 * GB, 33 * GB), PROBLEM, "only 34.0 GB of disk"),
    *(
        (machine.model(ModelFiles(None), path, 30 * GB, 0), PROBLEM, f"{path} does not exist")
        for path in ("/no/such", "./such", "../such", "~/such")
    ),
    (machine.disk("data", 100 * GB, 20 * GB), FINE, "100.0 GB"),
    (machine.disk("data", 10 * GB, 20 * GB), WARNING, "keep_images_mb"),
    (machine.disk("data", GB // 2, 0), PROBLEM, "Free some disk space"),
    (environment.database(None), FINE, "first start creates it"),
    (environment.database([]), FINE, "intact"),
    (
        environment.database([Broken("sums", f"row {n}") for n in range(9)]),
        PROBLEM,
        "(9): row 0; row 1; row 2 →",
    ),
    (*environment.currency("CNY", "EUR"), PROBLEM, 'Set currency back to "CNY"'),
    (environment.clock(WRITTEN + 5, None), FINE, "not been set back"),
    (environment.clock(WRITTEN - 5, None), PROBLEM, "timedatectl"),
    (
        environment.clock(WRITTEN + 5, WRITTEN + 500),
        PROBLEM,
        "earlier than the last entry",
    ),
    (environment.skew("Discord", -4), FINE, "agrees with Discord"),
    (environment.skew("Discord", -20), WARNING, "20 s away"),
    (environment.skew("Discord", 3600), PROBLEM, "3,600 s away"),
    (environment.port("http.port", "127.0.0.1:80", None, running=False), FINE, "free"),
    (environment.port("http.port", "127.0.0.1:80", "in use", running=True), FINE, "running bot"),
    (environment.port("http.port", "127.0.0.1:80", "in use", running=False), PROBLEM, "Change http.port"),
    (platforms.no_token(), WARNING, "easel init"),
    (platforms.shape("telegram", 12), FINE, "bot 12"),
    (platforms.shape("discord", 12, "https://invite"), FINE, "Invite the bot: https://invite"),
    (platforms.shape("discord", None), PROBLEM, "Reset Token"),
    (platforms.shape("telegram", None), PROBLEM, "@BotFather"),
]


@pytest.mark.parametrize(("finding", "severity", "text"), TABLE)
def test_a_check_says_how_bad_it_is_and_what_to_do(finding: Finding, severity: Severity, text: str) -> None:
    assert finding.severity is severity
    assert text in said(finding)
    for language in LANGUAGES:
        said(finding, language)


def test_weights_that_are_not_all_there_are_named(tmp_path: Path) -> None:
    gaps = ModelFiles(tmp_path, ("vae/*.safetensors",))
    assert "is missing vae/*.safetensors" in said(machine.model(gaps, "a/b", 0, 0))
    assert machine.model(ModelFiles(tmp_path), "a/b", 0, 0).severity is FINE


def test_modes_of_files_are_looked_at(tmp_path: Path) -> None:
    secrets = tmp_path / ".env"
    assert environment.env_file(secrets, None).severity is FINE
    assert environment.env_file(secrets, 0o600).severity is FINE
    assert "chmod 600" in said(environment.env_file(secrets, 0o640))
    assert environment.data_folder(tmp_path, None, writable=True).severity is FINE
    assert environment.data_folder(tmp_path, 0o750, writable=True).severity is FINE
    assert "chmod 700" in said(environment.data_folder(tmp_path, 0o755, writable=True))
    assert "chown" in said(environment.data_folder(tmp_path, 0o700, writable=False))
    nowhere = said(environment.data_folder(tmp_path, None, writable=False))
    assert "cannot be created" in nowhere
    assert "chown" not in nowhere


def none() -> Torch:
    """No torch: it takes seconds to import."""
    return Torch(None)


def test_an_unreadable_env_and_a_folder_that_cannot_be_made_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").mkdir()
    (tmp_path / "file").touch()
    config = Config.model_validate({"storage": {"folder": tmp_path / "file" / "data"}})
    findings = list(examine(config, Credentials.readable(), torch=none))
    told = [said(finding) for finding in findings if finding.severity is PROBLEM]
    assert any(".env is a folder" in sentence for sentence in told)
    assert any("cannot be created" in sentence for sentence in told)
    assert not any("Others on this machine" in said(finding) for finding in findings)
    assert not any("will be made" in said(finding) for finding in findings)


@pytest.mark.parametrize(
    ("found", "severities"),
    [
        (None, []),
        (fitting(15, 21), [FINE]),
        (fitting(15, 30), [FINE, WARNING]),
        (fitting(30, 40), [PROBLEM]),
    ],
)
def test_the_mode_is_held_against_the_card(found: Fitting | None, severities: list[Severity]) -> None:
    findings = machine.memory(found, A10G, running=False)
    assert [finding.severity for finding in findings] == severities
    assert all(said(finding) for finding in findings)


def test_memory_that_others_hold_is_told_unless_we_hold_it() -> None:
    held = Card("NVIDIA A10G", None, Memory(24 * GB, 20 * GB, 4 * GB))
    assert "nvidia-smi" in said(machine.memory(fitting(15, 15), held, running=False)[-1])
    assert [f.severity for f in machine.memory(fitting(15, 15), held, running=True)] == [FINE]


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({}, "set up safely"),
        ({"public_url": "http://images.example.org"}, "https://"),
        ({"public_url": "http://127.0.0.1:8080"}, "trusted_proxies"),
        ({"public_url": "https://images.example.org"}, "trusted_proxies"),
        ({"public_url": "https://images.example.org", "trusted_proxies": ["10.0.0.1"]}, "set up safely"),
        ({"listen": "0.0.0.0"}, "without TLS"),
        ({"listen": "::1"}, "set up safely"),
    ],
)
def test_the_api_is_not_open_to_listeners(section: dict[str, object], text: str) -> None:
    findings = environment.http(Http.model_validate({"enabled": True, **section}))
    assert text in said(findings[0])


def test_links_that_would_lead_inside_are_told() -> None:
    findings = environment.http(Http(enabled=True, listen="0.0.0.0"))
    assert any("Set public_url" in said(finding) for finding in findings)


def test_each_of_several_models_is_looked_at(tmp_path: Path) -> None:
    unknown = tmp_path / "unknown"
    unknown.mkdir()
    (unknown / "model_index.json").write_text('{"_class_name": "SomePipeline"}', "utf-8")
    paths = {"small": "embedded", "unknown": str(unknown), "gone": str(tmp_path / "gone")}
    config = config_in(tmp_path, models={name: {"path": path} for name, path in paths.items()})
    findings = {said(finding): finding.severity for finding in examine(config, Credentials(), torch=none)}
    for words, severity in (
        ("small: embedded", FINE),
        ("The model unknown is not offered: path: found", PROBLEM),
        ("it holds a SomePipeline", PROBLEM),
        ("The model gone is not offered", PROBLEM),
    ):
        assert severity in [level for text, level in findings.items() if words in text]


async def test_a_ledger_in_another_currency_is_told_before_the_bot_refuses_it(tmp_path: Path) -> None:
    config = config_in(tmp_path, currency="CNY")
    async with easel(config):
        pass
    said_of = {
        currency: [
            said(finding)
            for finding in examine(config_in(tmp_path, currency=currency), Credentials(), torch=none)
        ]
        for currency in ("CNY", "EUR")
    }
    told = "The ledger is in CNY, but bot.toml says EUR"
    assert any(told in sentence for sentence in said_of["EUR"])
    assert not any("The ledger is in" in sentence for sentence in said_of["CNY"])


def test_a_damaged_key_is_a_problem(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    lay_out(config.storage.folder / "easel.db")
    (config.storage.folder / "easel.db.key").write_bytes(b"")
    findings = {said(finding): finding.severity for finding in examine(config, Credentials(), torch=none)}
    assert [severity for text, severity in findings.items() if "easel new-key" in text] == [PROBLEM]


@pytest.mark.e2e
class TestAtATerminal:
    def test_all_is_well_with_the_embedded_model(self, tmp_path: Path) -> None:
        person = Person(tmp_path, "doctor", TELEGRAM_TOKEN=TELEGRAM)
        assert person.leaves() == 0, person.shown
        assert "The files of embedded are complete" in person.shown
        assert "All is well." in person.shown
        assert TELEGRAM not in person.shown
        assert list(tmp_path.iterdir()) == [], "a look changes nothing"

    def test_every_problem_is_told_and_the_exit_code_tells(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"DISCORD_TOKEN={DISCORD}\nTELEGRAM_TOKEN=nonsense\n")
        (tmp_path / ".env").chmod(0o644)
        data = tmp_path / "data"
        data.mkdir(0o755)
        with sqlite3.connect(data / "easel.db") as database:
            database.execute("CREATE TABLE somebody_elses (x)")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            (tmp_path / "bot.toml").write_text(
                f"[model]\npath = 'data'\n[http]\nenabled = true\nport = {taken.getsockname()[1]}\n"
            )
            person = Person(tmp_path, "doctor")
            assert person.leaves() == 1
        for told in (
            "needs a GPU",
            "data is missing model_index.json",
            "Every user of this machine can read data.",
            "chmod 600 .env",
            "The database contradicts itself",
            "client_id=123456789012345678",
            "The Telegram token does not look like a token",
            "Change http.port",
        ):
            assert told in person.shown
        assert "7 problems, 1 warning." in person.shown
        assert DISCORD not in person.shown

    def test_an_env_that_is_not_utf_8_is_one_of_the_findings(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_bytes(f"TELEGRAM_TOKEN={TELEGRAM}\n".encode("utf-16"))
        person = Person(tmp_path, "doctor")
        assert person.leaves() == 1
        assert "✗ .env is not UTF-8 text. Save it as UTF-8." in person.shown
        assert "All is well" not in person.shown
        other = Person(tmp_path, "stats")
        assert other.leaves() == 1
        assert other.shown.strip() == ".env is not UTF-8 text. Save it as UTF-8."

    def test_a_card_is_found_through_the_driver(self, tmp_path: Path) -> None:
        (tmp_path / "built").mkdir()
        driver = StandIn(tmp_path)
        try:
            driver.install(build(tmp_path / "built"))
        except CannotBuild as reason:
            pytest.skip(f"no stand-in for the driver: {reason}")
        person = Person(
            tmp_path,
            "doctor",
            language="zh_CN.UTF-8",
            LD_LIBRARY_PATH=str(tmp_path),
            CUDA_VISIBLE_DEVICES="0",
            **{STATE_VARIABLE: str(driver.state_path)},
        )
        person.leaves()
        assert "有 Stand-in A10G" in person.shown


@pytest.mark.parametrize("backend", ["ray", "openai"])
def test_every_backend_can_be_examined(tmp_path: Path, backend: str) -> None:
    server = {"url": "http://127.0.0.1:9/v1"}
    config = Config.model_validate(
        {"engine": {"backend": backend}, "openai": {"servers": [server]}, "storage": {"folder": tmp_path}}
    )
    said_of_all = [said(finding) for finding in examine(config, Credentials(file=None), torch=none)]
    assert not [text for text in said_of_all if "could not be made" in text]
    elsewhere = any("another machine" in text for text in said_of_all)
    assert elsewhere == (backend == "openai"), "a cluster of its own draws on this machine"


def test_whatever_a_check_stumbles_over_is_a_finding(tmp_path: Path) -> None:
    def broken() -> Torch:
        raise RuntimeError("the driver answered with noise")

    config = Config.model_validate({"storage": {"folder": tmp_path}})
    findings = [said(finding) for finding in examine(config, Credentials(file=None), torch=broken)]
    assert any("the driver answered with noise" in text for text in findings)
    assert any("no token" in text.lower() or "easel init" in text for text in findings), (
        "the rest is still told"
    )
