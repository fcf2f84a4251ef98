"""Buffer changes by message: many events of one message become one change, with the last state of each kind."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from adapters.events import (
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
)
from adapters.records import ChannelRecord
from bot.live.trace import trace_ignored
from storage.live import MessageChange, ReactionState
from storage.unwritten import UnwrittenEvent

Key: TypeAlias = tuple[str, str, str]
"""A message: tenant (ours), channel and message (the platform's)."""

MessageEvent: TypeAlias = MessageEdited | MessagesDeleted | MessageInvalidated | ReactionChanged | ReactionsCleared
"""What becomes of messages that are stored."""

LARGEST = 20_000  # messages that wait to be written
_LARGEST_LOST = 50_000  # messages remembered by their ids alone, once there are more
_LARGEST_MET = 20_000  # messages remembered because events were about them


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """A channel as an event described it, and when the event was received."""

    record: ChannelRecord
    received_at: datetime
    is_new: bool = False  # it was made just now

    @property
    def is_hidden(self) -> bool:
        """Whether the channel must not be read from then on."""
        return self.record.skip_reason is not None


@dataclass(slots=True)
class LiveBatch:
    """Changes of messages that are written together."""

    changes: list[MessageChange] = field(default_factory=list)
    refused: list[UnwrittenEvent] = field(default_factory=list)  # by the database
    lost: set[Key] = field(default_factory=set)  # messages whose changes were dropped
    lost_tenants: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.changes or self.refused or self.lost or self.lost_tenants)

    def keep(self, concerns: Callable[[str], bool]) -> list[MessageChange]:
        """Keep what is of some tenants, and return the other changes."""
        dropped = [change for change in self.changes if not concerns(change.tenant_id)]
        self.changes = [change for change in self.changes if concerns(change.tenant_id)]
        self.refused = [event for event in self.refused if concerns(event.tenant_id)]
        self.lost = {key for key in self.lost if concerns(key[0])}
        self.lost_tenants = set(filter(concerns, self.lost_tenants))
        return dropped


class LiveBuffer:
    """Bounded: beyond its size it keeps only the ids of messages to refetch, beyond those only their tenants."""

    def __init__(self, largest: int = LARGEST, largest_lost: int = _LARGEST_LOST) -> None:
        self._largest = largest
        self._largest_lost = largest_lost
        self._messages: dict[Key, MessageChange] = {}
        self._channels = {kind: defaultdict[str, dict[str, ChannelEvent]](dict) for kind in (True, False)}
        """By whether they are hidden, tenant and channel."""
        self._met: dict[Key, None] = {}  # messages that other events than their creation were about
        self.lost: set[Key] = set()
        self.lost_tenants: set[str] = set()

    def add(self, tenant_id: str, event: MessageEvent) -> list[Key]:
        """Take in what became of stored messages; return the messages."""
        keys = list(_keys(tenant_id, event))
        for key in keys:
            self._meet(key)
            change = self._messages.get(key)
            if change is None and len(self._messages) < self._largest:
                tenant_id, channel_id, message_id = key
                change = self._messages[key] = MessageChange(
                    tenant_id=tenant_id,
                    channel_platform_id=channel_id,
                    message_platform_id=message_id,
                    sent_at=event.channel.message_sent_at,
                )
            if change is not None:
                _add(change, event)
            elif len(self.lost) < self._largest_lost:
                self.lost.add(key)
            else:
                self.lost_tenants.add(tenant_id)
        return keys

    def add_created(self, tenant_id: str, event: MessageCreated) -> bool:
        """Take a new message in; return False where that is not possible, and its channel has to be read.

        One whose other events came first is not taken: what they changed may be written, and not found, already.
        """
        key = tenant_id, event.channel.platform_id, event.message.platform_id
        known = self._messages.get(key)
        if known is not None and known.created is not None:
            return True  # an event may come twice
        if known is not None or key in self._met or len(self._messages) >= self._largest:
            trace_ignored(event, "other events of the message came first, or too many wait; the next sync reads it")
            return False
        self._messages[key] = MessageChange(
            tenant_id=tenant_id,
            channel_platform_id=event.channel.platform_id,
            message_platform_id=event.message.platform_id,
            created=event.message,
        )
        return True

    def add_missed(self, tenant_id: str, channel_id: str, message_id: str | None) -> None:
        """Take in that a new message has to be read by its id, if it is known and there is a place for it."""
        if message_id is None:
            return
        key = tenant_id, channel_id, message_id
        if key not in self._messages and len(self._messages) >= self._largest:
            if len(self.lost) < self._largest_lost:
                self.lost.add(key)
            return
        change = self._messages.setdefault(
            key,
            MessageChange(tenant_id=tenant_id, channel_platform_id=channel_id, message_platform_id=message_id),
        )
        change.is_missed = True

    def _meet(self, key: Key) -> None:
        self._met[key] = None
        if len(self._met) > _LARGEST_MET:
            del self._met[next(iter(self._met))]

    def add_channel(
        self, tenant_id: str, channel: ChannelRecord, received_at: datetime, *, is_new: bool = False
    ) -> None:
        """Take in a channel as it is now.

        That it was hidden is kept beside, for it is written first: what was changed in it meanwhile was not received,
        and has to be read again. What it was before it was hidden is let go of; only its name may be withheld now.
        """
        shown = self._channels[False].get(tenant_id, {})
        unwritten = shown.get(channel.platform_id)
        event = ChannelEvent(channel, received_at, is_new or (unwritten is not None and unwritten.is_new))
        if event.is_hidden and (before := shown.pop(channel.platform_id, None)):
            event = replace(event, record=replace(channel, name=channel.name or before.record.name))
        self._channels[event.is_hidden][tenant_id][channel.platform_id] = event

    def channel_events(self, *, hidden: bool) -> dict[str, list[ChannelEvent]]:
        """Return the channels that wait to be written, by tenant: the hidden ones, or the others."""
        return {tenant_id: list(events.values()) for tenant_id, events in self._channels[hidden].items() if events}

    def has_hidden(self, tenant_id: str) -> bool:
        """Whether hidden channels of a tenant wait to be written."""
        return tenant_id in self._channels[True]

    def hidden_channels(self) -> set[tuple[str, str]]:
        """Return the hidden channels that wait to be written, by tenant (ours) and platform id."""
        return {
            (tenant_id, channel_id) for tenant_id, waiting in self._channels[True].items() for channel_id in waiting
        }

    def channels_written(self, tenant_id: str, events: Iterable[ChannelEvent]) -> None:
        """Remove channels that were written, unless they changed meanwhile."""
        for event in events:
            waiting, channel_id = self._channels[event.is_hidden], event.record.platform_id
            if waiting[tenant_id].get(channel_id) is event:
                del waiting[tenant_id][channel_id]
            if not waiting[tenant_id]:
                del waiting[tenant_id]

    def drop_channel(self, tenant_id: str, channel_id: str) -> None:
        """Remove what waits to be written of a channel, but that it was hidden: that shows nothing again."""
        waiting = self._channels[False]
        if waiting.get(tenant_id, {}).pop(channel_id, None) and not waiting[tenant_id]:
            del waiting[tenant_id]

    @property
    def has_messages(self) -> bool:
        """Whether changes of messages wait to be written."""
        return bool(self._messages or self.lost or self.lost_tenants)

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Drop all of some tenants, but which of their channels are hidden."""
        self._messages = {key: change for key, change in self._messages.items() if not concerns(key[0])}
        self.lost = {key for key in self.lost if not concerns(key[0])}
        self.lost_tenants = {tenant_id for tenant_id in self.lost_tenants if not concerns(tenant_id)}
        for tenant_id in list(filter(concerns, self._channels[False])):
            del self._channels[False][tenant_id]

    def take(self, limit: int) -> LiveBatch:
        """Remove and return the oldest changes of messages, and all ids of dropped ones."""
        keys = [key for key, _ in zip(self._messages, range(limit), strict=False)]
        batch = LiveBatch(
            changes=[self._messages.pop(key) for key in keys],
            lost=self.lost,
            lost_tenants=self.lost_tenants,
        )
        self.lost, self.lost_tenants = set(), set()
        return batch


def _add(change: MessageChange, event: MessageEvent) -> None:
    match event:
        case MessageEdited():
            change.edited = event.message
        case MessagesDeleted():
            change.is_deleted = True
        case MessageInvalidated():
            change.is_invalidated = True
        case ReactionChanged():
            change.react(
                ReactionState(
                    emoji_key=event.emoji_key,
                    burst=event.burst,
                    emoji=event.emoji,
                    user_hash=event.user_hash,
                    is_given=event.is_given,
                )
            )
        case ReactionsCleared():
            change.clear(event.emoji_key)


def _keys(tenant_id: str, event: MessageEvent) -> Iterator[Key]:
    match event:
        case MessageEdited():
            yield tenant_id, event.channel.platform_id, event.message.platform_id
        case MessagesDeleted():
            for message_id in event.message_platform_ids:
                yield tenant_id, event.channel.platform_id, message_id
        case MessageInvalidated() | ReactionChanged() | ReactionsCleared():
            yield tenant_id, event.channel.platform_id, event.message_platform_id
