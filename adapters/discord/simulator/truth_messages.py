"""A message's rows, as docs/discord-mapping.md, section 3, says them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from adapters.discord.simulator.ids import time_of
from adapters.discord.simulator.truth_parts import Reader, Row, each, kept
from adapters.discord.simulator.truth_scrub import Hash, Name
from adapters.discord.simulator.truth_types import TYPE_NAMES


def read_message(payload: Row, hash_of: Hash) -> tuple[Row, Reader]:
    """Return a message's row without its channel, and the reader for what hangs on it."""
    reader = Reader(hash_of, list(_names(payload, hash_of)))
    reply = _reply(payload)
    return {
        "platform_id": payload["id"],
        "author_hash": reader.user(payload.get("author")),
        "author_kind": _kind(payload),
        "content": reader.text(payload.get("content")) or "",
        "type": TYPE_NAMES.get(payload["type"], str(payload["type"])),
        "sent_at": _time(payload.get("timestamp")) or time_of(int(payload["id"])),
        "edited_at": _time(payload.get("edited_timestamp")),
        "reply_to_channel_platform_id": reply.get("channel_id", payload["channel_id"]) if reply else None,
        "reply_to_message_platform_id": reply.get("message_id") if reply else None,
        "reply_to_author_hash": _replied_author(payload, reader) if reply else None,
        "metadata": _metadata(payload, reader, bool(reply)),
    }, reader


def _names(payload: Row, hash_of: Hash) -> Iterator[Name]:
    for user in _users(payload):
        member = user.get("member") or {}
        for name in (user.get("username"), user.get("global_name"), user.get("nick"), member.get("nick")):
            if name and len(name) >= 2 and user.get("id"):
                yield name, hash_of(user["id"])


def _users(payload: Row) -> Iterator[Row]:
    if payload.get("author"):
        yield payload["author"] | {"member": payload.get("member")}
    yield from payload.get("mentions") or ()
    for used in (payload.get("interaction_metadata"), payload.get("interaction")):
        if used and used.get("user"):
            yield used["user"] | {"member": used.get("member")}
        if used and used.get("target_user"):
            yield used["target_user"]
    yield from [user for user in [(payload.get("referenced_message") or {}).get("author")] if user]
    for snapshot in payload.get("message_snapshots") or ():
        yield from snapshot["message"].get("mentions") or ()


def _kind(payload: Row) -> str:
    author = payload.get("author") or {}
    answers = payload.get("interaction_metadata") or payload.get("interaction") or payload["type"] in (20, 23)
    if payload.get("webhook_id") and not answers:
        return "webhook"
    return "system" if author.get("system") else "bot" if author.get("bot") else "user"


def _time(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC) if value else None
    except ValueError:
        return None


def _reply(payload: Row) -> Row | None:
    """Return what this answers, where it is an answer."""
    points_at: Row = payload.get("message_reference") or {}
    is_answer = payload["type"] in (19, 21, 23) and not points_at.get("type") and points_at.get("message_id")
    return points_at if is_answer else None


def _replied_author(payload: Row, reader: Reader) -> str | None:
    return reader.user((payload.get("referenced_message") or {}).get("author"))


def _metadata(payload: Row, reader: Reader, is_reply: bool) -> Row:
    application = payload.get("application_id")
    unanswered = {} if is_reply else payload.get("message_reference") or {}
    return kept(
        {
            "flags": payload.get("flags"),
            "pinned": payload.get("pinned"),
            "tts": payload.get("tts"),
            "mention_everyone": payload.get("mention_everyone"),
            "mentions": [reader.user(user) for user in payload.get("mentions") or ()],
            "mention_roles": payload.get("mention_roles"),
            "mention_channels": [channel["id"] for channel in payload.get("mention_channels") or ()],
            "reply_deleted": is_reply and payload.get("referenced_message", payload) is None,
            "reference": _pick(unanswered, "type", "guild_id", "channel_id", "message_id"),
            "forward": _forward(payload, reader),
            "embeds": each(payload.get("embeds"), reader.embed),
            "components": each(payload.get("components"), reader.component),
            "stickers": each(payload.get("sticker_items"), reader.sticker),
            "poll": reader.poll(payload.get("poll")),
            "interaction": _interaction(payload, reader),
            "application_hash": reader.hash_of(application) if application else None,
            "thread_id": (payload.get("thread") or {}).get("id"),
            "role_subscription": _subscription(payload.get("role_subscription_data") or {}, reader),
        },
        "flags",
    )


def _pick(source: Row, *keys: str) -> Row:
    return kept({key: source.get(key) for key in keys}, "type")


def _forward(payload: Row, reader: Reader) -> Row:
    for snapshot in payload.get("message_snapshots") or ():
        copy = snapshot["message"]
        return kept(
            {
                "type": copy.get("type"),
                "content": reader.text(copy.get("content")),
                "sent_at": copy.get("timestamp"),
                "edited_at": copy.get("edited_timestamp"),
                "flags": copy.get("flags"),
                "mentions": [reader.user(user) for user in copy.get("mentions") or ()],
                "mention_roles": copy.get("mention_roles"),
                "embeds": each(copy.get("embeds"), reader.embed),
                "attachments": each(copy.get("attachments"), lambda one: _file_in_forward(one, reader)),
                "stickers": each(copy.get("sticker_items"), reader.sticker),
                "components": each(copy.get("components"), reader.component),
            },
            "type",
            "flags",
        )
    return {}


def _file_in_forward(source: Row, reader: Reader) -> Row:
    row = read_file(source, reader)
    metadata = row.pop("metadata")
    del row["url_expires_at"]
    return kept({"id": row.pop("platform_id")} | row | metadata)


def _interaction(payload: Row, reader: Reader) -> Row:
    used, older = payload.get("interaction_metadata") or {}, payload.get("interaction") or {}
    return kept(
        {
            "type": used.get("type"),
            "name": reader.text(used.get("name")) or reader.text(older.get("name")),
            "user_hash": reader.user(used.get("user")) or reader.user(older.get("user")),
            "target_user_hash": reader.user(used.get("target_user")),
            "target_message_id": used.get("target_message_id"),
        }
    )


def _subscription(source: Row, reader: Reader) -> Row:
    return kept(
        {
            "listing_id": source.get("role_subscription_listing_id"),
            "tier_name": reader.text(source.get("tier_name")),
            "months": source.get("total_months_subscribed"),
            "is_renewal": source.get("is_renewal"),
        }
    )


def read_file(source: Row, reader: Reader) -> Row:
    """Return an attachment's row without its message."""
    expiry = parse_qs(urlsplit(source["url"]).query).get("ex")
    return {
        "platform_id": source["id"],
        "filename": reader.text(source["filename"]),
        "size_bytes": source.get("size"),
        "content_type": source.get("content_type") or None,
        "url": reader.text(source["url"]),
        "url_expires_at": datetime.fromtimestamp(int(expiry[0], 16), UTC) if expiry else None,
        "metadata": reader.file_facts(source),
    }


def read_totals(source: Row) -> Iterator[Row]:
    """Yield the rows of an emoji's two kinds without their message; none where Discord does not say which emoji."""
    emoji, details = source["emoji"], source.get("count_details") or {}
    if not emoji.get("id") and not emoji.get("name"):
        return
    shown = emoji.get("name") or "_"
    if emoji.get("id"):
        shown = f"<{'a' if emoji.get('animated') else ''}:{shown}:{emoji['id']}>"
    burst = details.get("burst") or 0
    for is_burst, count in ((False, source["count"] - burst), (True, burst)):
        if count > 0:
            yield {"emoji_key": emoji.get("id") or emoji["name"], "burst": is_burst, "emoji": shown, "count": count}
