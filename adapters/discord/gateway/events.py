"""Turn a gateway event of a message into a live event, private already (docs/discord-mapping.md, section 3)."""

from collections.abc import Callable
from typing import Any

from adapters.discord.convert import (
    Payload,
    Scrubber,
    as_int,
    as_object,
    emoji_of,
    message_record,
    replies,
    snowflake,
    snowflakes,
    timestamp,
)
from adapters.events import (
    ChannelRef,
    LiveEvent,
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessageMissed,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
)
from adapters.privacy import HashUser
from adapters.records import MessageRecord

MESSAGE_CREATE = "MESSAGE_CREATE"
MESSAGE_EVENTS = frozenset(
    {
        MESSAGE_CREATE,
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_DELETE_BULK",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "MESSAGE_REACTION_REMOVE_ALL",
        "MESSAGE_REACTION_REMOVE_EMOJI",
    }
)

_HAS_THREAD, _EPHEMERAL, _LOADING = 1 << 5, 1 << 6, 1 << 7
_FORWARD = 1
_ORDINARY_TYPES = (0, 19)
_BARE_TYPES = (6, 7, 8, 9, 10, 11, 14, 15, 16, 17, 21, 22)  # notices without content: pins, joins, boosts...
# https://discord.com/developers/docs/resources/message#message-object, the fields that are always there
_ALWAYS: dict[str, Callable[[Any], bool]] = {
    "type": lambda value: as_int(value) is not None,
    "content": lambda value: isinstance(value, str),
    "author": lambda value: snowflake(as_object(value).get("id")) is not None,
    "timestamp": lambda value: timestamp(value) is not None,
    "edited_timestamp": lambda value: value is None or timestamp(value) is not None,
    **dict.fromkeys(("pinned", "tts", "mention_everyone"), lambda value: isinstance(value, bool)),
    **dict.fromkeys(("mentions", "mention_roles", "attachments", "embeds"), lambda value: isinstance(value, list)),
}
_CONTENT_KEYS = ("content", "attachments", "embeds", "components", "sticker_items", "poll", "message_snapshots")


def channel_ref(data: Payload) -> ChannelRef | None:
    """Return the channel of an event; None for one of no guild, or an unreadable one."""
    guild_id, channel_id = snowflake(data.get("guild_id")), snowflake(data.get("channel_id"))
    return ChannelRef(tenant_platform_id=guild_id, platform_id=channel_id) if guild_id and channel_id else None


def live_event(event: str, data: Payload, channel: ChannelRef, hash_user: HashUser) -> LiveEvent | None:
    """Return what an event in a public channel shows; None for nothing.

    Raises:
        ValueError: not even a message's id can be read.
    """
    match event:
        case "MESSAGE_CREATE":
            return _created(data, channel, hash_user)
        case "MESSAGE_UPDATE":
            return _edited(data, channel, hash_user)
        case "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE":
            return _reaction(data, channel, hash_user, is_given=event.endswith("ADD"))
        case "MESSAGE_REACTION_REMOVE_ALL":
            return ReactionsCleared(channel=channel, message_platform_id=_message_id(data), emoji_key=None)
        case "MESSAGE_REACTION_REMOVE_EMOJI":
            emoji = emoji_of(data.get("emoji"), Scrubber(hash_user))
            message_id = _message_id(data)
            return (
                ReactionsCleared(channel=channel, message_platform_id=message_id, emoji_key=emoji[0])
                if emoji
                else invalidated(data, channel)
            )
    return ids_only(event, data, channel)


def ids_only(event: str, data: Payload, channel: ChannelRef) -> LiveEvent | None:
    """Return what may leave of an event in a channel that is not known to be public: which messages it is about.

    Raises:
        ValueError: not even a message's id can be read.
    """
    if event == MESSAGE_CREATE and _message_id(data):
        return None  # it waits until the channel is shown
    if event == "MESSAGE_DELETE":
        return MessagesDeleted(channel=channel, message_platform_ids=(_message_id(data),))
    if event == "MESSAGE_DELETE_BULK":
        ids = tuple(snowflakes(data.get("ids")))
        if not ids and data.get("ids") != []:
            raise ValueError("no message's id")
        return MessagesDeleted(channel=channel, message_platform_ids=ids) if ids else None
    return invalidated(data, channel)


def invalidated(data: Payload, channel: ChannelRef) -> MessageInvalidated:
    """Return that a message has to be read again.

    Raises:
        ValueError: its id cannot be read.
    """
    return MessageInvalidated(channel=channel, message_platform_id=_message_id(data))


def missed(data: Payload, channel: ChannelRef) -> MessageMissed:
    """Return that a new message has to be read.

    Raises:
        ValueError: its id cannot be read.
    """
    return MessageMissed(channel=channel, message_platform_id=_message_id(data))


def is_whole(payload: Payload) -> bool:
    """Return whether a record of this payload is as good as one of the message read by REST.

    All that Discord always sends has to be there, and what the message itself refers to: the thread on it, the
    original of a reply or of a forward. An ordinary message without any content is not whole: that is how Discord
    blanks what a bot may not read.
    """
    if not all(key in payload and is_right(payload[key]) for key, is_right in _ALWAYS.items()):
        return False
    if (as_int(payload.get("flags")) or 0) & _HAS_THREAD and not snowflake(as_object(payload.get("thread")).get("id")):
        return False
    if replies(payload) and "referenced_message" not in payload:
        return False
    if as_object(payload.get("message_reference")).get("type") == _FORWARD and not payload.get("message_snapshots"):
        return False
    return payload["type"] not in _ORDINARY_TYPES or any(payload.get(key) for key in _CONTENT_KEYS)


def _edited(data: Payload, channel: ChannelRef, hash_user: HashUser) -> MessageEdited | MessageInvalidated:
    if not is_whole(data):
        return invalidated(data, channel)
    record = _without_reactions(data, channel, hash_user)
    return MessageEdited(channel=channel, message=record) if record else invalidated(data, channel)


def _created(data: Payload, channel: ChannelRef, hash_user: HashUser) -> MessageCreated | MessageMissed | None:
    """Return a new message, or that it has to be read; None for one that only its addressee sees.

    Of what has content nothing is believed that shows none: it may be withheld.
    """
    _message_id(data)
    flags = as_int(data.get("flags")) or 0
    if flags & _EPHEMERAL:
        return None
    shows = any(data.get(key) for key in _CONTENT_KEYS) or data.get("type") in _BARE_TYPES or flags & _LOADING
    record = _without_reactions(data, channel, hash_user) if shows and is_whole(data) else None
    return MessageCreated(channel=channel, message=record) if record else missed(data, channel)


def _without_reactions(data: Payload, channel: ChannelRef, hash_user: HashUser) -> MessageRecord | None:
    """Return the record of a message without its reactions, which have events of their own."""
    payload = {key: value for key, value in data.items() if key != "reactions"} if "reactions" in data else data
    return message_record(payload, channel.platform_id, hash_user)


def _reaction(
    data: Payload, channel: ChannelRef, hash_user: HashUser, *, is_given: bool
) -> ReactionChanged | MessageInvalidated:
    message_id, user_id = snowflake(data.get("message_id")), snowflake(data.get("user_id"))
    emoji = emoji_of(data.get("emoji"), Scrubber(hash_user))
    if message_id is None or user_id is None or emoji is None or not isinstance(data.get("burst"), bool):
        return invalidated(data, channel)
    key, shown = emoji
    return ReactionChanged(
        channel=channel,
        message_platform_id=message_id,
        emoji_key=key,
        emoji=shown,
        user_hash=hash_user(user_id),
        burst=data["burst"],
        is_given=is_given,
    )


def _message_id(data: Payload) -> str:
    message_id = snowflake(data.get("message_id", data.get("id")))
    if message_id is None:
        raise ValueError("no message's id")
    return message_id
