"""Messages that may be stored, and the one function that writes them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Delete, Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import MessageRecord
from storage.channels import note_set_aside
from storage.messages import upsert_postgres, upsert_sqlite
from storage.messages.deletion import unmark_rows_deleted
from storage.messages.diff import is_withheld, stored_messages
from storage.messages.isolation import Refused, upsert_isolated
from storage.messages.search_queue import index_new_messages
from storage.messages.upsert import ChannelBatch
from storage.privacy import (
    Redactor,
    empty_traces_of,
    is_emptied,
    note_copies,
    redactors_for,
    without_absent_originals,
    without_expired_content,
)
from storage.reactions import save_users_along
from storage.sql import Id, RowId, clean, dump_json, is_clean, json_objects, types_of
from storage.tables import attachments, messages, reaction_totals

ChannelKey: TypeAlias = tuple[str, int]
"""``tenants.id`` and ``channels.id``."""

_SEAL = object()


@dataclass(frozen=True, slots=True)
class PreparedMessages:
    """Messages that may be stored: each once, of text that both databases accept, without absent people or old words.

    Only ``prepare`` makes them, and ``write_messages`` takes nothing else.
    """

    channels: tuple[ChannelBatch, ...]
    keeps_totals: bool  # the stored reaction totals stay as they are: these records do not say them
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("messages are prepared for being stored by prepare() alone")

    def rows(self) -> Iterator[tuple[int, MessageRecord]]:
        """Yield each message with its channel (``channels.id``)."""
        return ((batch.channel_id, record) for batch in self.channels for record in batch.records)

    def only(self, message_ids: Collection[str]) -> "PreparedMessages":
        """Return the messages with these ids."""
        channels = (
            replace(batch, records=tuple(r for r in batch.records if r.platform_id in message_ids))
            for batch in self.channels
        )
        return PreparedMessages(tuple(b for b in channels if b.records), self.keeps_totals, _SEAL)

    def without(self, keys: Collection[tuple[int, str]]) -> "PreparedMessages":
        """Return the other messages; the keys are channels (``channels.id``) and ids."""
        channels = (
            replace(batch, records=tuple(r for r in batch.records if (batch.channel_id, r.platform_id) not in keys))
            for batch in self.channels
        )
        return PreparedMessages(tuple(b for b in channels if b.records), self.keeps_totals, _SEAL)


async def prepare(
    connection: AsyncConnection, incoming: Mapping[ChannelKey, Iterable[MessageRecord]], *, keeps_totals: bool = False
) -> PreparedMessages:
    """Prepare messages for being stored in the transaction of ``connection``; of two with one id the last counts."""
    redactors = await redactors_for(connection, {tenant_id for tenant_id, _ in incoming})
    batches = []
    for (tenant_id, channel_id), records in incoming.items():
        redactor = redactors[tenant_id]
        storable = _storable(redactor, records)
        said = await without_absent_originals(connection, tenant_id, channel_id, storable, redactor)
        batches.append(ChannelBatch(tenant_id, channel_id, without_expired_content(said, redactor.content_before)))
    return PreparedMessages(tuple(batch for batch in batches if batch.records), keeps_totals, _SEAL)


def _storable(redactor: Redactor, records: Iterable[MessageRecord]) -> tuple[MessageRecord, ...]:
    unique = list({record.platform_id: record for record in records}.values())
    texts = [text for m in unique for text in (m.content, m.type)]
    emoji = [text for m in unique for total in m.reaction_totals for text in (total.emoji_key, total.emoji)]
    # Nothing for what is empty, as most of it is.
    if not is_clean([texts, emoji, [(m.metadata, m.attachments) for m in unique if m.metadata or m.attachments]]):
        unique = [clean(record) for record in unique]
    return tuple(map(redactor.message, unique) if redactor else unique)


_UPSERT = {"sqlite": upsert_sqlite.upsert, "postgresql": upsert_postgres.upsert}


async def write_messages(
    connection: AsyncConnection, prepared: PreparedMessages, now: datetime, *, seen_at: datetime | None = None
) -> Refused:
    """Upsert messages with their attachments and reaction totals; equal rows are not written.

    Two values are kept although the records lack them: the time of a deletion, and a replied-to author. Attachments
    that an edit removed are deleted, and totals that fell to zero; their users go by the foreign key. A message that
    lost content without an edit (withheld) keeps what is stored. A deletion mark set before ``seen_at``, the earliest
    time at which the platform showed these messages, is removed.

    Returns:
        The messages that the database cannot hold. They are named in their channels' errors; all others are stored.
    """
    if not prepared.channels:
        return {}
    may_be_stored = await _channels_with_stored(connection, prepared)
    if may_be_stored and seen_at is not None:
        seen = [(channel_id, record.platform_id) for channel_id, record in prepared.rows()]
        await unmark_rows_deleted(connection, seen, before=seen_at, now=now)
    if withheld := await _withheld(connection, prepared, may_be_stored):
        prepared = prepared.without(withheld)
    stored, refused = await _upsert(connection, prepared, now)
    if may_be_stored and stored.channels:
        await _delete_stale(connection, stored, may_be_stored)
    rows = list(stored.rows())
    if not prepared.keeps_totals:
        await write_users_along(connection, rows, now)
    await note_copies(connection, rows, now, known_channels=may_be_stored)
    emptied = [(channel_id, r.platform_id) for channel_id, r in rows if r.metadata and is_emptied(r.metadata)]
    await empty_traces_of(connection, emptied, now)
    await index_new_messages(connection)
    return refused


async def write_users_along(
    connection: AsyncConnection, rows: Iterable[tuple[int, MessageRecord]], now: datetime
) -> None:
    """Store who is behind the reactions of stored messages, where the platform sent that along with them."""
    along = [(c, r.platform_id, t) for c, r in rows for t in r.reaction_totals if t.user_hashes is not None]
    await save_users_along(connection, {(c, i, t.emoji_key, t.burst): t for c, i, t in along}, now)


async def _upsert(
    connection: AsyncConnection, prepared: PreparedMessages, now: datetime
) -> tuple[PreparedMessages, Refused]:
    """Upsert the messages that can be stored; return them, and those that cannot."""
    if not prepared.channels:
        return prepared, {}
    upsert = _UPSERT[connection.dialect.name]

    async def store(batches: Sequence[ChannelBatch]) -> None:
        await upsert(connection, batches, now, with_totals=not prepared.keeps_totals)

    refused = await upsert_isolated(connection, store, prepared.channels)
    stored = prepared.without(refused) if refused else prepared
    written = {batch.channel_id: {record.platform_id for record in batch.records} for batch in stored.channels}
    await note_set_aside(connection, written, refused, now)
    return stored, refused


async def _withheld(
    connection: AsyncConnection, prepared: PreparedMessages, may_be_stored: set[int]
) -> set[tuple[int, str]]:
    """Find the messages whose content is withheld: more of them is stored than came, and no edit explains it."""
    found: set[tuple[int, str]] = set()
    for batch in prepared.channels:
        bare = {r.platform_id: r for r in batch.records if not r.content} if batch.channel_id in may_be_stored else {}
        if bare:
            stored = await stored_messages(connection, batch.channel_id, bare.keys())
            found |= {(batch.channel_id, i) for i, old in stored.items() if is_withheld(old.record, bare[i])}
    return found


_ranges = json_objects("ranges", channel_id=RowId, first=Id(), last=Id())
_MAY_BE_STORED = select(_ranges.c.channel_id).where(
    select(messages.c.id)
    .where(messages.c.channel_id == _ranges.c.channel_id)
    .where(messages.c.platform_id >= _ranges.c.first, messages.c.platform_id <= _ranges.c.last)
    .exists()
)


async def _channels_with_stored(connection: AsyncConnection, prepared: PreparedMessages) -> set[int]:
    """Find the channels of which a message may be stored: one look at an index each, instead of one for each message.

    Ids are compared as text, so that it is right for ids of any form; it says yes too often, never no.
    """
    ids = [(batch.channel_id, [record.platform_id for record in batch.records]) for batch in prepared.channels]
    ranges = [{"channel_id": channel_id, "first": min(each), "last": max(each)} for channel_id, each in ids]
    return set((await connection.execute(_MAY_BE_STORED, {"ranges": dump_json(ranges)})).scalars())


_MESSAGE = ("channel_id", "message_platform_id")


def _delete_others(table: Table, *part: str) -> Delete:
    """Build the deletion of all parts of the messages ``written`` except those ``kept``, both JSON arrays of keys."""
    written = json_objects("written", **types_of(table, _MESSAGE))
    kept = json_objects("kept", **types_of(table, (*_MESSAGE, *part)))
    return (
        delete(table)
        .where(tuple_(*(table.c[name] for name in _MESSAGE)).in_(select(written)))
        .where(tuple_(*(table.c[name] for name in (*_MESSAGE, *part))).not_in(select(kept)))
    )


_DELETE_ATTACHMENTS = _delete_others(attachments, "platform_id")
_DELETE_TOTALS = _delete_others(reaction_totals, "emoji_key", "burst")


async def _delete_stale(connection: AsyncConnection, prepared: PreparedMessages, channel_ids: set[int]) -> None:
    written = [(_key(c, r.platform_id), r) for c, r in prepared.rows() if c in channel_ids]
    files = [k | {"platform_id": file.platform_id} for k, r in written for file in r.attachments]
    await _delete(connection, _DELETE_ATTACHMENTS, [k for k, _ in written], files)
    if not prepared.keeps_totals:
        totals = [k | {"emoji_key": t.emoji_key, "burst": t.burst} for k, r in written for t in r.reaction_totals]
        await _delete(connection, _DELETE_TOTALS, [k for k, _ in written], totals)


async def _delete(
    connection: AsyncConnection, statement: Delete, written: Sequence[object], kept: Sequence[object]
) -> None:
    await connection.execute(statement, {"written": dump_json(written), "kept": dump_json(kept)})


def _key(channel_id: int, message_platform_id: str) -> dict[str, object]:
    """Return the key of a message, an object of a JSON array."""
    return {"channel_id": channel_id, "message_platform_id": message_platform_id}
