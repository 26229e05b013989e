"""What members do with their account, as both chats show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.commands import linking, members
from bot.commands.history import PAGE, history
from bot.imagine.asker import Asker
from bot.imagine.options import Options
from bot.messages import UserError, translator

if TYPE_CHECKING:
    from bot.imagine.service import Service
    from tests.easel import FieldModel

HERE, THERE = Asker("telegram", "1"), Asker("discord", "2")
T = translator("en")


async def draw(service: Service, prompt: str, asker: Asker = HERE) -> None:
    live = await service.imagine(asker, Options(prompt), key=prompt, address={})
    await live.outcome()
    await service.delivered(live, "m")


async def code_of(service: Service, asker: Asker) -> str:
    step = await linking.link(service, asker, "", T)
    return step.card.text.split("/link ")[1].split()[0]


async def test_two_accounts_become_one_once_both_said_yes(service: Service) -> None:
    await draw(service, "a cat")
    code = await code_of(service, HERE)
    offered = await linking.link(service, THERE, code, T)
    assert offered.offer_id is not None
    assert "Telegram 1" in offered.card.text
    waiting = await linking.answer_link(service, THERE, offered.offer_id, yes=True, t=T)
    assert "other side" in waiting.text
    asked = await linking.link(service, HERE, "", T)
    assert asked.offer_id == offered.offer_id
    assert "Discord 2" in asked.card.text
    done = await linking.answer_link(service, HERE, offered.offer_id, yes=True, t=T)
    assert "one member" in done.text
    assert (await service.members.of(HERE)).key == (await service.members.of(THERE)).key
    assert (await service.members.quota(THERE)).used == 1


async def test_an_account_leaves_the_others_and_takes_this_months_use_along(service: Service) -> None:
    await draw(service, "a cat")
    offered = await linking.link(service, THERE, await code_of(service, HERE), T)
    for side in (HERE, THERE):
        await linking.answer_link(service, side, str(offered.offer_id), yes=True, t=T)
    question = await linking.unlink_question(service, THERE, T)
    assert "Telegram 1" in question.text
    assert "own" in (await linking.unlink(service, THERE, T)).text
    assert (await service.members.of(HERE)).key != (await service.members.of(THERE)).key
    assert [(await service.members.quota(who)).used for who in (HERE, THERE)] == [1, 1]


async def test_an_account_that_is_not_linked_is_told_so(service: Service) -> None:
    for asked in (linking.unlink_question(service, HERE, T), linking.unlink(service, HERE, T)):
        with pytest.raises(UserError) as refused:
            await asked
        assert refused.value.message.id == "error-unlink-only"


async def test_a_no_voids_the_code(service: Service) -> None:
    code = await code_of(service, HERE)
    offered = await linking.link(service, THERE, code, T)
    assert offered.offer_id is not None
    await linking.answer_link(service, HERE, offered.offer_id, yes=False, t=T)
    for late in (
        linking.answer_link(service, THERE, offered.offer_id, yes=True, t=T),
        linking.link(service, THERE, code, T),
    ):
        with pytest.raises(UserError) as refused:
            await late
        assert refused.value.message.id == "error-link-code"


async def test_ones_own_code_and_too_many_wrong_ones_are_refused(service: Service) -> None:
    code = await code_of(service, HERE)
    with pytest.raises(UserError) as own:
        await linking.link(service, HERE, code, T)
    assert own.value.message.id == "error-link-own"
    found = []
    for _ in range(6):
        with pytest.raises(UserError) as wrong:
            await linking.link(service, THERE, "AAAA-AAAA-AAAAA", T)
        found.append(wrong.value.message.id)
    assert found[0] == "error-link-code"
    assert found[-1] == "error-link-tries"


async def test_forget_erases_and_cancels_what_is_open(service: Service, model: FieldModel) -> None:
    await draw(service, "a cat")
    model.gate.clear()
    live = await service.imagine(HERE, Options("a dog"), key="open", address={})
    before = await service.members.of(HERE)
    card = await members.forget(service, await service.members.of(HERE), T)
    model.gate.set()
    await live.outcome()
    assert "2 requests" in card.text
    after = await service.members.of(HERE)
    assert after.key != before.key
    assert (await history(service, HERE, None, T)).entries == ()


async def test_forget_empties_the_caches_too(service: Service) -> None:
    await draw(service, "a cat")
    await members.forget(service, await service.members.of(HERE), T)
    live = await service.imagine(HERE, Options("a cat"), key="anew", address={})
    await live.outcome()
    assert service.models.default.backend.snapshot().embedding_hits == 0


@pytest.mark.parametrize(
    ("choice", "language"), [("zh", "zh-CN"), ("中文", "zh-CN"), ("EN", "en"), ("auto", None)]
)
async def test_a_language_is_kept_and_answered_in(
    service: Service, choice: str, language: str | None
) -> None:
    card = await members.set_language(service, HERE, choice)
    assert (await service.members.of(HERE)).language == language
    assert ("简体中文" in card.title) == (language == "zh-CN")


async def test_an_unknown_language_is_refused(service: Service) -> None:
    with pytest.raises(UserError):
        await members.set_language(service, HERE, "klingon")


async def test_history_comes_in_pages_the_newest_first(service: Service) -> None:
    for n in range(PAGE + 2):
        await draw(service, f"cat {n}")
    first = await history(service, HERE, None, T)
    assert [entry.card.title for entry in first.entries] == [f"cat {n}" for n in (6, 5, 4, 3, 2)]
    second = await history(service, HERE, first.after, T)
    assert [entry.card.title for entry in second.entries] == ["cat 1", "cat 0"]
    assert second.after is None
    assert all(entry.job_ids for entry in second.entries)


async def test_private_requests_are_left_out_where_others_read(service: Service) -> None:
    live = await service.imagine(HERE, Options("a secret", private=True), key="1", address={})
    await live.outcome()
    await service.delivered(live, "m")
    assert (await history(service, HERE, None, T, with_private=False)).entries == ()
    assert len((await history(service, HERE, None, T)).entries) == 1


async def test_queue_names_what_is_on_the_way(service: Service, model: FieldModel) -> None:
    model.gate.clear()
    await service.imagine(HERE, Options("a cat on the moon"), key="1", address={})
    card = await members.queue(service, HERE, T)
    assert card.facts[0][0] == "a cat on the moon"
    assert "nothing" in (await members.queue(service, THERE, T)).title
    model.gate.set()
