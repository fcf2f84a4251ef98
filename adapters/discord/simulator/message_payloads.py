"""A message as Discord's API writes it, and the parts it is made of.

https://docs.discord.com/developers/resources/message
"""

import re
from datetime import datetime, timedelta
from typing import Any

from adapters.discord.simulator.account_payloads import user_payload
from adapters.discord.simulator.ids import iso, iso_or_none, milliseconds, mix, time_of
from adapters.discord.simulator.model import User
from adapters.discord.simulator.store import Payload

REPLY = 19
STARTER = 21
HAS_THREAD = 1 << 5
IS_COMPONENTS_V2 = 1 << 15
_NESTABLE = frozenset(("referenced_message", "reactions", "interaction_metadata", "message_snapshots", "poll"))


def message(
    message_id: int,
    channel_id: int,
    author: User | Payload,
    content: str = "",
    *,
    kind: int = 0,
    edited: datetime | None = None,
    **parts: Any,
) -> Payload:
    """Return a message; ``parts`` are further fields, or other values for these."""
    return {
        "type": kind,
        "content": content,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "timestamp": iso(time_of(message_id)),
        "edited_timestamp": iso_or_none(edited),
        "flags": 0,
        "components": [],
        "id": str(message_id),
        "channel_id": str(channel_id),
        "author": user_payload(author) if isinstance(author, User) else author,
        "pinned": False,
        "mention_everyone": False,
        "tts": False,
        **parts,
    }


def reference(channel_id: int, message_id: int | None = None, guild_id: int | None = None, kind: int = 0) -> Payload:
    """Return what a reply, a pin notice, a crosspost (type 0) or a forward (type 1) points at."""
    payload: Payload = {"type": kind, "channel_id": str(channel_id)}
    if message_id is not None:
        payload["message_id"] = str(message_id)
    if guild_id is not None:
        payload["guild_id"] = str(guild_id)
    return payload


def nested(payload: Payload) -> Payload:
    """Return a message as it appears inside a reply to it: one level deep, without its reactions."""
    return {key: value for key, value in payload.items() if key not in _NESTABLE}


def attachment(
    channel_id: int, attachment_id: int, filename: str, size: int, content_type: str | None = None, **parts: Any
) -> Payload:
    """Return a file, with a signed URL that runs out two weeks after the upload."""
    expires = milliseconds(time_of(attachment_id) + timedelta(days=14)) // 1000
    signature = "".join(f"{mix(attachment_id + part):016x}" for part in range(4))
    query = f"?ex={expires:x}&is={expires - 1_209_600:x}&hm={signature}&"
    path = f"/attachments/{channel_id}/{attachment_id}/{re.sub(r'[^A-Za-z0-9._-]', '_', filename)}"
    payload: Payload = {
        "id": str(attachment_id),
        "filename": filename,
        "size": size,
        "url": f"https://cdn.discordapp.com{path}{query}",
        "proxy_url": f"https://media.discordapp.net{path}{query}",
    }
    if content_type is not None:
        payload["content_type"] = content_type
    return payload | parts


_SIGNATURE = re.compile(rb"[?]ex=([0-9a-f]+)&is=[0-9a-f]+&hm=([0-9a-f]{64})&")
_LINK_SECONDS = 86_400


def sign_anew(body: bytes, now_seconds: float) -> bytes:
    """Return an answer in which links of files that have expired are signed for another day."""
    issued = int(now_seconds)

    def renew(found: re.Match[bytes]) -> bytes:
        if int(found[1], 16) > issued:
            return found[0]
        return b"?ex=%x&is=%x&hm=%s&" % (issued + _LINK_SECONDS, issued, found[2])

    return _SIGNATURE.sub(renew, body)


def reaction_emoji(emoji: str) -> Payload:
    """Return the emoji of a reaction, from ``🔥``, ``name:id``, ``<:name:id>`` or ``<a:name:id>``."""
    custom = re.fullmatch(r"<?(a?):?([^:]*):(\d+)>?", emoji)
    if custom is None:
        return {"id": None, "name": emoji}
    payload: Payload = {"id": custom[3], "name": custom[2] or None}
    return payload | {"animated": True} if custom[1] and emoji.startswith("<a:") else payload


def without_content(payload: Payload) -> Payload:
    """Return a message as a bot without the message-content privilege gets it: blanked, and without its poll."""
    blank: Payload = {"content": "", "embeds": [], "attachments": [], "components": []}
    kept = {key: value for key, value in payload.items() if key != "poll"}
    if "message_snapshots" in payload:
        kept["message_snapshots"] = [{"message": one["message"] | blank} for one in payload["message_snapshots"]]
    return kept | {key: value for key, value in blank.items() if key in payload}
