"""Decode a page of messages into what is read of it: typed where most messages are alike, as it was sent elsewhere.

What is not read is skipped, so that decoding takes a third of the time and memory. An answer, or a message of one, that
does not have these types is decoded as before, into plain dicts (docs/decisions/0022).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
import orjson
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters.discord.convert.payload import Payload, snowflake

_NULL = Raw(b"null")
_Rare: TypeAlias = Raw | UnsetType


class Referenced(Struct, gc=False):
    """The message that another one refers to."""

    author: Raw = _NULL
    member: _Rare = UNSET


class TypedMessage(Struct, gc=False):
    """A message of a page: each field that the conversion reads, and no other one."""

    id: str
    channel_id: str
    type: int
    content: str
    author: Raw
    timestamp: str
    edited_timestamp: str | None = None
    flags: int = 0
    pinned: bool = False
    tts: bool = False
    mention_everyone: bool = False
    mentions: list[Raw] = []
    mention_roles: list[str] = []
    attachments: list[Raw] = []
    embeds: list[Raw] = []
    reactions: list[Raw] = []
    message_reference: _Rare = UNSET
    referenced_message: Referenced | UnsetType | None = UNSET
    webhook_id: _Rare = UNSET
    # What few messages have.
    components: list[Raw] = []
    member: _Rare = UNSET
    mention_channels: _Rare = UNSET
    sticker_items: _Rare = UNSET
    message_snapshots: _Rare = UNSET
    poll: _Rare = UNSET
    activity: _Rare = UNSET
    interaction: _Rare = UNSET
    interaction_metadata: _Rare = UNSET
    application_id: _Rare = UNSET
    thread: _Rare = UNSET
    role_subscription_data: _Rare = UNSET

    def has_rare_parts(self) -> bool:
        """Find out whether the message holds anything that few messages have."""
        has_none = (
            self.member
            is self.mention_channels
            is self.sticker_items
            is self.message_snapshots
            is self.poll
            is self.activity
            is self.interaction
            is self.interaction_metadata
            is self.application_id
            is self.thread
            is self.role_subscription_data
            is UNSET
        )
        return not has_none or bool(self.components)


SentMessage: TypeAlias = Payload | TypedMessage
"""A message of a page, by either way of decoding."""

_PAGE = msgspec.json.Decoder(list[TypedMessage])
_PARTS = msgspec.json.Decoder(list[Raw])
_MESSAGE = msgspec.json.Decoder(TypedMessage)
_REFUSED = (msgspec.MsgspecError, RecursionError)


def decode_page(text: str) -> list[Any] | None:
    """Decode a page of messages; None where it is no list, or has to be decoded as any other answer."""
    try:
        return _PAGE.decode(text)
    except _REFUSED:
        pass
    try:
        return [_decode_message(part) for part in _PARTS.decode(text)]
    except (*_REFUSED, ValueError):
        return None


def _decode_message(part: Raw) -> Any:
    try:
        return _MESSAGE.decode(part)
    except _REFUSED:
        return orjson.loads(memoryview(part))


def plain(part: object) -> Any:
    """Decode a part that was kept as it was sent, in the way in which whole answers are decoded."""
    if not isinstance(part, Raw):
        return part
    try:
        return orjson.loads(memoryview(part))
    except orjson.JSONDecodeError:  # it is nested deeper than orjson reads; lone surrogates are refused before
        return json.loads(bytes(part))


def as_payload(message: SentMessage) -> Payload:
    """Return a message as a payload of what is read of it."""
    if not isinstance(message, TypedMessage):
        return message
    given = {name: value for name in message.__struct_fields__ if (value := getattr(message, name)) is not UNSET}
    return {name: _as_plain(value) for name, value in given.items()}


def _as_plain(value: object) -> Any:
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, Referenced):
        return {"author": plain(value.author)} | ({} if value.member is UNSET else {"member": plain(value.member)})
    return plain(value)


def as_payloads(page: Iterable[object]) -> Iterator[Payload]:
    """Yield the messages of a page as payloads, without what is no message."""
    return (as_payload(message) for message in page if isinstance(message, (TypedMessage, dict)))


def own_messages(page: Iterable[object], channel_id: str) -> list[SentMessage]:
    """Return the messages of a page that belong to its channel."""
    return [
        message
        for message in page
        if isinstance(message, (TypedMessage, dict)) and _channel_of(message) in (channel_id, None)
    ]


def _channel_of(message: SentMessage) -> str | None:
    return snowflake(message.channel_id if isinstance(message, TypedMessage) else message.get("channel_id"))


def ids_of(messages: Iterable[SentMessage]) -> list[int]:
    """Return the ids of messages as numbers, without those that have none."""
    ids = (snowflake(m.id if isinstance(m, TypedMessage) else m.get("id")) for m in messages)
    return [int(message_id) for message_id in ids if message_id]
