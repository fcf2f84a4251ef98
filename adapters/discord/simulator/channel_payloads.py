"""Channels and threads as Discord's API writes them: whole, and obfuscated where the bot may not look.

https://docs.discord.com/developers/resources/channel
"""

from datetime import datetime

from adapters.discord.simulator.ids import iso, iso_or_none, time_of
from adapters.discord.simulator.model import (
    POST_TYPES,
    PRIVATE_THREAD,
    VOICE_TYPES,
    Channel,
    Guild,
    Overwrite,
    Tag,
    World,
)
from adapters.discord.simulator.permissions import VIEW_CHANNEL, can_view
from adapters.discord.simulator.store import Payload

HIDDEN_NAME = "___hidden___"
OBFUSCATED = 1 << 17


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def overwrite_payload(overwrite: Overwrite) -> Payload:
    """Return a permission overwrite; of type 1 it names a user."""
    return {
        "id": str(overwrite.id),
        "type": overwrite.type,
        "allow": str(overwrite.allow),
        "deny": str(overwrite.deny),
    }


def tag_payload(tag: Tag) -> Payload:
    """Return a forum's tag."""
    return {
        "id": str(tag.id),
        "name": tag.name,
        "moderated": tag.moderated,
        "emoji_id": _id(tag.emoji_id),
        "emoji_name": tag.emoji_name,
    }


def channel_payload(world: World, guild: Guild, channel: Channel) -> Payload:
    """Return a channel or thread as REST gives it to who may see it."""
    if channel.is_thread:
        return thread_payload(guild, channel)
    payload: Payload = {
        "id": str(channel.id),
        "type": channel.type,
        "flags": channel.flags,
        "guild_id": str(guild.id),
        "name": channel.name,
        "parent_id": _id(channel.parent_id),
        "position": channel.position,
        "permission_overwrites": [overwrite_payload(overwrite) for overwrite in channel.overwrites],
    }
    if channel.type == 4:
        return payload
    payload |= _head(channel)
    payload |= {
        "rate_limit_per_user": channel.rate_limit_per_user,
        "topic": channel.topic,
        "nsfw": channel.nsfw,
    }
    if channel.last_pin_timestamp is not None:
        payload["last_pin_timestamp"] = iso(channel.last_pin_timestamp)
    if channel.type in VOICE_TYPES:
        payload |= {"bitrate": channel.bitrate, "user_limit": channel.user_limit, "rtc_region": None}
    if channel.type in POST_TYPES:
        payload |= _post_fields(channel)
    return payload


def _head(channel: Channel) -> Payload:
    return {} if channel.omits_head else {"last_message_id": _id(channel.last_message_id)}


def _post_fields(channel: Channel) -> Payload:
    return {
        "available_tags": [tag_payload(tag) for tag in channel.available_tags],
        "default_reaction_emoji": {"emoji_id": None, "emoji_name": "👍"},
        "default_sort_order": channel.default_sort_order,
        "default_forum_layout": channel.default_forum_layout,
        "default_tag_setting": "match_some",
        "default_auto_archive_duration": 4320,
        "default_thread_rate_limit_per_user": 0,
    }


def gateway_channel_payload(world: World, guild: Guild, channel: Channel) -> Payload:
    """Return a channel as the gateway gives it: without VIEW_CHANNEL, obfuscated (mandatory since 2026-11-16)."""
    if channel.is_thread or can_view(guild, channel):
        return channel_payload(world, guild, channel)
    payload = dict.fromkeys(channel_payload(world, guild, channel)) | {
        "id": str(channel.id),
        "type": channel.type,
        "guild_id": str(guild.id),
        "parent_id": _id(channel.parent_id),
        "position": channel.position,
        "name": HIDDEN_NAME,
        "flags": channel.flags | OBFUSCATED,
        "permission_overwrites": [overwrite_payload(Overwrite(guild.id, 0, deny=VIEW_CHANNEL))],
    }
    if channel.type in POST_TYPES:
        payload["available_tags"] = []
    if channel.type in VOICE_TYPES:
        if world.obfuscated_voice_keeps_bitrate:
            payload |= {"bitrate": channel.bitrate, "user_limit": channel.user_limit}
        else:
            del payload["bitrate"], payload["user_limit"]
    return payload


def thread_payload(guild: Guild, thread: Channel) -> Payload:
    """Return a thread; ``member`` is there only where the bot has joined it."""
    payload: Payload = {
        "id": str(thread.id),
        "type": thread.type,
        "flags": thread.flags,
        "guild_id": str(guild.id),
        "name": thread.name,
        "parent_id": _id(thread.parent_id),
        "owner_id": _id(thread.owner_id),
        **_head(thread),
        "rate_limit_per_user": thread.rate_limit_per_user,
        "message_count": thread.message_count,
        "member_count": thread.member_count,
        "total_message_sent": thread.total_message_sent,
        "thread_metadata": _thread_metadata(thread),
    }
    if thread.applied_tags:
        payload["applied_tags"] = [str(tag_id) for tag_id in thread.applied_tags]
    if guild.bot_id in thread.member_ids:
        payload["member"] = thread_member(thread, guild.bot_id)
    return payload


def _thread_metadata(thread: Channel) -> Payload:
    payload: Payload = {
        "archived": thread.archived,
        "archive_timestamp": iso_or_none(thread.archive_timestamp),
        "auto_archive_duration": thread.auto_archive_duration,
        "locked": thread.locked,
    }
    if thread.create_timestamp is not None:
        payload["create_timestamp"] = iso(thread.create_timestamp)
    if thread.type == PRIVATE_THREAD:
        payload["invitable"] = bool(thread.invitable)
    return payload


def thread_member(thread: Channel, user_id: int) -> Payload:
    """Return who joined a thread, and when."""
    joined = iso(thread.create_timestamp or time_of(thread.id))
    return {"id": str(thread.id), "user_id": str(user_id), "join_timestamp": joined, "flags": 0}


def rest_channels(world: World, guild: Guild) -> list[Payload]:
    """GET /guilds/{guild_id}/channels: without threads, and without what the bot cannot view."""
    return [channel_payload(world, guild, channel) for channel in guild.channels.values() if can_view(guild, channel)]


def active_threads(world: World, guild: Guild) -> Payload:
    """GET /guilds/{guild_id}/threads/active: all at once, newest id first, private ones too."""
    shown = (thread for thread in guild.threads.values() if not thread.archived and not thread.unlisted)
    threads = [thread for thread in shown if can_view(guild, thread)]
    return _listing(guild, sorted(threads, key=lambda thread: -thread.id), has_more=False)


def archived_threads(
    world: World, guild: Guild, channel_id: int, before: datetime | None = None, limit: int = 50
) -> tuple[list[Payload], bool]:
    """Return a channel's public archived threads, last archived first; and whether there are more.

    ``before`` is exclusive, so of threads archived at one instant across a page's edge some are never listed.
    """
    indexed_until = world.ids.now - world.archive_index_delay
    found = [
        thread
        for thread in guild.threads.values()
        if thread.parent_id == channel_id
        and thread.archived
        and not thread.unlisted
        and thread.type != PRIVATE_THREAD
        and thread.archive_timestamp is not None
        and (before is None or thread.archive_timestamp < before)
        and (not world.archive_index_delay or thread.archive_timestamp <= indexed_until)
    ]
    found.sort(key=lambda thread: (thread.archive_timestamp, thread.id), reverse=True)
    return [thread_payload(guild, thread) for thread in found[:limit]], len(found) > limit


def threads_listing(guild: Guild, threads: list[Payload], has_more: bool) -> Payload:
    """Return the body around listed threads, with the bot's memberships in them."""
    members = [thread["member"] for thread in threads if "member" in thread]
    return {"threads": threads, "members": members, "has_more": has_more}


def _listing(guild: Guild, threads: list[Channel], *, has_more: bool) -> Payload:
    return threads_listing(guild, [thread_payload(guild, thread) for thread in threads], has_more)
