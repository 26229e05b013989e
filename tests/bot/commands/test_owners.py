"""What owners and server admins do: checked, written to the audit log, and effective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.commands import owners, server, stats
from bot.commands.command import Mentioned, typed
from bot.commands.server import Nsfw, ServerSettings
from bot.commands.table import named
from bot.faces.caller import Origin, Who, caller_of
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import LANGUAGES, UserError, translator
from storage.records.members import Identity
from tests.easel import FieldModel, config_in

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.schema import Config
    from bot.imagine.service import Service

OWNER, ANNA = Asker("telegram", "99", server_id="-5"), Asker("telegram", "1", server_id="-5")
WHO = Identity("telegram", "1")
T = translator("en")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path, owners={"telegram": [99]})


@pytest.mark.parametrize(
    ("line", "told"),
    [("grant", "Say who"), ("grant 1", "/grant MEMBER COUNT"), ("tier set 1", "/tier set MEMBER TIER")],
)
async def test_what_is_left_out_of_a_typed_command_is_told(service: Service, line: str, told: str) -> None:
    command, words = named(service.config, *line.split(maxsplit=1))
    caller = await caller_of(service, Origin("telegram", OWNER.user_id, event="1"))
    with pytest.raises(UserError) as refused:
        await command.run(service, caller, typed(command, words, "telegram"))
    assert told in T(refused.value.message)


@pytest.mark.parametrize("line", ["grant nobody 3", "grant @anna 3"])
async def test_a_name_that_nobody_can_be_told_by_is_not_whoever_is_replied_to(
    service: Service, line: str
) -> None:
    command, words = named(service.config, *line.split(maxsplit=1))
    caller = await caller_of(service, Origin("telegram", OWNER.user_id, event="1"))
    with pytest.raises(UserError, match="error-who"):
        await command.run(service, caller, typed(command, words, "telegram", Mentioned(replied=WHO)))


async def test_the_same_number_on_another_platform_is_no_owner(service: Service) -> None:
    await (await caller_of(service, Origin("telegram", "99"))).require(Who.OWNER)
    with pytest.raises(UserError, match="error-owner"):
        await (await caller_of(service, Origin("discord", "99"))).require(Who.OWNER)


async def test_a_tier_until_a_date_ends_with_that_day(service: Service) -> None:
    await owners.tier(service, OWNER, WHO, "Premium", T, until="2099-12-31", why="a friend")
    member = await service.members.of(ANNA)
    assert member.tier == "premium"
    assert member.tier_until is not None
    assert member.tier_until.isoformat().startswith("2099-12-31T23:59:59")
    (row,) = await service.store.audit.rows(subject=member.key)
    assert (row.by, row.why) == ((await service.members.of(OWNER)).key, "a friend")


@pytest.mark.parametrize(
    ("name", "until"), [("gold", ""), ("premium", "tomorrow"), ("premium", "2099-13-01")]
)
async def test_a_wrong_tier_or_date_changes_nothing(service: Service, name: str, until: str) -> None:
    with pytest.raises(UserError):
        await owners.tier(service, OWNER, WHO, name, T, until=until)
    assert (await service.members.of(ANNA)).tier == "free"


@pytest.mark.parametrize("images", ["0", "-5", "many", "", "99999999999", "1.5"])
async def test_a_wrong_grant_is_refused(service: Service, images: str) -> None:
    with pytest.raises(UserError):
        await owners.grant(service, OWNER, WHO, images, T)


async def test_a_grant_with_the_same_key_credits_once(service: Service) -> None:
    for _ in range(2):
        await owners.grant(service, OWNER, WHO, "5", T, key="event 1")
    assert (await service.members.quota(ANNA)).topup == 5


async def test_a_ban_stops_what_waits_and_what_comes(service: Service, model: FieldModel) -> None:
    model.gate.clear()
    live = await service.imagine(ANNA, Options("a cat"), key="1", address={})
    await owners.ban(service, OWNER, WHO, T, why="spam")
    model.gate.set()
    await live.outcome()
    assert (await service.members.quota(ANNA)).reserved == 0
    with pytest.raises(UserError) as refused:
        await service.imagine(ANNA, Options("a cat"), key="2", address={})
    assert refused.value.message.id == "error-banned-why"
    await owners.unban(service, OWNER, WHO, T)
    await service.imagine(ANNA, Options("a cat"), key="3", address={})


async def test_pause_and_resume_are_told(service: Service) -> None:
    await owners.pause(service, OWNER, T)
    assert service.models.default.backend.snapshot().admission_paused
    assert "Paused" in (await stats.queue(service, T)).text
    await owners.resume(service, OWNER, T)
    assert (await stats.queue(service, T)).text == ""


async def test_settings_are_kept_and_shown(service: Service) -> None:
    await server.set_option(service, ANNA, "preview", "off", T)
    await server.set_option(service, ANNA, "language", "zh-cn", T)
    await server.set_option(service, ANNA, "nsfw", "allow", T)
    await server.set_channel(service, ANNA, "7", allowed=True, t=T)
    await server.set_role(service, OWNER, "8", "premium", T)
    rules = await server.server_settings(service, "telegram", "-5")
    assert rules == ServerSettings(("7",), {"8": "premium"}, False, "zh-CN", Nsfw.ALLOW)
    assert not rules.allows("9")
    card = await server.set_channel(service, ANNA, "7", allowed=False, t=T)
    assert ("Channels", "everywhere") in card.facts
    await server.set_option(service, ANNA, "language", "auto", T)
    assert (await server.server_settings(service, "telegram", "-5")).language is None
    assert await server.server_settings(service, "telegram", "-6") == ServerSettings()


@pytest.mark.parametrize(("name", "value"), [("preview", "perhaps"), ("colour", "red"), ("nsfw", "")])
async def test_a_wrong_setting_is_refused(service: Service, name: str, value: str) -> None:
    with pytest.raises(UserError):
        await server.set_option(service, ANNA, name, value, T)


async def test_settings_belong_to_a_server(service: Service) -> None:
    with pytest.raises(UserError) as refused:
        await server.set_option(service, Asker("telegram", "1"), "preview", "off", T)
    assert refused.value.message.id == "error-server-only"


def test_the_highest_of_a_members_roles_counts() -> None:
    rules = ServerSettings(roles={"1": "member", "2": "premium", "3": "gone"})
    order = ("free", "member", "premium")
    assert rules.tier_for({"1", "2", "3"}, order) == "premium"
    assert rules.tier_for({"3"}, order) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_has_words_in_every_language(language: str) -> None:
    t = translator(language)
    for rule in Nsfw:
        assert t(f"settings-nsfw-{rule}") != f"settings-nsfw-{rule}"


async def test_the_audit_log_tells_who_changed_what_and_why(service: Service) -> None:
    await owners.ban(service, OWNER, WHO, T, why="spam")
    await owners.grant(service, OWNER, Identity("telegram", "2"), "5", T)
    every = "\n".join(told for _, told in (await owners.audit(service, None, T)).facts)
    assert "telegram 99: ban telegram 1 · spam" in every
    assert "telegram 99: grant telegram 2" in every
    about = await owners.audit(service, WHO, T)
    assert [told for _, told in about.facts] == ["telegram 99: ban telegram 1 · spam"]
    assert (await owners.audit(service, Identity("telegram", "3"), T)).facts == ()
