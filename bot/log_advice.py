"""What an owner does about each line of the log at `warning` or above; the line carries it as `do`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

NOTHING = "nothing, unless it happens often"
REPORT = "this is a fault of Easel: report it with this line and its traceback"
REACHED = "it is tried again by itself; if that goes on, look at network, proxy and the platform's status"
STORED = "look at the disk: free space and the rights of [storage] folder; easel doctor names what is wrong"
CARD = "run nvidia-smi: look for errors and for other processes on the card; easel selftest tries it"

ADVICE = {
    # the bot
    "alert": "the alert itself says it: it went to the admin chat or channel, and stands on the owner's page",
    "alert.listener_failed": REPORT,
    "service.paused": "an owner resumes with /resume, or on the owner's page",
    "task.died": REPORT,
    "job.broke": REPORT,
    "job.failed": (
        "read `reason`: out of memory asks for smaller sizes or fewer at once, anything else has its "
        "traceback above"
    ),
    "safety.classifier_broke": (
        "look at [moderation] classifier in bot.toml and at the traceback; its verdict is missing"
    ),
    "face.refused": "do what `why` says, and restart",
    "face.failed": REPORT,
    "delivery.died": REPORT,
    "delivery.not_shown": REPORT,
    "delivery.no_address": "nothing: the picture waits under /history",
    "delivery.unreachable": (
        "nothing: members may block the bot; where a whole server is concerned, look at its permissions"
    ),
    # storage and its tasks
    "store.not_tidied": STORED,
    "meter.not_written": STORED,
    "metrics.no_ledger": STORED,
    "drains.not_read": STORED,
    "samples.not_drawn": "nothing: it is tried at the next start; `reason` says what the engine said",
    "owner_changes.not_read": STORED,
    "cost.not_read": STORED,
    # sales
    "sales.no_invoice": (
        "read `why`: the member was asked to try again; a refusal that stays is one of the offer's settings"
    ),
    "sales.not_reconciled": REACHED,
    "sales.subscription_stays": (
        "end it on the platform, for whoever left; a payment that still comes is paid back"
    ),
    "sales.refund_waits": REACHED,
    # Discord
    "discord.unreachable": REACHED,
    "discord.not_shown": "where `refused` is true, give the bot the right to send messages and files there",
    "discord.too_late": "the machine or its network answered after three seconds: look at its load",
    "discord.interaction_failed": REPORT,
    "discord.not_told": NOTHING,
    "discord.alert_not_sent": "look at [discord] admin_channel, and at the bot's right to write there",
    "discord.not_consumed": REACHED,
    # Telegram
    "telegram.payment_not_ours": "another program sells with this token: give each bot a token of its own",
    "telegram.checkout_unanswered": REACHED,
    "telegram.status_refused": NOTHING,
    "telegram.photo_refused": (
        "nothing: the picture goes as a file; where it is a group's rule, its admins allow photos"
    ),
    "telegram.handler_lost": REACHED,
    "telegram.handler_died": REPORT,
    "telegram.conflict": "another process uses this token: stop it, or give each bot a token of its own",
    "telegram.poll_failed": REACHED,
    "telegram.update_unreadable": REPORT,
    "telegram.webhook_changed": "something else uses this token: stop it; the webhook is set again",
    "telegram.webhook_failed": REPORT,
    "telegram.unreachable": REACHED,
    "telegram.press_lost": REACHED,
    "telegram.press_died": REPORT,
    "telegram.commands_not_set": (
        "restart when Telegram can be reached: until then its menu shows the commands of before"
    ),
    "telegram.answer_lost": (
        "nothing: members may block the bot; where a whole group is concerned, look at its permissions"
    ),
    "telegram.alert_not_sent": (
        "look at [telegram] admin_chat: the bot must be in that chat and may write there"
    ),
    # HTTP
    "http.too_many_connections": (
        "block the address at the proxy, or raise connections_by_address under [http]"
    ),
    "http.no_public_url": "set public_url under [http]",
    # the engine
    "engine_crashed": "it starts anew; if that goes on, read the traceback and run easel selftest",
    "out_of_memory": (
        "draw smaller, or set quantisation under [model]; /stats gpu shows what else is on the card"
    ),
    "step_timeout": CARD,
    "model_left_out": (
        "the card is too small for this model: take it out of bot.toml, unless another worker has it; easel "
        "models check tells what each needs"
    ),
    "model_load_failed": "read `reason`; easel doctor looks at [model] path and at the memory",
    "heartbeat_failed": CARD,
    "worker_lost": "it is replaced; if that goes on, look at the log of its machine",
    "worker_refused": "give every machine the same version of Easel and the same model",
    "worker_set_aside": "look at the machine of `worker`: it failed too often in a row",
    "job_requeued": "nothing: it is drawn again, and charged once",
    "lora.not_offered": "do what `reason` says about that LoRA, and restart; the others are offered",
    "control.preprocessor_broke": "look at depth_model under [control]: members are asked for finished maps",
    "lora_refused": "look at the file of that LoRA, and whether it was made for this model",
    "telemetry_lost": CARD,
    "telemetry_incomplete": "nothing: this card's driver does not tell it",
    "learned_not_saved": STORED,
    "learned_unreadable": "nothing: the file is written anew",
    "ray_head_lost": "look at the head's machine; jobs wait, and the bot connects again by itself",
    "ray_unreachable": "look at address under [ray] and at the head's machine; it is tried again by itself",
    "autoscaler_not_told": "look at Ray's autoscaler; workers that are there go on drawing",
    "observer_failed": REPORT,
}
"""Advice by the event's name; for the engine's lines, by their `action`."""


def advise(_: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add `do` to a line of ours at warning or above."""
    action = event.get("action") or getattr(event.get("_record"), "action", None) or event.get("event")
    if method in ("warning", "error", "exception", "critical") and (do := ADVICE.get(str(action))):
        event.setdefault("do", do)
    return event
