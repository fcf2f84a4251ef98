"""The world's objects as Discord's API writes them, all in one place for who needs several kinds."""

from adapters.discord.simulator.account_payloads import (
    application_payload,
    ready_user,
    self_user_payload,
    user_payload,
)
from adapters.discord.simulator.channel_payloads import (
    active_threads,
    archived_threads,
    channel_payload,
    gateway_channel_payload,
    rest_channels,
    thread_member,
    thread_payload,
)
from adapters.discord.simulator.guild_payloads import (
    emoji_payload,
    gateway_guild_payload,
    guild_create,
    guild_payload,
    member_payload,
    role_payload,
    unavailable_guild,
)
from adapters.discord.simulator.message_payloads import without_content

__all__ = [
    "active_threads",
    "application_payload",
    "archived_threads",
    "channel_payload",
    "emoji_payload",
    "gateway_channel_payload",
    "gateway_guild_payload",
    "guild_create",
    "guild_payload",
    "member_payload",
    "ready_user",
    "rest_channels",
    "role_payload",
    "self_user_payload",
    "thread_member",
    "thread_payload",
    "unavailable_guild",
    "user_payload",
    "without_content",
]
