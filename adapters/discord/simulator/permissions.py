"""Who may see what: Discord's rules, evaluated channel by channel (categories are not inherited).

https://docs.discord.com/developers/topics/permissions
"""

from typing import Final, Literal

from adapters.discord.simulator.model import CATEGORY, PRIVATE_THREAD, VOICE_TYPES, Channel, Guild

ADMINISTRATOR: Final = 1 << 3
ADD_REACTIONS: Final = 1 << 6
VIEW_CHANNEL: Final = 1 << 10
SEND_MESSAGES: Final = 1 << 11
READ_MESSAGE_HISTORY: Final = 1 << 16
CONNECT: Final = 1 << 20
MANAGE_THREADS: Final = 1 << 34
ALL: Final = (1 << 53) - 1
ORDINARY: Final = VIEW_CHANNEL | SEND_MESSAGES | ADD_REACTIONS | READ_MESSAGE_HISTORY | CONNECT | 1 << 14 | 1 << 15

Who = Literal["everyone", "bot"]


def permissions(guild: Guild, channel: Channel, who: Who = "everyone") -> int:
    """Return the bits a newcomer or the bot has in a channel; a thread has its parent's. 0 without VIEW_CHANNEL."""
    place = _ruling(guild, channel)
    if place is None:
        return 0
    bits = _base(guild, who)
    if bits & ADMINISTRATOR:
        return ALL
    bits = _apply(bits, place, {guild.id}, 0)
    if who == "bot":
        bits = _apply(bits, place, set(guild.bot_role_ids) - {guild.id}, 0)
        bits = _apply(bits, place, {guild.bot_id}, 1)
    return bits if bits & VIEW_CHANNEL else 0


def _ruling(guild: Guild, channel: Channel) -> Channel | None:
    if not channel.is_thread:
        return channel
    return guild.channels.get(channel.parent_id or 0)


def _base(guild: Guild, who: Who) -> int:
    bits = guild.everyone.permissions
    if who == "bot":
        if guild.owner_id == guild.bot_id:
            return ALL
        for role_id in guild.bot_role_ids:
            bits |= guild.roles[role_id].permissions
    return bits


def _apply(bits: int, channel: Channel, ids: set[int], kind: int) -> int:
    """Apply overwrites of one rank together: what any of them allows beats what another of them denies."""
    deny = allow = 0
    for overwrite in channel.overwrites:
        if overwrite.type == kind and overwrite.id in ids:
            deny |= overwrite.deny
            allow |= overwrite.allow
    return bits & ~deny | allow


def can_view(guild: Guild, channel: Channel, who: Who = "bot") -> bool:
    """Return whether the channel exists for them at all. What the bot cannot view is obfuscated.

    A category can be viewed where any channel in it can.
    """
    bits = permissions(guild, channel, who)
    if channel.type == PRIVATE_THREAD:
        is_member = who == "bot" and guild.bot_id in channel.member_ids
        return bool(bits & VIEW_CHANNEL) and (is_member or bool(bits & MANAGE_THREADS))
    if channel.type == CATEGORY and not bits:
        children = (child for child in guild.channels.values() if child.parent_id == channel.id)
        return any(can_view(guild, child, who) for child in children)
    return bool(bits & VIEW_CHANNEL)


def can_open(guild: Guild, channel: Channel, who: Who = "bot") -> bool:
    """Return whether its messages may be requested at all; in voice and stage channels that takes CONNECT too."""
    connected = channel.type not in VOICE_TYPES or bool(permissions(guild, channel, who) & CONNECT)
    return can_view(guild, channel, who) and connected


def can_read(guild: Guild, channel: Channel, who: Who = "bot") -> bool:
    """Return whether a request also shows something: without READ_MESSAGE_HISTORY the answer is an empty list."""
    return can_open(guild, channel, who) and bool(permissions(guild, channel, who) & READ_MESSAGE_HISTORY)
