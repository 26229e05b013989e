"""Everything that goes beyond discord.py's documented interface, each with the reason why.

Pinned by the version range in pyproject.toml; whoever raises it reads this file first.
"""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import discord
import yarl
from discord.http import Route

if TYPE_CHECKING:
    import aiohttp

    from bot.config.faces import Discord


def silence_voice() -> None:
    """The bot never speaks, so the library need not warn that what voice would take is not installed."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def use_api(url: str) -> None:
    """Send REST calls to `url`. The library has no setting for its base address."""
    Route.BASE = url.rstrip("/")


def stay_at(client: discord.Client, gateway: yarl.URL) -> None:
    """Make every gateway connection to `gateway`: the first, a resumed one, and one after an invalid session.

    The library asks for an address only before the first connection; later ones go to Discord's own or to the
    one Discord named for resuming. All of them pass `HTTPClient.ws_connect`.
    """
    connect = client.http.ws_connect

    async def connect_there(url: str, *, compress: int = 0) -> aiohttp.ClientWebSocketResponse:
        return await connect(str(gateway.with_query(yarl.URL(url).query)), compress=compress)

    setattr(client.http, "ws_connect", connect_there)  # noqa: B010 - mypy lets no method be assigned


def interaction_webhook(client: discord.Client, application_id: int, token: str) -> discord.Webhook:
    """The webhook of an interaction that another process may have received.

    The type has to be set by hand: only an interaction's webhook may send what one reader alone sees, and the
    library believes a partial one to be an ordinary webhook.
    """
    webhook = discord.Webhook.partial(application_id, token, client=client)
    webhook.type = discord.WebhookType.application
    return webhook


def message_named(message_id: int | None) -> Any:
    """What the library takes for a message's id; Discord knows an interaction's answer as `@original` too."""
    return message_id or "@original"


def typed_into(data: dict[str, Any], field: str) -> str:
    """What was typed into a field of a modal; the library gives modals of an earlier process as raw data.

    More may stand in the field's id behind a bar.
    """
    return next((str(one["value"]) for one in _filled_in(data, field)), "")


def files_in(interaction: discord.Interaction[Any], field: str) -> list[discord.Attachment]:
    """The files that were put into a field of a modal, out of the raw data as well."""
    data: Any = interaction.data
    known = data.get("resolved", {}).get("attachments", {})
    ids = [id_ for one in _filled_in(data, field) for id_ in one.get("values", [])]
    return [discord.Attachment(data=known[id_], state=interaction._state) for id_ in ids if id_ in known]


def attachment_at(
    interaction: discord.Interaction[Any], url: str, *, size_bytes: int, content_type: str
) -> discord.Attachment:
    """An attachment that an earlier process has seen, whose message nobody may ask for."""
    found: Any = {"id": 0, "filename": "", "size": size_bytes, "url": url, "proxy_url": url}
    return discord.Attachment(data=found | {"content_type": content_type}, state=interaction._state)


def _filled_in(data: dict[str, Any], field: str) -> list[dict[str, Any]]:
    rows = (row.get("components") or (row.get("component") or {},) for row in data["components"])
    return [one for row in rows for one in row if str(one.get("custom_id", "")).partition("|")[0] == field]


def proxy_options(section: Discord) -> dict[str, Any]:
    """The library's options for a proxy: `[discord] proxy`, else what the environment says (HTTPS_PROXY).

    The library's HTTP client does not look at the environment by itself.
    """
    target = urlsplit(section.api_url or Route.BASE)
    found = section.proxy
    if found is None and not urllib.request.proxy_bypass(target.hostname or ""):
        found = urllib.request.getproxies().get(target.scheme)
    if not found:
        return {}
    return {"proxy": found if "://" in found else f"http://{found}"}
