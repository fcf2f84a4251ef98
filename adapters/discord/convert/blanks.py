"""Decide whether a message shows content that Discord withholds from bots without the Message Content intent.

https://docs.discord.com/developers/events/gateway#message-content-intent
"""

from collections.abc import Iterable

import discord

from adapters.discord.convert.payload import Payload, as_int, as_object, as_objects, snowflake

_Type = discord.MessageType
# What people and programs write; the notices of polls and of AutoMod have embeds.
_WRITTEN = frozenset(
    kind.value
    for kind in (
        _Type.default,
        _Type.reply,
        _Type.chat_input_command,
        _Type.context_menu_command,
        _Type.auto_moderation_action,
        _Type.poll_result,
    )
)
# Notices whose text is a name or a topic, never empty. Whether Discord withholds it is not documented.
_NAMING = frozenset(
    kind.value
    for kind in (
        _Type.channel_name_change,
        _Type.channel_follow_add,
        _Type.thread_created,
        _Type.stage_start,
        _Type.stage_topic,
    )
)
_SHOWING = _WRITTEN | _NAMING
_NOTHING_TO_SHOW = 1 << 2 | 1 << 7  # the embeds were suppressed; a command's answer is still being made
_WITHHELD = ("content", "embeds", "attachments", "components", "poll")
# content that is not withheld: a message with it may have no text
_KEPT = ("sticker_items", "message_snapshots", "activity")


def shows_content(message: Payload, bot_id: str) -> bool | None:
    """Return True where content shows, False where it is missing, None where neither can be concluded.

    Discord never withholds the content of the bot's own messages and of those that mention it. Most system messages
    have none, and one whose embeds were suppressed may have had nothing else.
    """
    kind = as_int(message.get("type"))
    if kind not in _SHOWING or _concerns(message, bot_id):
        return None
    if any(message.get(key) for key in _WITHHELD):
        return True if kind in _WRITTEN else None
    flags = as_int(message.get("flags")) or 0
    return None if flags & _NOTHING_TO_SHOW or any(message.get(key) for key in _KEPT) else False


def is_blanked(page: Iterable[Payload], bot_id: str) -> bool:
    """Return whether a page looks withheld: it has messages that should have content, and none has."""
    is_any_blank = False
    for message in page:
        shows = shows_content(message, bot_id)
        if shows:
            return False
        is_any_blank = is_any_blank or shows is False
    return is_any_blank


def _concerns(message: Payload, bot_id: str) -> bool:
    people = (as_object(message.get("author")), *as_objects(message.get("mentions")))
    return any(snowflake(one.get("id")) == bot_id for one in people)
