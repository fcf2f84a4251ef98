"""What the message-content privilege hides, and from whom.

https://docs.discord.com/developers/events/gateway#message-content-intent
"""

from typing import Any

from adapters.discord.simulator.payloads import without_content

GUILDS = 1 << 0
GUILD_MESSAGES = 1 << 9
GUILD_MESSAGE_REACTIONS = 1 << 10
MESSAGE_CONTENT = 1 << 15

WITH_CONTENT = ("MESSAGE_CREATE", "MESSAGE_UPDATE")
"""Events that hold a message."""

KNOWN_INTENTS = (1 << 17) - 1 | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25

PRIVILEGES = {
    1 << 1: 0b11 << 14,  # GUILD_MEMBERS
    1 << 8: 0b11 << 12,  # GUILD_PRESENCES
    MESSAGE_CONTENT: 0b11 << 18,
}
"""Privileged intents, with the application flags (full, limited) of which one grants it."""

_EVENT_INTENTS = {
    "GUILD_MEMBER": 1 << 1,
    "GUILD_BAN": 1 << 2,
    "GUILD_EMOJIS": 1 << 3,
    "GUILD_STICKERS": 1 << 3,
    "GUILD_INTEGRATIONS": 1 << 4,
    "WEBHOOKS": 1 << 5,
    "INVITE": 1 << 6,
    "VOICE_STATE": 1 << 7,
    "PRESENCE": 1 << 8,
    "MESSAGE_REACTION": GUILD_MESSAGE_REACTIONS,
    "MESSAGE_POLL": 1 << 24,
    "MESSAGE": GUILD_MESSAGES,
    "TYPING": 1 << 11,
    "GUILD_SCHEDULED_EVENT": 1 << 16,
    "THREAD": GUILDS,
    "CHANNEL": GUILDS,
    "STAGE": GUILDS,
    "GUILD": GUILDS,
}
"""Event name prefixes, the more special ones first."""


def intent_of(event: str) -> int:
    """Return the intent that an event needs, 0 for none."""
    return next((intent for prefix, intent in _EVENT_INTENTS.items() if event.startswith(prefix)), 0)


def granted(intents: int, application_flags: int) -> bool:
    """Return whether the application may use all the privileged intents among these."""
    return all(application_flags & flags for intent, flags in PRIVILEGES.items() if intents & intent)


def blank(message: dict[str, Any], bot_id: str) -> dict[str, Any]:
    """Return a message as a bot without the privilege gets it. Its own, and those that mention it, stay whole."""
    if _concerns(message, bot_id):
        return message
    blanked = without_content(message)
    referenced = blanked.get("referenced_message")
    if referenced and not _concerns(referenced, bot_id):
        blanked["referenced_message"] = without_content(referenced)
    return blanked


def _concerns(message: dict[str, Any], bot_id: str) -> bool:
    users = [message.get("author") or {}, *(message.get("mentions") or ())]
    return any(user.get("id") == bot_id for user in users)
