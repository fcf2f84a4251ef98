"""Channels that may be stored, as the parameters of the statement that stores them."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelRecord
from storage.privacy import redactor_for, without_erased_titles
from storage.sql import clean


async def prepared_rows(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord], now: datetime
) -> list[dict[str, object]]:
    """Make channels fit to be stored: each id once and behind its parent, clean text, erased people redacted."""
    return [_row(tenant_id, record, now) for record in await _prepare(connection, tenant_id, records)]


async def _prepare(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord]
) -> list[ChannelRecord]:
    redactor = await redactor_for(connection, tenant_id)
    cleaned = [clean(record) for record in _parents_first(records)]
    if not redactor:
        return cleaned
    titled = await without_erased_titles(connection, tenant_id, cleaned, redactor)
    return [redactor.channel(record) for record in titled]


def _parents_first(records: Iterable[ChannelRecord]) -> Iterator[ChannelRecord]:
    """Order records so that each follows its parent; of two with one id the last is left. A circle is cut."""
    waiting = {record.platform_id: record for record in records}
    while waiting:
        chain = [waiting.pop(next(iter(waiting)))]
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
        "metadata": dict(record.metadata),
        "now": now,
    }
