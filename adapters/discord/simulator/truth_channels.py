"""Which channels and threads an archive lists, and why it reads them or not: docs/discord-mapping.md, section 2."""

from collections.abc import Iterator

from adapters.discord.simulator.ids import iso, iso_or_none
from adapters.discord.simulator.model import CATEGORY, POST_TYPES, PRIVATE_THREAD, VOICE_TYPES, Channel, Guild, Tag
from adapters.discord.simulator.permissions import can_read, can_view
from adapters.discord.simulator.truth_parts import Reader, Row, kept

_TYPES = {0: "text", 2: "text", 5: "text", 13: "text", 4: "category", 15: "forum", 16: "forum"}
_THREADS = {10: "thread", 11: "thread", 12: "thread"}


def skip_reason(guild: Guild, channel: Channel) -> str | None:
    """Return why a channel or thread is not archived; None where it is."""
    if channel.type == PRIVATE_THREAD:
        return "not_public"
    if channel.is_thread:
        return skip_reason(guild, guild.channels[channel.parent_id or 0])
    if not can_view(guild, channel, "bot"):
        return "obfuscated"
    if channel.type not in _TYPES or channel.type == CATEGORY:
        return "unsupported"
    if not can_read(guild, channel, "everyone"):
        return "not_public"
    return None if can_read(guild, channel, "bot") else "bot_lacks_access"


def listed(guild: Guild) -> Iterator[Channel]:
    """List what a sync of an untouched archive comes across.

    Active threads where the bot can view them; archived ones where their parent is archived, for only there they
    are listed.
    """
    yield from guild.channels.values()
    for thread in guild.threads.values():
        if not thread.archived:
            if can_view(guild, thread, "bot"):
                yield thread
        elif thread.type != PRIVATE_THREAD and skip_reason(guild, thread) is None:
            yield thread


def channel_row(guild: Guild, channel: Channel, reader: Reader) -> Row:
    """Return a channel's row."""
    reason = skip_reason(guild, channel)
    is_hidden = reason == "obfuscated"
    return {
        "platform_id": str(channel.id),
        "parent_platform_id": None if channel.parent_id is None else str(channel.parent_id),
        "name": None if is_hidden else reader.text(channel.name),
        "type": (_TYPES | _THREADS).get(channel.type, "other"),
        "sync_state": "archived" if reason is None else "skipped",
        "skip_reason": reason,
        "metadata": _hidden(channel) if is_hidden else _metadata(channel, reader),
    }


def _hidden(channel: Channel) -> Row:
    return {"platform_type": channel.type, "position": channel.position}


def _metadata(channel: Channel, reader: Reader) -> Row:
    facts: Row = {"platform_type": channel.type, "flags": channel.flags}
    if not channel.is_thread:
        facts["position"] = channel.position
    if channel.type != CATEGORY:
        facts["rate_limit_per_user"] = channel.rate_limit_per_user
    if channel.type != CATEGORY and not channel.is_thread:
        facts |= {"topic": reader.text(channel.topic), "nsfw": channel.nsfw}
    if channel.type in VOICE_TYPES:
        facts |= {"bitrate": channel.bitrate, "user_limit": channel.user_limit}
    if channel.type in POST_TYPES:
        facts["available_tags"] = [_tag(tag, reader) for tag in channel.available_tags]
        facts["default_forum_layout"] = channel.default_forum_layout
        facts["default_sort_order"] = channel.default_sort_order
    if channel.is_thread:
        facts |= _thread(channel, reader)
    return kept(facts, "flags", "rate_limit_per_user", "user_limit", "default_forum_layout")


def _tag(tag: Tag, reader: Reader) -> Row:
    emoji_id = None if tag.emoji_id is None else str(tag.emoji_id)
    name, emoji_name = reader.text(tag.name), reader.text(tag.emoji_name)
    return kept(
        {"id": str(tag.id), "name": name, "moderated": tag.moderated, "emoji_id": emoji_id, "emoji_name": emoji_name}
    )


def _thread(thread: Channel, reader: Reader) -> Row:
    return {
        "applied_tags": [str(tag_id) for tag_id in thread.applied_tags],
        "archived": thread.archived,
        "locked": thread.locked,
        "invitable": thread.invitable,
        "archive_timestamp": iso_or_none(thread.archive_timestamp),
        "auto_archive_duration": thread.auto_archive_duration,
        "create_timestamp": None if thread.create_timestamp is None else iso(thread.create_timestamp),
        "message_count": thread.message_count,
        "total_message_sent": thread.total_message_sent,
        "owner_hash": None if thread.owner_id is None else reader.hash_of(str(thread.owner_id)),
    }
