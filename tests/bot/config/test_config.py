"""bot.toml says what is wrong with it: file, key, what was found, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config.file import FORMS, ConfigError, load_config, serving_http
from bot.config.schema import Config
from bot.messages import UserError
from tools import reference

ROOT = Path(__file__).parents[3]


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "bot.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(file)
    return refused.value.lines


def test_the_shipped_file_holds_the_defaults() -> None:
    shipped, defaults = load_config(ROOT / "bot.toml"), Config()
    assert shipped.storage.folder == ROOT / defaults.storage.folder  # counted from the file's folder
    assert shipped.model_copy(update={"storage": defaults.storage}) == defaults
    assert shipped.storage.model_copy(update={"folder": defaults.storage.folder}) == defaults.storage


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("langage = 'en'", ["langage", "did you mean language?", "allowed: language, time_zone"]),
        ("language = 'fr'", ["language", "found 'fr'", "'en' or 'zh-CN'"]),
        ("time_zone = 'Mars/Olympus'", ["time_zone", "found 'Mars/Olympus'", "IANA"]),
        ("[engine]\nmax_active = 0", ["engine.max_active", "found 0", "greater than or equal to 1"]),
        ("[engine]\nmax_activ = 3", ["engine.max_activ", "did you mean max_active?"]),
        ("[engine]\nmax_active = 'three'", ["engine.max_active", "found 'three'", "must be a whole number"]),
        ("[engine]\nkeep_warm_every = 'soon'", ["engine.keep_warm_every", "found 'soon'", '"5m"']),
        ("[engine]\nstep_timeout = '0s'", ["engine.step_timeout", "found '0s'", "longer than 0"]),
        ("[engine]\nstep_timeout = 999999999999999999", ["engine.step_timeout", "must be at most 8784h"]),
        ("[discord]\ntoken = 'x'", ["discord.token", "belongs in .env: DISCORD_TOKEN="]),
        ("[http]\nlanguage = 'en'", ["http.language", "language belongs above the first [section]"]),
        ("[owners]\ndiscord = 123", ["owners.discord", "found 123", "must be a list in brackets"]),
        ("currency = 'EURO'", ["currency", "found 'EURO'", "three capital letters"]),
        ('http = {listen = "127.0.0.1:80"}', ["http.listen", "without a port"]),
        ("engine = 'fast'", ["engine", "found 'fast'", "must be a table"]),
        ("rent = [{valid_from = 2025-01-01}]", ["rent.0.gpu_an_hour", "must be given"]),
        (
            "tiers.member.volume_prices = [{beyond = 1, price = 1, from = 2}]",
            ["tiers.member.volume_prices.0.from", "allowed: beyond, price"],
        ),
        ("[tiers.free]\nprices = 1", ["tiers.free.prices", "did you mean price?"]),
        ("[tiers.free]\nmax_size = 100", ["tiers.free.max_size", "found 100", "multiple of 16"]),
        ("[styles.ink]\nprompt = 'ink'", ["styles.ink.prompt", "found 'ink'", "{prompt}"]),
        ("default_tier = 'gold'", ["default_tier is 'gold'", "allowed: free, member"]),
        ("rent = []", ["rent", "at least one entry"]),
        ("[engine]\nbackend = 'openai'", ["[[openai.servers]]"]),
        ("[openai]\nservers = [{ url = '10.0.0.5' }]", ["openai.servers.0.url", "found '10.0.0.5'"]),
        ("[openai]\nservers = [{ url = 'http://a/v1', gpus = '' }]", ["servers.0.gpus", "did you mean gpu?"]),
        (
            "[openai]\nservers = [{ url = 'http://a/v1' }, { url = 'https://a/v1' }]",
            ["openai.servers", "must have a name each; these are: a, a"],
        ),
        ("language = ", ["is not TOML"]),
    ],
)
def test_a_fault_names_file_key_found_and_allowed(tmp_path: Path, text: str, parts: list[str]) -> None:
    (line,) = faults(tmp_path, text)
    assert line.startswith(str(tmp_path / "bot.toml"))
    for part in parts:
        assert part in line


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "bot.toml").write_bytes("language = 'en'".encode("utf-16"))
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "bot.toml")
    assert refused.value.lines == [f"{tmp_path / 'bot.toml'}: is not UTF-8 text: save it as UTF-8"]


def test_every_pattern_is_told_in_words() -> None:
    patterned = {
        key
        for _, section in reference.tables()
        for key, field in section.model_fields.items()
        if "pattern=" in repr(field)
    }
    assert patterned <= set(FORMS)
    assert patterned


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "language = 'fr'\ntime_zone = 'x'\n[engine]\nmax_active = 0")) == 3


@pytest.mark.parametrize(
    ("written", "seconds"), [("'5m'", 300), ("'90 s'", 90), ("1.5", 1.5), ("'1h'", 3600)]
)
def test_times_are_written_as_people_write_them(tmp_path: Path, written: str, seconds: float) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(f"[engine]\ndrain_timeout = {written}", "utf-8")
    assert load_config(file).engine.drain_timeout.total_seconds() == seconds


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.toml")


def test_tiers_know_their_names_and_prices() -> None:
    tiers = Config().tiers
    assert {name: tier.name for name, tier in tiers.items()} == {name: name for name in tiers}
    assert [tier.price_micro for tier in tiers.values()] == [0, 50_000, 30_000, 20_000]
    assert [tier.images_a_month for tier in tiers.values()] == [100, 500, 2000, None]


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_bytes(b"\xef\xbb\xbf" + b'language = "en"\n')
    assert load_config(file).language == "en"


@pytest.mark.parametrize(
    ("address", "url"), [("0.0.0.0:8080", "http://0.0.0.0:8080"), ("[::1]:80", "http://[::1]:80")]
)
def test_the_http_api_can_be_turned_on_for_one_run(address: str, url: str) -> None:
    http = serving_http(Config(), address).http
    assert http.enabled
    assert http.url == url


@pytest.mark.parametrize(
    "address", ["8080", ":8080", "localhost", "localhost:http", "localhost:70000", "a:1:2", ""]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UserError):
        serving_http(Config(), address)
