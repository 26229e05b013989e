"""What is left of a member's month; once nothing is: go on slowly, wait for the next, or see the plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import render
from bot.commands.button_ids import Reply, reply_id
from bot.commands.command import Command
from bot.imagine.refusals import UsedUp
from bot.messages import UserError, say
from bot.render import Button, Card
from bot.sales.commands import see_plans

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.faces.caller import Caller
    from bot.imagine.service import Service
    from storage.records.members import Quota

LOW_PERCENT = 10
"""An allowance is nearly used up when at most this much of it is left."""
ON, OFF = "on", "off"


async def quota(service: Service, caller: Caller) -> Card:
    """What the caller has used and has left this month."""
    t, config = caller.t, service.config
    state = await service.members.quota(caller.asker)
    facts = tuple(render.quota_facts(state, config.tiers[state.tier], service.pricing.currency, t))
    slow = _slow_buttons(caller, *_choices(state)) if state.left == 0 else ()
    plans = see_plans(config, t) if _is_little(state) else ()
    return Card(t("quota-title"), facts, buttons=(*slow, *plans))


def ways_on(error: Exception, config: Config, caller: Caller) -> tuple[Button, ...]:
    """What a refused member can do about it, as buttons below the refusal."""
    if not isinstance(error, UsedUp):
        return ()
    slow = _slow_buttons(caller, ON, OFF) if error.may_go_slowly else ()
    return (*slow, *see_plans(config, caller.t))


async def go_slowly(service: Service, caller: Caller, target: str) -> Card:
    """Go on slowly for the rest of the month, or wait; the answer is what the caller has then."""
    choice, _, whose = target.partition("=")
    if whose and whose != caller.asker.user_id:
        raise UserError(say("error-not-your-choice"))
    await service.store.members.go_slowly(caller.member.key, yes=choice == ON)
    return await quota(service, caller)


def _choices(state: Quota) -> tuple[str, ...]:
    """What can be chosen instead of what is chosen now."""
    if state.slow:
        return (OFF,)
    return (ON,) if state.slow_left else ()


def _slow_buttons(caller: Caller, *choices: str) -> tuple[Button, ...]:
    """Each names whom it is for: in a group everybody sees it."""
    labels = {ON: caller.t("slow-go-on"), OFF: caller.t("slow-wait")}
    whose = caller.asker.user_id
    return tuple(Button(labels[choice], reply_id(Reply.SLOW, f"{choice}={whose}")) for choice in choices)


def _is_little(state: Quota) -> bool:
    """Whether the month's images are nearly used up."""
    return state.left is not None and state.left * 100 <= LOW_PERCENT * (state.allowance or 0)


COMMANDS = (Command("quota", lambda service, caller, _: quota(service, caller)),)
