"""Prepare channel records as parameters of the upsert statement."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelRecord
from storage.privacy import Redactor, redactor_for, without_erased_titles
from storage.sql import clean, is_clean

_AT_ONCE = 200


async def prepared_rows(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord], now: datetime
) -> AsyncIterator[Sequence[dict[str, object]]]:
    """Yield chunks of channel rows ready to be stored: unique ids, parents first, clean text, erased people redacted.

    The chunks let the event loop run while each is written.
    """
    redactor = await redactor_for(connection, tenant_id)
    ordered = _parents_first(records)
    while some := list(islice(ordered, _AT_ONCE)):
        yield [_row(tenant_id, record, now) for record in await as_stored(connection, tenant_id, some, redactor)]


async def as_stored(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord], redactor: Redactor
) -> list[ChannelRecord]:
    """Return channels as they are stored: with clean text, and erased people redacted."""
    cleaned = [record if is_clean(record) else clean(record) for record in records]
    if not redactor:
        return cleaned
    return [redactor.channel(r) for r in await without_erased_titles(connection, tenant_id, cleaned, redactor)]


def _parents_first(records: Iterable[ChannelRecord]) -> Iterator[ChannelRecord]:
    """Order records so that each follows its parent; the last of several with one id counts, and cycles are cut."""
    waiting = {record.platform_id: record for record in records}
    for first in list(waiting):  # a loop over next(iter(...)) of a shrinking dict would be quadratic
        if first not in waiting:
            continue
        chain = [waiting.pop(first)]
        while (parent := waiting.pop(chain[-1].parent_platform_id or "", None)) is not None:
            chain.append(parent)
        yield from reversed(chain)


def _row(tenant_id: str, record: ChannelRecord, now: datetime) -> dict[str, object]:
    return {
        "tenant": tenant_id,
        "channel_platform": record.platform_id,
        "parent": record.parent_platform_id,
        "name": record.name,
        "type": record.type.value,
        "reason": record.skip_reason.value if record.skip_reason else None,
        "head": record.last_message_platform_id,
        "archived_at_given": record.archived_at,
        "listed_given": record.is_listed,
        "count_given": record.message_count,
        "metadata": dict(record.metadata),
        "now": now,
    }
