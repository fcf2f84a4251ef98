"""Turn a message payload into a record, private already (docs/discord-mapping.md, sections 3 and 5).

Pure, and never raising on odd input: what cannot be read is left out, what is unknown is kept by its number.
"""

from collections.abc import Callable
from typing import Any

import discord

from adapters.discord.convert.attachments import attachment_records, copied_attachment
from adapters.discord.convert.copies import copies
from adapters.discord.convert.embeds import component, embed, poll, reference
from adapters.discord.convert.payload import (
    Payload,
    as_int,
    as_object,
    as_objects,
    as_time_text,
    snowflake,
    snowflake_time,
    snowflakes,
    timestamp,
    without_empty,
)
from adapters.discord.convert.reactions import reaction_totals
from adapters.discord.convert.scrub import Scrubber
from adapters.privacy import HashUser
from adapters.records import AuthorKind, MessageRecord

_TYPE_NAMES = {kind.value: kind.name for kind in discord.MessageType}
_REPLY, _THREAD_STARTER, _CONTEXT_MENU = 19, 21, 23
_REPLYING_TYPES = (_REPLY, _THREAD_STARTER, _CONTEXT_MENU)
_COMMAND_TYPES = (20, _CONTEXT_MENU)


def message_record(payload: Payload, channel_id: str, hash_user: HashUser) -> MessageRecord | None:
    """Return the record of one message, or None where it has not even an id."""
    message_id = snowflake(payload.get("id"))
    if message_id is None:
        return None
    author = as_object(payload.get("author"))
    author_id = snowflake(author.get("id"))
    scrub = Scrubber(hash_user, lambda: _people(payload))
    kind = as_int(payload.get("type"))
    type_name = name_of_type(kind)
    source = as_object(payload.get("message_reference"))
    is_reply = answers(kind, source)
    original_author = (
        snowflake(as_object(as_object(payload.get("referenced_message")).get("author")).get("id")) if is_reply else None
    )
    content = payload.get("content")
    metadata = _metadata(payload, scrub, hash_user, is_reply=is_reply)
    return MessageRecord(
        platform_id=message_id,
        author_hash=hash_user(author_id) if author_id else None,
        author_kind=author_kind(
            is_webhook=bool(payload.get("webhook_id")),
            is_command=bool(is_command(kind) or payload.get("interaction_metadata") or payload.get("interaction")),
            is_system=bool(author.get("system")),
            is_bot=bool(author.get("bot")),
        ),
        content=scrub(content) if isinstance(content, str) else "",
        type=type_name,
        sent_at=timestamp(payload.get("timestamp")) or snowflake_time(message_id),
        edited_at=timestamp(edited) if (edited := payload.get("edited_timestamp")) else None,
        reply_to_channel_platform_id=(snowflake(source.get("channel_id")) or channel_id) if is_reply else None,
        reply_to_message_platform_id=snowflake(source.get("message_id")) if is_reply else None,
        reply_to_author_hash=hash_user(original_author) if original_author else None,
        metadata=metadata,
        attachments=attachment_records(payload.get("attachments"), scrub),
        reaction_totals=reaction_totals(payload.get("reactions"), hash_user),
        copies=copies(type_name, metadata) if metadata else (),
    )


def replies(payload: Payload) -> bool:
    """Return whether a message answers another one, which its reply columns name."""
    return answers(as_int(payload.get("type")), as_object(payload.get("message_reference")))


def answers(kind: int | None, source: Payload) -> bool:
    """Return whether a message of this type answers the one that it refers to."""
    return kind in _REPLYING_TYPES and not source.get("type") and snowflake(source.get("message_id")) is not None


def name_of_type(kind: int | None) -> str:
    """Return the name of a message's type; of an unknown one its number."""
    return _TYPE_NAMES[0] if kind is None else _TYPE_NAMES.get(kind) or str(kind)


def is_command(kind: int | None) -> bool:
    """Return whether a message of this type answers a command."""
    return kind in _COMMAND_TYPES


def author_kind(*, is_webhook: bool, is_command: bool, is_system: bool, is_bot: bool) -> AuthorKind:
    """Return who writes; a command's answer has a webhook, but is its application's."""
    if is_webhook and not is_command:
        return AuthorKind.WEBHOOK
    if is_system:
        return AuthorKind.SYSTEM
    return AuthorKind.BOT if is_bot else AuthorKind.USER


def _people(payload: Payload) -> list[Payload]:
    """Return every user object of a payload, and the nicknames beside them as users of their own."""
    author = as_object(payload.get("author"))
    interaction, metadata = as_object(payload.get("interaction")), as_object(payload.get("interaction_metadata"))
    pairs = [(author, payload.get("member"))]
    pairs += [(user, user.get("member")) for user in as_objects(payload.get("mentions"))]
    if interaction:
        pairs.append((as_object(interaction.get("user")), interaction.get("member")))
    if metadata:
        pairs += [(as_object(metadata.get("user")), None), (as_object(metadata.get("target_user")), None)]
    if referenced := as_object(payload.get("referenced_message")):
        pairs.append((as_object(referenced.get("author")), referenced.get("member")))
    people = [user for user, _ in pairs if user]
    people += [{"id": user.get("id"), "nick": as_object(member).get("nick")} for user, member in pairs if member]
    return people


def _metadata(payload: Payload, scrub: Scrubber, hash_user: HashUser, *, is_reply: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if flags := as_int(payload.get("flags")):
        kept["flags"] = flags
    for switch in ("pinned", "tts", "mention_everyone"):
        if payload.get(switch):
            kept[switch] = True
    if payload.get("mentions"):
        kept["mentions"] = [
            hash_user(i) for i in (snowflake(u.get("id")) for u in as_objects(payload["mentions"])) if i
        ]
    if payload.get("mention_roles"):
        kept["mention_roles"] = snowflakes(payload["mention_roles"])
    if is_reply:
        if "referenced_message" in payload and payload["referenced_message"] is None:
            kept["reply_deleted"] = True
    elif payload.get("message_reference"):
        kept["reference"] = reference(as_object(payload["message_reference"]))
    for key, read in _RARE.items():
        if payload.get(key):
            name, value = read(payload, scrub, hash_user)
            kept[name] = value
    return without_empty(kept) if kept else kept


def _interaction(payload: Payload, scrub: Scrubber, hash_user: HashUser) -> tuple[str, dict[str, Any]]:
    new, old = as_object(payload.get("interaction_metadata")), as_object(payload.get("interaction"))
    user = snowflake(as_object(new.get("user")).get("id")) or snowflake(as_object(old.get("user")).get("id"))
    target = snowflake(as_object(new.get("target_user")).get("id"))
    name = new.get("name") or old.get("name")
    return "interaction", without_empty(
        {
            "type": as_int(new.get("type")),
            "name": scrub(name) if isinstance(name, str) else None,
            "user_hash": hash_user(user) if user else None,
            "target_user_hash": hash_user(target) if target else None,
            "target_message_id": snowflake(new.get("target_message_id")),
        }
    )


def _application(payload: Payload, _: Scrubber, hash_user: HashUser) -> tuple[str, str | None]:
    application_id = snowflake(payload["application_id"])
    return "application_hash", hash_user(application_id) if application_id else None


def _role_subscription(payload: Payload, scrub: Scrubber, _: HashUser) -> tuple[str, dict[str, Any]]:
    data = as_object(payload["role_subscription_data"])
    tier = data.get("tier_name")
    return "role_subscription", without_empty(
        {
            "listing_id": snowflake(data.get("role_subscription_listing_id")),
            "tier_name": scrub(tier) if isinstance(tier, str) else None,
            "months": as_int(data.get("total_months_subscribed")),
            "is_renewal": bool(data.get("is_renewal")),
        }
    )


def _forward(payload: Payload, scrub: Scrubber, hash_user: HashUser) -> tuple[str, dict[str, Any]]:
    """Return the copy of the original that a forward carries, without its author."""
    first = next(iter(as_objects(payload["message_snapshots"])), {})
    message = as_object(first.get("message"))
    inner = Scrubber(hash_user, lambda: [*_people(payload), *_people(message)])
    content = message.get("content")
    copies = attachment_records(message.get("attachments"), inner)
    return "forward", without_empty(
        {
            "type": as_int(message.get("type")) or None,
            "content": inner(content) if isinstance(content, str) else None,
            "sent_at": as_time_text(message.get("timestamp")),
            "edited_at": as_time_text(message.get("edited_timestamp")),
            "flags": as_int(message.get("flags")) or None,
            "mentions": [
                hash_user(i) for i in (snowflake(u.get("id")) for u in as_objects(message.get("mentions"))) if i
            ],
            "mention_roles": snowflakes(message.get("mention_roles")),
            "embeds": [embed(e, inner) for e in as_objects(message.get("embeds"))],
            "attachments": [copied_attachment(a) for a in copies],
            "stickers": _stickers(message, inner, hash_user)[1],
            "components": [component(c, inner, hash_user) for c in as_objects(message.get("components"))],
        }
    )


def _stickers(payload: Payload, scrub: Scrubber, _: HashUser) -> tuple[str, list[dict[str, Any]]]:
    return "stickers", [
        without_empty(
            {
                "id": snowflake(sticker.get("id")),
                "name": scrub(sticker["name"]) if isinstance(sticker.get("name"), str) else None,
                "format_type": as_int(sticker.get("format_type")),
            }
        )
        for sticker in as_objects(payload.get("sticker_items"))
    ]


# What few messages carry: looked for by its key, so that the many others do not pay for it.
_RARE: dict[str, Callable[[Payload, Scrubber, HashUser], tuple[str, Any]]] = {
    "embeds": lambda p, scrub, _: ("embeds", [embed(e, scrub) for e in as_objects(p["embeds"])]),
    "components": lambda p, scrub, hash_user: (
        "components",
        [component(c, scrub, hash_user) for c in as_objects(p["components"])],
    ),
    "mention_channels": lambda p, *_: (
        "mention_channels",
        [i for i in (snowflake(c.get("id")) for c in as_objects(p["mention_channels"])) if i],
    ),
    "sticker_items": _stickers,
    "message_snapshots": _forward,
    "poll": lambda p, scrub, _: ("poll", poll(as_object(p["poll"]), scrub)),
    "interaction": _interaction,
    "interaction_metadata": _interaction,
    "application_id": _application,
    "thread": lambda p, *_: ("thread_id", snowflake(as_object(p["thread"]).get("id"))),
    "role_subscription_data": _role_subscription,
}
