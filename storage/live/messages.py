"""Store new messages, select which changed ones are stored, and apply their edits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.ids import number
from adapters.records import MessageRecord
from storage.live.changes import ChannelKey, MessageChange
from storage.live.unwritten import note_set_aside_events
from storage.messages import prepare, write_messages
from storage.sql import Id, RowId, dump_json, json_objects
from storage.tables import channels, messages, tenants
from storage.unwritten import EventKind

MessageKey: TypeAlias = tuple[int, str]
"""``channels.id`` and the platform's message id."""

StoredChanges: TypeAlias = Mapping[MessageKey, MessageChange]
"""The changes of stored messages in archived channels."""


@dataclass(frozen=True, slots=True)
class Archived:
    """The changes in archived channels, and their channels."""

    changes: Mapping[MessageKey, MessageChange]
    channels: Mapping[ChannelKey, tuple[int, str | None]]
    """Of each channel its ``channels.id``, and the platform's id of its parent."""

    def places_of(self, channel: ChannelKey) -> set[ChannelKey]:
        """Return a channel and its parent."""
        _, parent = self.channels[channel]
        return {channel} if parent is None else {channel, (channel[0], parent)}


_parent = channels.alias("parent")
_ref = json_objects("refs", tenant_id=Id(), platform_id=Id())
_ARCHIVED_CHANNELS = (
    select(channels.c.tenant_id, channels.c.platform_id, channels.c.id, _parent.c.platform_id)
    .select_from(
        _ref.join(
            channels, and_(channels.c.tenant_id == _ref.c.tenant_id, channels.c.platform_id == _ref.c.platform_id)
        )
        .join(tenants, tenants.c.id == channels.c.tenant_id)
        .outerjoin(_parent, _parent.c.id == channels.c.parent_id)
    )
    .where(channels.c.skip_reason.is_(None), tenants.c.stopped_at.is_(None), tenants.c.purged_at.is_(None))
)

_key = json_objects("keys", channel_id=RowId, message_platform_id=Id())
# Every transaction that changes messages or what hangs on them locks their rows first, in this order.
_STORED_MESSAGES = (
    select(messages.c.channel_id, messages.c.platform_id, messages.c.edited_at)
    .select_from(
        _key.join(
            messages,
            and_(messages.c.channel_id == _key.c.channel_id, messages.c.platform_id == _key.c.message_platform_id),
        )
    )
    .order_by(messages.c.channel_id, func.length(messages.c.platform_id), messages.c.platform_id)
    .with_for_update(of=messages, key_share=True)
)


async def find_archived(connection: AsyncConnection, changes: Sequence[MessageChange]) -> Archived:
    """Find the changes in archived channels."""
    refs = {change.channel for change in changes}
    given = dump_json([{"tenant_id": tenant, "platform_id": channel} for tenant, channel in refs])
    found = await connection.execute(_ARCHIVED_CHANNELS, {"refs": given})
    places = {(tenant, channel): (channel_id, parent) for tenant, channel, channel_id, parent in found}
    return Archived(
        changes={
            (places[change.channel][0], change.message_platform_id): change
            for change in changes
            if change.channel in places
        },
        channels=places,
    )


async def find_stored(connection: AsyncConnection, archived: Archived) -> dict[MessageKey, MessageChange]:
    """Find the messages that are stored, and lock them. Edits older than theirs are left out."""
    given = dump_json(
        [{"channel_id": channel, "message_platform_id": message} for channel, message in archived.changes]
    )
    rows = await connection.execute(_STORED_MESSAGES, {"keys": given})
    return {
        (channel_id, message_id): _without_older_edit(archived.changes[channel_id, message_id], edited_at)
        for channel_id, message_id, edited_at in rows
    }


async def save_created(
    connection: AsyncConnection,
    archived: Archived,
    stored: StoredChanges,
    *,
    hidden: Collection[ChannelKey],
    now: datetime,
) -> dict[MessageKey, MessageChange]:
    """Store the new messages that are neither stored nor deleted again, but those of channels hidden since.

    A stored one stays as it is: nothing of it can be older than its creation.

    Returns:
        The changes of those that are stored now.
    """
    missing: dict[tuple[str, int], list[MessageRecord]] = {}
    # In the order of a batch that may store the same ones at the same time, or the two would wait for each other.
    for key, change in sorted(archived.changes.items(), key=lambda item: (item[0][0], number(item[0][1]))):
        if change.created is None or change.is_deleted or key in stored:
            continue
        if archived.places_of(change.channel).isdisjoint(hidden):
            missing.setdefault((change.tenant_id, key[0]), []).append(change.created)
    if not missing:
        return {}
    prepared = await prepare(connection, missing, keeps_totals=True)
    refused = await write_messages(connection, prepared, now)
    await note_set_aside_events(connection, archived.changes, refused, now)
    keys = [(channel_id, record.platform_id) for channel_id, record in prepared.rows()]
    return {key: archived.changes[key] for key in keys if key not in refused}


def _without_older_edit(change: MessageChange, stored_at: datetime | None) -> MessageChange:
    if change.edited is None or stored_at is None:
        return change
    edited_at = change.edited.edited_at
    return change if edited_at is not None and edited_at >= stored_at else replace(change, edited=None)


async def save_edits(connection: AsyncConnection, stored: StoredChanges, now: datetime) -> Collection[MessageKey]:
    """Apply the last edit to messages and their attachments; reaction totals have events of their own.

    An edited message exists, so a deletion mark is removed.

    Returns:
        The messages whose edit cannot be stored.
    """
    edited: dict[tuple[str, int], list[MessageRecord]] = {}
    for (channel_id, _), change in stored.items():
        if change.edited is not None:
            edited.setdefault((change.tenant_id, channel_id), []).append(change.edited)
    if not edited:
        return ()
    prepared = await prepare(connection, edited, keeps_totals=True)
    refused = await write_messages(connection, prepared, now, seen_at=now)
    await note_set_aside_events(connection, stored, refused, now, only=EventKind.EDITED)
    return refused.keys()
