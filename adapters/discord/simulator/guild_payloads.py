"""Guilds, with their roles, emoji and members, as Discord's API and gateway write them.

https://docs.discord.com/developers/resources/guild
"""

from adapters.discord.simulator.account_payloads import user_payload
from adapters.discord.simulator.channel_payloads import gateway_channel_payload, thread_payload
from adapters.discord.simulator.ids import iso
from adapters.discord.simulator.model import Emoji, Guild, Role, User, World
from adapters.discord.simulator.permissions import can_view
from adapters.discord.simulator.store import Payload


def role_payload(role: Role) -> Payload:
    """Return a role."""
    payload: Payload = {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": role.hoist,
        "managed": role.managed,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if role.bot_id is not None:
        payload["tags"] = {"bot_id": str(role.bot_id)}
    return payload


def emoji_payload(guild: Guild, emoji: Emoji) -> Payload:
    """Return a guild's own emoji, with who uploaded it."""
    payload: Payload = {
        "id": str(emoji.id),
        "name": emoji.name,
        "roles": [],
        "require_colons": True,
        "managed": False,
        "animated": emoji.animated,
        "available": True,
    }
    if emoji.user_id in guild.users:
        payload["user"] = user_payload(guild.users[emoji.user_id])
    return payload


def member_payload(guild: Guild, user: User, *, with_user: bool = True) -> Payload:
    """Return a member of a guild; gateway messages carry it without its user."""
    is_bot = user.id == guild.bot_id
    payload: Payload = {
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": iso(guild.joined_at),
        "nick": guild.bot_nick if is_bot else guild.nicks.get(user.id),
        "pending": False,
        "premium_since": None,
        "roles": [str(role_id) for role_id in guild.bot_role_ids if role_id != guild.id] if is_bot else [],
        "mute": False,
        "deaf": False,
    }
    if with_user:
        payload["user"] = user_payload(user)
    return payload


def guild_payload(guild: Guild) -> Payload:
    """GET /guilds/{guild_id}."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "description": guild.description,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": ["COMMUNITY"],
        "banner": None,
        "owner_id": str(guild.owner_id),
        "application_id": None,
        "region": "us-central",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 1,
        "roles": [role_payload(role) for role in guild.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 2,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [emoji_payload(guild, emoji) for emoji in guild.emojis],
        "stickers": [],
        "incidents_data": None,
    }


def gateway_guild_payload(guild: Guild) -> Payload:
    """Return the guild object of GUILD_UPDATE, with what the gateway adds to it."""
    return guild_payload(guild) | {"guild_id": str(guild.id)}


def guild_create(world: World, guild: Guild) -> Payload:
    """GUILD_CREATE: the guild with everything in it that the bot may know of.

    The key ``unavailable`` is left to the caller: absent on a join, else false.
    """
    members = [world.bot, *(user for user in guild.users.values() if user.id != world.bot.id)]
    return guild_payload(guild) | {
        "joined_at": iso(guild.joined_at),
        "large": len(members) > 250,
        "member_count": len(members),
        "members": [member_payload(guild, member) for member in members[:1]],
        "presences": [],
        "voice_states": [],
        "channels": [gateway_channel_payload(world, guild, channel) for channel in guild.channels.values()],
        "threads": [
            thread_payload(guild, thread)
            for thread in guild.threads.values()
            if not thread.archived and can_view(guild, thread)
        ],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def unavailable_guild(guild: Guild) -> Payload:
    """Return a guild as READY lists it, and as GUILD_DELETE shows an outage."""
    return {"id": str(guild.id), "unavailable": True}
