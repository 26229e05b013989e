"""Telegram for tests: the emulator, with what it lacks, faults on demand, and everything it is asked checked.

It keeps messages as people would see them, so that tests look at chats and not at calls. Whatever a request
does wrong (against the Bot API, against HTML, an edit that changes nothing) lands in `complaints`, which must
be empty at the end of every test.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from lo_bot_api_emulator import ApiRefusal, LoBotApiEmulator
from lo_bot_api_emulator.updates import UpdateError, UpdateQueues

from tests.bot.telegram.contract import BadRequest, contract
from tests.bot.telegram.markup import BadMarkup, parse
from tests.bot.telegram.till import Till
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TOKEN = "123456789:AAstandinstandinstandinstandinstandin"
BOT_ID, BOT_NAME = 7, "easel_bot"
NEW_FIELDS = ("link_preview_options", "message_thread_id", "protect_content", "has_spoiler")
"""What the emulator refuses and Telegram takes."""


@dataclass
class Shown:
    """A message as it stands in its chat."""

    chat: int
    id: int
    text: str = ""
    photo: bytes | None = None
    document: bytes | None = None
    filename: str | None = None
    keyboard: list[list[dict[str, str]]] = field(default_factory=list)
    thread: int | None = None
    reply_to: int | None = None
    album: str | None = None
    edits: int = 0

    @property
    def plain(self) -> str:
        return parse(self.text).text

    def data(self, start: str) -> str:
        """The data of the first button whose data starts so."""
        return next(
            b["callback_data"] for row in self.keyboard for b in row if b["callback_data"].startswith(start)
        )

    @property
    def buttons(self) -> list[str]:
        return [b["callback_data"].split(":")[0] for row in self.keyboard for b in row]


@dataclass(frozen=True)
class Call:
    """One request, and when it came."""

    method: str
    fields: dict[str, Any]
    at_s: float
    status: int

    @property
    def chat(self) -> int:
        return int(self.fields["chat_id"])


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request. `acts`: the server does it all the same, only the answer is lost."""

    status: int = 0
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    acts: bool = False
    hangs: bool = False
    only: str = ""
    """Just requests that hold this text in one of their fields."""


FLOOD = Fault(429, "Too Many Requests: retry after 1", {"retry_after": 1})
BROKEN = Fault(500, "Internal Server Error")
BAD_GATEWAY = Fault(502, "Bad Gateway")
CUT_BEFORE, CUT_AFTER = Fault(), Fault(acts=True)
HANGS_BEFORE, HANGS_AFTER = Fault(hangs=True), Fault(hangs=True, acts=True)
EDIT_GONE = Fault(400, "Bad Request: message to edit not found")


class Inbox(UpdateQueues):
    """The emulator's updates, with those that it does not know and those that come twice."""

    async def bring(self, update: dict[str, Any]) -> None:
        """Take an update of any kind."""
        state = self._state(TOKEN)
        async with state.condition:
            state.updates.append({"update_id": state.next_id, **update})
            state.next_id += 1
            state.condition.notify_all()

    def again(self, update: dict[str, Any]) -> None:
        """Take an update that was taken before, under its old number."""
        self._state(TOKEN).updates.append(update)


class StandIn(LoBotApiEmulator):
    """Telegram's server on a loopback port."""

    def __init__(self) -> None:
        super().__init__(
            allow_insecure_loopback_webhooks=True, max_history=100_000, max_assets=10_000, max_updates=10_000
        )
        self._update_queues = Inbox(record=lambda event: None, max_updates=10_000, insecure_webhooks=True)
        self.chats: dict[int, dict[int, Shown]] = {}
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.blocked: dict[int, str] = {}
        self.moved: dict[int, int] = {}
        self.admins: set[tuple[int, int]] = set()
        self.channel_owners: dict[int, int] = {}
        self.alerts: list[str] = []
        self.url = ""
        self.offline = False
        self.till = Till(self)
        self._changed = asyncio.Event()
        self._next_message: dict[int, int] = {}
        self._next_update = 1
        self._files = 0

    # what tests look at

    def fail(self, method: str, *faults: Fault) -> None:
        """The next requests of `method` go wrong like this."""
        self.faults.setdefault(method, []).extend(faults)

    def block(self, chat: int, why: str = "Forbidden: bot was blocked by the user") -> None:
        self.blocked[chat] = why

    def messages(self, chat: int) -> list[Shown]:
        return list(self.chats.get(chat, {}).values())

    def photos(self, chat: int) -> list[Shown]:
        """Results: pictures with buttons to use them, or in albums."""
        return [m for m in self.messages(chat) if m.photo and (m.album or "again" in m.buttons)]

    def count(self, method: str) -> int:
        return sum(call.method == method for call in self.calls)

    async def until(self, true: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
        """Wait until something is so; looked at after every request."""
        async with asyncio.timeout(timeout_s):
            while not (found := true()):
                changed = self._changed
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await changed.wait()
        return found

    # what people do

    async def say(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: Shown | None = None,
        thread: int | None = None,
        language: str = "en",
        update_id: int | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Somebody writes a message. Returns the update, for redelivery."""
        where = chat or user
        message: dict[str, Any] = {
            "message_id": self._take_id(where),
            "date": 1,
            "chat": _chat(where),
            "from": {"id": user, "is_bot": False, "first_name": "Anna", "language_code": language},
            **({"text": text} if text else {}),
            **more,
        }
        if text.startswith("/"):
            length = len(text.split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        if thread is not None:
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if reply_to is not None:
            message["reply_to_message"] = self._as_message(reply_to)
        return await self._enqueue({"message": message}, update_id)

    async def send(
        self,
        user: int,
        content: bytes,
        caption: str = "",
        *,
        file_bytes: int | None = None,
        as_file: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        """Somebody sends a picture, as a photo in two sizes or `as_file` of this type. Returns the update."""
        self._files += 1
        ids = [f"small-{self._files}", f"large-{self._files}"]
        self.assets[ids[1]] = {"type": "photo", "data": content}
        size = {"file_size": len(content) if file_bytes is None else file_bytes}
        files = [{"file_id": id_, "file_unique_id": f"u-{id_}"} for id_ in ids]
        sent: dict[str, Any] = {
            "photo": [
                {**files[0], "width": 90, "height": 60},
                {**files[1], "width": 900, "height": 600, **size},
            ]
        }
        if as_file:
            sent = {"document": {**files[1], "file_name": "picture", "mime_type": as_file, **size}}
        if caption:
            sent["caption"] = caption
        return await self.say(user, "", **sent, **more)

    async def press(self, user: int, shown: Shown, data: str, *, language: str = "en") -> dict[str, Any]:
        """Somebody presses a button; `data` may be just its beginning."""
        query = {
            "id": str(self._next_update),
            "from": {"id": user, "is_bot": False, "first_name": "Anna", "language_code": language},
            "chat_instance": "1",
            "data": shown.data(data),
            "message": self._as_message(shown),
        }
        return await self._enqueue({"callback_query": query}, None)

    async def _enqueue(self, update: dict[str, Any], update_id: int | None) -> dict[str, Any]:
        if update_id is not None:
            update["update_id"] = update_id
        update["update_id"] = await self.enqueue_update(update, token=TOKEN)
        self._next_update = update["update_id"] + 1
        return update

    async def deliver(self, update: dict[str, Any]) -> None:
        """An update of a kind that the emulator does not know."""
        await self._update_queues.bring(update)

    def redeliver(self, update: dict[str, Any]) -> None:
        """The same update comes again, as after a crash before it was confirmed."""
        self._update_queues.again(update)

    @property
    def unconfirmed(self) -> int:
        """Updates that the bot has not confirmed yet."""
        return int(self._update_queues.info(TOKEN)["pending_update_count"])

    # the server

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if self.offline:
            return _cut(request)
        if method == "getUpdates":
            if (fault := self._next_fault(method, {})) is not None:
                return await self._go_wrong(request, method, {}, fault)
            return await super().handle(request)
        fields, uploads = await self.read_request(request)
        self._check(method, fields, uploads)
        fault = self._next_fault(method, fields)
        if fault and not fault.acts:
            return await self._go_wrong(request, method, fields, fault)
        status, body = await self._act(request.match_info["token"], method, fields, uploads)
        self.note(method, fields, status)
        if fault:
            return await self._go_wrong(request, method, fields, fault, noted=True)
        return web.json_response(body, status=status)

    def _next_fault(self, method: str, fields: dict[str, Any]) -> Fault | None:
        queue = self.faults.get(method, [])
        text = str(list(fields.values()))
        fault = next((fault for fault in queue if fault.only in text), None)
        if fault is not None:
            queue.remove(fault)
        return fault

    async def _go_wrong(
        self, request: web.Request, method: str, fields: dict[str, Any], fault: Fault, *, noted: bool = False
    ) -> web.StreamResponse:
        if not noted:
            self.note(method, fields, fault.status)
        if fault.hangs:
            await self.until(lambda: request.transport is None or request.transport.is_closing())
        if not fault.status:
            return _cut(request)
        body = {"ok": False, "error_code": fault.status, "description": fault.description}
        if fault.parameters:
            body["parameters"] = fault.parameters
        return web.json_response(body, status=fault.status)

    async def _act(
        self, token: str, method: str, fields: dict[str, Any], uploads: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        try:
            self._may(fields)
            own = getattr(self, f"_{method}", None) or getattr(self.till, method, None)
            if method in ("setWebhook", "deleteWebhook"):
                wanted = fields if method == "setWebhook" else {**fields, "url": ""}
                result: Any = await self._update_queues.set_webhook(token, wanted)
            elif own is not None:
                result = own(dict(fields), uploads)
            else:
                result = self.validate(method, dict(fields), uploads)
        except ApiRefusal as error:
            answer = {"ok": False, "error_code": error.status, "description": error.description}
            return error.status, answer | ({"parameters": error.parameters} if error.parameters else {})
        except UpdateError as error:
            return error.status, {"ok": False, "error_code": error.status, "description": str(error)}
        return 200, {"ok": True, "result": result}

    def _may(self, fields: dict[str, Any]) -> None:
        if "chat_id" not in fields:
            return
        chat = int(fields["chat_id"])
        if chat in self.blocked:
            raise ApiRefusal(self.blocked[chat], 403)
        if chat in self.moved:
            new = self.moved[chat]
            raise ApiRefusal(
                "Bad Request: group chat was upgraded to a supergroup chat", 400, {"migrate_to_chat_id": new}
            )

    def _check(self, method: str, fields: dict[str, Any], uploads: dict[str, Any]) -> None:
        """Against the Bot API's description, and HTML as strictly as Telegram reads it."""
        try:
            if (described := contract()) is not None:
                described.check(method, fields, set(uploads))
            for source, limit in _marked_up(fields):
                if not 1 <= parse(source).units <= limit:
                    self.complaints.append(f"{method}: {parse(source).units} units of text, {limit} allowed")
        except (BadRequest, BadMarkup) as fault:
            self.complaints.append(f"{method}: {fault}")

    def note(self, method: str, fields: dict[str, Any], status: int) -> None:
        self.calls.append(Call(method, fields, asyncio.get_running_loop().time(), status))
        self._changed.set()
        self._changed = asyncio.Event()

    # what the emulator lacks: a name, messages that are kept, edits of media, members of chats

    def _getMe(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        return {**self.validate("getMe", fields, uploads), "id": BOT_ID, "username": BOT_NAME}

    def _getChatMember(self, fields: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
        chat, user = int(fields["chat_id"]), int(fields["user_id"])
        person = {"id": user, "is_bot": False, "first_name": "Anna"}
        if (chat, user) not in self.admins:
            return {"status": "member", "user": person}
        rights = (
            "can_be_edited",
            "is_anonymous",
            "can_manage_chat",
            "can_delete_messages",
            "can_manage_video_chats",
        )
        more = ("can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users")
        stories = ("can_post_stories", "can_edit_stories", "can_delete_stories")
        return {"status": "administrator", "user": person, **dict.fromkeys((*rights, *more, *stories), False)}

    def _getChatAdministrators(self, fields: dict[str, Any], _: dict[str, Any]) -> list[dict[str, Any]]:
        chat = int(fields["chat_id"])
        if chat not in self.channel_owners:
            raise ApiRefusal("Bad Request: member list is inaccessible", 400)
        person = {"id": self.channel_owners[chat], "is_bot": False, "first_name": "Anna"}
        return [{"status": "creator", "user": person, "is_anonymous": False}]

    def _sendMessage(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        self.validate("sendMessage", _older(fields), uploads)
        return self.keep(fields, text=fields["text"])

    def _sendPhoto(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        self.validate("sendPhoto", _older(fields), uploads)
        return self.keep(
            fields, text=fields.get("caption", ""), photo=_uploaded(fields.get("photo"), uploads, "photo")
        )

    def _sendDocument(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        self.validate("sendDocument", _older(fields), uploads)
        upload = _upload(fields.get("document"), uploads, "document")
        return self.keep(
            fields, text=fields.get("caption", ""), document=upload["data"], filename=upload["filename"]
        )

    def _sendMediaGroup(self, fields: dict[str, Any], uploads: dict[str, Any]) -> list[dict[str, Any]]:
        self.validate("sendMediaGroup", _older(fields), uploads)
        album = str(len(self.calls))
        return [
            self.keep(
                fields,
                text=item.get("caption", ""),
                photo=_uploaded(item["media"], uploads, "photo"),
                album=album,
            )
            for item in json.loads(fields["media"])
        ]

    def _editMessageText(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        shown = self._edited(fields)
        if shown.photo or shown.document:
            raise ApiRefusal("Bad Request: there is no text in the message to edit")
        self.validate("editMessageText", _older(fields), uploads)
        return self._change(shown, fields, text=fields["text"])

    def _editMessageCaption(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        shown = self._edited(fields)
        if not shown.photo and not shown.document:
            raise ApiRefusal("Bad Request: there is no caption in the message to edit")
        self.validate("editMessageCaption", _older(fields), uploads)
        return self._change(shown, fields, text=fields.get("caption", ""))

    def _editMessageReplyMarkup(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        shown = self._edited(fields)
        fields.pop(
            "parse_mode", None
        )  # the client library adds it to all it sends, and Telegram takes no notice
        self.validate("editMessageReplyMarkup", _older(fields), uploads)
        return self._change(shown, fields)

    def _editMessageMedia(self, fields: dict[str, Any], uploads: dict[str, Any]) -> dict[str, Any]:
        shown = self._edited(fields)
        media = json.loads(fields["media"])
        upload = _upload(media["media"], uploads, media["type"])
        if markup := fields.get("reply_markup"):
            self.validate_markup(json.loads(markup))
        kept = (
            {"photo": upload["data"]}
            if media["type"] == "photo"
            else {"document": upload["data"], "photo": None}
        )
        return self._change(shown, fields, text=media.get("caption", ""), **kept)

    def _deleteMessage(self, fields: dict[str, Any], uploads: dict[str, Any]) -> bool:
        self.validate("deleteMessage", fields, uploads)
        kept = self.chats.get(int(fields["chat_id"]), {})
        if kept.pop(int(fields["message_id"]), None) is None:
            raise ApiRefusal("Bad Request: message to delete not found")
        return True

    def _answerCallbackQuery(self, fields: dict[str, Any], uploads: dict[str, Any]) -> bool:
        self.validate("answerCallbackQuery", fields, uploads)
        if fields.get("text"):
            self.alerts.append(fields["text"])
        return True

    def _take_id(self, chat: int) -> int:
        self._next_message[chat] = self._next_message.get(chat, 0) + 1
        return self._next_message[chat]

    def keep(self, fields: dict[str, Any], **content: Any) -> dict[str, Any]:
        chat = int(fields["chat_id"])
        reply = (
            json.loads(fields["reply_parameters"])["message_id"] if fields.get("reply_parameters") else None
        )
        thread = int(fields["message_thread_id"]) if fields.get("message_thread_id") else None
        shown = Shown(
            chat, self._take_id(chat), keyboard=_keyboard(fields), thread=thread, reply_to=reply, **content
        )
        self.chats.setdefault(chat, {})[shown.id] = shown
        return self._as_message(shown)

    def _edited(self, fields: dict[str, Any]) -> Shown:
        shown = self.chats.get(int(fields["chat_id"]), {}).get(int(fields["message_id"]))
        if shown is None:
            raise ApiRefusal("Bad Request: message to edit not found")
        return shown

    def _change(self, shown: Shown, fields: dict[str, Any], **content: Any) -> dict[str, Any]:
        wanted = {**content, "keyboard": _keyboard(fields)}
        if "media" not in fields and all(getattr(shown, name) == value for name, value in wanted.items()):
            self.complaints.append(f"message is not modified: {shown.text!r}")
            raise ApiRefusal(
                "Bad Request: message is not modified: specified new message content is the same"
            )
        for name, value in wanted.items():
            setattr(shown, name, value)
        shown.edits += 1
        return self._as_message(shown)

    def _as_message(self, shown: Shown) -> dict[str, Any]:
        message: dict[str, Any] = {
            "message_id": shown.id,
            "date": 1,
            "chat": _chat(shown.chat),
            "from": {"id": BOT_ID, "is_bot": True, "first_name": "Easel", "username": BOT_NAME},
        }
        plain = shown.plain
        if shown.photo or shown.document:
            file = {"file_id": f"f{shown.chat}-{shown.id}", "file_unique_id": f"u{shown.chat}-{shown.id}"}
            message |= {"photo": [{**file, "width": 1, "height": 1}]} if shown.photo else {"document": file}
            message |= {"caption": plain} if plain else {}
        else:
            message["text"] = plain
        if shown.keyboard:
            message["reply_markup"] = {"inline_keyboard": shown.keyboard}
        if shown.album:
            message["media_group_id"] = shown.album
        if shown.thread:
            message |= {"message_thread_id": shown.thread, "is_topic_message": True}
        return message


def _chat(chat: int) -> dict[str, Any]:
    if chat > 0:
        return {"id": chat, "type": "private", "first_name": "Anna"}
    return {"id": chat, "type": "supergroup" if chat < -(10**12) else "group", "title": "Painters"}


def _cut(request: web.Request) -> web.Response:
    """The connection breaks."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)


def _older(fields: dict[str, Any]) -> dict[str, Any]:
    """What the emulator understands of a request; media items may say how their caption is marked up."""
    forced = "force_reply" in str(fields.get("reply_markup"))
    refused = (*NEW_FIELDS, "reply_markup") if forced else NEW_FIELDS
    return {name: value for name, value in fields.items() if name not in refused}


def _keyboard(fields: dict[str, Any]) -> list[list[dict[str, str]]]:
    markup = fields.get("reply_markup")
    return json.loads(markup).get("inline_keyboard", []) if markup else []


def _upload(value: str | None, uploads: dict[str, Any], name: str) -> dict[str, Any]:
    return uploads[value.removeprefix("attach://") if value else name]


def _uploaded(value: str | None, uploads: dict[str, Any], name: str) -> bytes:
    return _upload(value, uploads, name)["data"]


def _marked_up(fields: dict[str, Any]) -> Iterable[tuple[str, int]]:
    """Each text that is to be read as HTML, and how long it may be."""
    media = json.loads(fields.get("media", "[]"))
    for holder in (fields, *(media if isinstance(media, list) else [media])):
        if holder.get("parse_mode") == "HTML":
            for name, limit in (("text", 4096), ("caption", 1024)):
                if name in holder:
                    yield holder[name], limit
