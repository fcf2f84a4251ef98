"""A message as DiscordChatExporter writes it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bot.export.dce_parts import embed_of, emoji_of, sticker_of, text_of
from bot.export.rows import pseudonym
from storage.export import ExportedMessage
from storage.reading import ShownAttachment, ShownReaction

_TYPES = {
    "default": "Default",
    "recipient_add": "RecipientAdd",
    "recipient_remove": "RecipientRemove",
    "call": "Call",
    "channel_name_change": "ChannelNameChange",
    "channel_icon_change": "ChannelIconChange",
    "pins_add": "ChannelPinnedMessage",
    "new_member": "GuildMemberJoin",
    "thread_created": "ThreadCreated",
    "reply": "Reply",
}
_NUMBERS = {
    "premium_guild_subscription": "8",
    "premium_guild_tier_1": "9",
    "premium_guild_tier_2": "10",
    "premium_guild_tier_3": "11",
    "channel_follow_add": "12",
    "guild_stream": "13",
    "guild_discovery_disqualified": "14",
    "guild_discovery_requalified": "15",
    "guild_discovery_grace_period_initial_warning": "16",
    "guild_discovery_grace_period_final_warning": "17",
    "chat_input_command": "20",
    "thread_starter_message": "21",
    "guild_invite_reminder": "22",
    "context_menu_command": "23",
    "auto_moderation_action": "24",
    "role_subscription_purchase": "25",
    "interaction_premium_upsell": "26",
    "stage_start": "27",
    "stage_end": "28",
    "stage_speaker": "29",
    "stage_raise_hand": "30",
    "stage_topic": "31",
    "guild_application_premium_subscription": "32",
    "guild_incident_alert_mode_enabled": "36",
    "guild_incident_alert_mode_disabled": "37",
    "guild_incident_report_raid": "38",
    "guild_incident_report_false_alarm": "39",
    "purchase_notification": "44",
    "poll_result": "46",
    "emoji_added": "63",
}
"""That program has no names for these, and writes the number."""

_NOBODY = "unknown"
_EMOJI = re.compile(r"<a?:[^:<>\s]+:[0-9]+>")

Json = dict[str, Any]


def message_of(exported: ExportedMessage, guild_id: str) -> Json:
    """Return a message; the keys in brackets in that program's description are there only where they apply."""
    one, known = exported.message, exported.message.metadata
    message: Json = {
        "id": one.platform_id,
        "type": _TYPES.get(one.type) or _NUMBERS.get(one.type, one.type),
        "timestamp": moment(one.sent_at),
        "timestampEdited": moment(one.edited_at),
        "callEndedTimestamp": None,
        "isPinned": bool(known.get("pinned")),
        "content": text_of(one.content),
        "author": user_of(one.author_hash, is_bot=one.author_kind in ("bot", "webhook"), roles=[]),
        "attachments": [_attachment(file) for file in one.attachments],
        "embeds": [embed_of(embed) for embed in _objects(known.get("embeds"))],
        "stickers": [sticker_of(sticker) for sticker in _objects(known.get("stickers"))],
        "reactions": [_reaction(given) for given in one.reactions],
        "mentions": [user_of(who, roles=[]) for who in _texts(known.get("mentions"))],
    }
    if reference := _reference(exported, guild_id):
        message["reference"] = reference
    if isinstance(forward := known.get("forward"), dict):
        message["forwardedMessage"] = _forwarded(forward)
    if isinstance(asked := known.get("interaction"), dict):
        message["interaction"] = {
            "id": "",
            "name": asked.get("name") or "",
            "user": user_of(asked.get("user_hash"), roles=[]),
        }
    return message | {"inlineEmojis": [emoji_of(text) for text in dict.fromkeys(_EMOJI.findall(one.content))]}


def user_of(author_hash: str | None, *, is_bot: bool = False, roles: list[Json] | None = None) -> Json:
    """Return a person: the hash as the id, its first digits as every name; ``roles`` are left out of who reacted."""
    name = pseudonym(author_hash) or _NOBODY
    return {
        "id": author_hash or "0",
        "name": name,
        "discriminator": "0000",
        "nickname": name,
        "color": None,
        "isBot": is_bot,
        **({} if roles is None else {"roles": roles}),
        "avatarUrl": "",
    }


def moment(at: datetime | None) -> str | None:
    """Write a time as that program does: with +00:00, for some tools do not find a Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds") if at else None


def _reference(exported: ExportedMessage, guild_id: str) -> Json | None:
    one = exported.message
    if one.reply_to_message_platform_id:
        place = one.reply_to_message_platform_id, one.reply_to_channel_platform_id, guild_id
        return {"type": "Default", **dict(zip(("messageId", "channelId", "guildId"), place, strict=True))}
    if isinstance(known := one.metadata.get("reference"), dict):
        kind = "Forward" if known.get("type") == 1 else "Default"
        ids = {"messageId": "message_id", "channelId": "channel_id", "guildId": "guild_id"}
        return {"type": kind} | {name: known.get(key) for name, key in ids.items()}
    return None


def _forwarded(forward: Json) -> Json:
    return {
        "timestamp": _as_written(forward.get("sent_at")),
        "timestampEdited": _as_written(forward.get("edited_at")),
        "content": text_of(str(forward.get("content") or "")),
        "attachments": [
            {
                "id": file.get("id"),
                "url": file.get("url"),
                "fileName": file.get("filename"),
                "fileSizeBytes": file.get("size_bytes") or 0,
            }
            for file in _objects(forward.get("attachments"))
        ],
        "embeds": [embed_of(embed) for embed in _objects(forward.get("embeds"))],
        "stickers": [sticker_of(sticker) for sticker in _objects(forward.get("stickers"))],
    }


def _as_written(text: object) -> str | None:
    try:
        return moment(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:
        return None


def _attachment(file: ShownAttachment) -> Json:
    size = file.size_bytes or 0
    return {"id": file.platform_id, "url": file.url, "fileName": file.filename, "fileSizeBytes": size}


def _reaction(given: ShownReaction) -> Json:
    return {"emoji": emoji_of(given.emoji), "count": given.count, "users": [user_of(who) for who in given.user_hashes]}


def _objects(value: object) -> Iterable[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> Iterable[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
