"""Decide whether a message shows content that Discord withholds from bots without the Message Content intent.

https://docs.discord.com/developers/events/gateway#message-content-intent
"""

from collections.abc import Iterable

from adapters.discord.convert.payload import Payload, as_int, as_object, as_objects, snowflake

_ORDINARY_TYPES = (0, 19)
_SUPPRESSED_EMBEDS = 1 << 2
_WITHHELD = ("content", "embeds", "attachments", "components", "poll")
# content that is not withheld: a message with it may have no text
_KEPT = ("sticker_items", "message_snapshots", "activity")


def shows_content(message: Payload, bot_id: str) -> bool | None:
    """Return True where content shows, False where an ordinary message is blank, None where neither can be concluded.

    Discord never withholds the content of the bot's own messages and of those that mention it. System messages have
    little content of their own, and one whose embeds were suppressed may have had nothing else.
    """
    if as_int(message.get("type")) not in _ORDINARY_TYPES or _concerns(message, bot_id):
        return None
    if any(message.get(key) for key in _WITHHELD):
        return True
    flags = as_int(message.get("flags")) or 0
    return None if flags & _SUPPRESSED_EMBEDS or any(message.get(key) for key in _KEPT) else False


def is_blanked(page: Iterable[Payload], bot_id: str) -> bool:
    """Return whether a page looks withheld: it has ordinary messages, and every one of them is blank."""
    seen = {shows_content(message, bot_id) for message in page}
    return False in seen and True not in seen


def _concerns(message: Payload, bot_id: str) -> bool:
    people = (as_object(message.get("author")), *as_objects(message.get("mentions")))
    return any(snowflake(one.get("id")) == bot_id for one in people)
