"""Whatever happens in between, a request ends in a picture that arrived and counts once, or in a refund."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from tests.bot.discord.conftest import QUARTER_S, labels, words
from tests.easel import DiesAtDelivery

if TYPE_CHECKING:
    from bot.config.schema import Config
    from tests.bot.discord.conftest import Opened, World

pytestmark = pytest.mark.e2e

ORIGINAL = "/webhooks/*/messages/*"
FOLLOW_UP = "/webhooks/*"
POST = "/channels/*/messages"


async def drawing(world: World, **options: Any) -> Any:
    """A request whose picture is being drawn."""
    world.model.gate.clear()
    result = await world.begin(**options)
    assert labels(result.response) == ["Cancel"]
    return result


async def drawn(world: World) -> None:
    world.model.gate.set()
    await world.settled()


def called(world: World, body: Any) -> bool:
    """Whether a message pings Anna, and her alone."""
    return f"<@{world.anna.id}>" in str(body) and body["allowed_mentions"] == {
        "parse": [],
        "users": [world.anna.id],
    }


# calling who asked


async def test_a_picture_that_took_long_comes_as_a_message_that_pings_once(world: World) -> None:
    result = await drawing(world)
    await world.env.advance_time(21)
    await drawn(world)
    assert result.response is None
    (message,) = result.followups
    assert len(world.channel.history()) == 1
    assert world.file(message)
    (sent,) = world.sent("POST", r"/webhooks/\d+/[^/]+")
    assert called(world, sent.json)
    assert await world.used() == (1, 0)


async def test_a_failure_that_took_long_pings_too(world: World) -> None:
    await drawing(world)
    world.model.fail = [RuntimeError("boom")]
    await world.env.advance_time(21)
    await drawn(world)
    (sent,) = world.sent("POST", r"/webhooks/\d+/[^/]+")
    assert called(world, sent.json)
    assert await world.used() == (0, 0)


async def test_a_quick_or_private_picture_pings_nobody(world: World) -> None:
    await world.imagine()
    result = await drawing(world, private=True)
    await world.env.advance_time(21)
    await drawn(world)
    assert world.file(result.response)
    for entry in world.env.http_requests:
        if isinstance(entry.json, dict) and "allowed_mentions" in entry.json:
            assert entry.json["allowed_mentions"] == {"parse": []}


async def test_ping_after_says_how_long_is_long(config: Config, opened: Opened) -> None:
    patient = config.discord.model_copy(update={"ping_after": dt.timedelta(minutes=1)})
    async with opened(config.model_copy(update={"discord": patient})) as world:
        result = await drawing(world)
        await world.env.advance_time(21)
        await drawn(world)
        assert world.file(result.response)


async def test_a_new_message_of_a_killed_process_is_not_sent_twice(world: World) -> None:
    await world.stop()
    await world.start(DiesAtDelivery)
    result = await drawing(world)
    await world.env.advance_time(21)
    await drawn(world)
    await world.stop(killed=True)
    await world.start()
    await world.settled()
    (message,) = result.followups
    assert world.file(message)
    assert len(world.channel.history()) == 1
    assert await world.used() == (1, 0)


# restarts


async def test_a_request_is_kept_and_finished_in_its_message_by_the_next_process(
    world: World,
) -> None:
    result = await drawing(world)
    await world.stop()
    assert "restarting" in words(result.response)
    assert "is saved" in words(result.response)
    world.model.gate.set()
    await world.start()
    await world.settled()
    assert world.file(result.response)
    assert len(world.channel.history()) == 1
    assert await world.used() == (1, 0)


async def test_after_a_restart_past_the_tokens_life_the_bot_posts_itself(world: World) -> None:
    await drawing(world)
    await world.stop(killed=True)
    await world.env.advance_time(QUARTER_S)
    await world.start()
    await world.settled()
    message = world.channel.last_message
    assert world.file(message)
    assert await world.used() == (1, 0)


# the quarter of an hour


async def test_a_job_longer_than_a_quarter_of_an_hour_comes_as_a_message_of_the_bot(world: World) -> None:
    result = await drawing(world)
    await world.env.advance_time(QUARTER_S)
    assert "new message" in words(result.response)
    await drawn(world)
    message = world.channel.last_message
    assert message is not None
    assert result.response is None, "the first message goes, and its buttons"
    (sent,) = world.sent("POST", f"/channels/{world.channel.id}/messages")
    assert sent.json["enforce_nonce"]
    assert called(world, sent.json)
    assert world.file(message)
    assert "Again" in labels(message)
    assert await world.used() == (1, 0)


async def test_a_private_one_comes_as_a_direct_message(world: World) -> None:
    result = await drawing(world, private=True)
    await world.env.advance_time(QUARTER_S)
    assert "direct message" in words(result.response)
    await drawn(world)
    assert world.channel.history(viewer=world.bob) == []
    assert world.file(world.anna.user.dm_channel.last_message)
    assert await world.used() == (1, 0)


async def test_where_the_bot_may_not_post_it_comes_as_a_direct_message(world: World) -> None:
    await drawing(world)
    await world.env.advance_time(QUARTER_S)
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    await drawn(world)
    assert world.file(world.anna.user.dm_channel.last_message)
    assert await world.used() == (1, 0)


# faults of Discord


@pytest.mark.parametrize("status", [429, 500])
async def test_a_moments_trouble_is_waited_out(world: World, status: int) -> None:
    result = await drawing(world)
    world.env.inject_error("PATCH", ORIGINAL, status=status)
    await drawn(world)
    await world.env.advance_time(10)
    assert world.file(result.response)
    assert result.followups == []
    assert len(world.channel.history()) == 1
    assert await world.used() == (1, 0)


@pytest.mark.e2e
async def test_where_edits_fail_for_good_the_picture_comes_another_way(world: World) -> None:
    result = await drawing(world)
    world.env.inject_error("PATCH", ORIGINAL, status=500, times=None)
    await drawn(world)
    await world.env.advance_time(60)
    assert world.file(world.channel.last_message)
    assert result.response is None, "the status goes, and its button"
    assert await world.used() == (1, 0)


@pytest.mark.e2e
async def test_an_outage_is_waited_out_and_the_message_tells_the_truth(world: World) -> None:
    result = await drawing(world)
    world.env.inject_error("*", "/webhooks/*", status=503, times=None)
    world.env.inject_error("*", "/channels/*", status=503, times=None)
    world.env.inject_error("POST", "/users/*", status=503, times=None)
    world.model.gate.set()
    (live,) = world.lives()
    await live.outcome()  # nothing settles while Discord is asked again and again
    await world.env.advance_time(9 * 60)
    assert await world.used() == (0, 1)
    world.env.backend.faults.clear()
    await world.env.advance_time(60)
    assert world.file(result.response)
    assert labels(result.response)[0] != "Cancel"
    assert await world.used() == (1, 0)


@pytest.mark.e2e
async def test_a_status_that_cannot_be_taken_away_at_first_goes_later(world: World) -> None:
    result = await drawing(world)
    await world.env.advance_time(QUARTER_S)
    world.env.inject_error("DELETE", "/channels/*", status=500, times=2)
    await drawn(world)
    assert world.file(world.channel.last_message)
    await world.env.advance_time(60)
    assert result.response is None


async def test_an_edit_that_fails_on_the_way_is_left_out(world: World) -> None:
    world.env.inject_error("PATCH", ORIGINAL, status=500)
    message = await world.imagine()
    assert world.file(message)


async def test_a_deleted_message_is_answered_beside_it(world: World) -> None:
    result = await drawing(world)
    world.env.backend.delete_message(world.channel.id, result.response.id)
    await drawn(world)
    assert world.file(world.channel.last_message)
    assert await world.used() == (1, 0)


async def test_a_private_message_that_was_dismissed_is_followed_by_another(world: World) -> None:
    result = await drawing(world, private=True)
    world.env.backend.delete_message(world.channel.id, result.response.id)
    await drawn(world)
    (message,) = result.followups
    assert message.ephemeral
    assert world.file(message)
    assert await world.used() == (1, 0)


async def test_a_deleted_channel_ends_in_a_direct_message(world: World) -> None:
    await drawing(world)
    world.env.backend.delete_channel(world.channel.id)
    await drawn(world)
    assert world.file(world.anna.user.dm_channel.last_message)
    assert await world.used() == (1, 0)


async def test_an_expired_token_is_noticed_when_discord_says_so(world: World) -> None:
    await drawing(world)
    world.env.inject_error("*", "/webhooks/*", status=401, code=50027, times=None)
    await drawn(world)
    assert world.file(world.channel.last_message)
    assert await world.used() == (1, 0)


async def test_a_file_too_large_for_the_place_is_made_smaller(world: World) -> None:
    result = await drawing(world)
    world.env.inject_error("PATCH", ORIGINAL, status=413, code=40005)
    await drawn(world)
    assert world.file(result.response)
    assert await world.used() == (1, 0)


async def test_a_gateway_that_drops_in_the_middle_changes_nothing(world: World) -> None:
    result = await drawing(world)
    shard = world.bot.shards[0]
    await shard.disconnect()
    await drawn(world)
    await shard.reconnect()
    await world.env.settle()
    assert world.file(result.response)
    assert await world.used() == (1, 0)


# faults of ours


# cancel
