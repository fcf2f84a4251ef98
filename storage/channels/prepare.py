"""Channels made fit to be stored, some at a time."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelRecord
from storage.privacy import redactor_for, without_erased_titles
from storage.sql import clean, is_clean

_AT_ONCE = 200


async def prepared_channels(
    connection: AsyncConnection, tenant_id: str, records: Iterable[ChannelRecord]
) -> AsyncIterator[Sequence[ChannelRecord]]:
    """Make channels fit to be stored: each id once and behind its parent, clean text, erased people redacted.

    Some at a time: while these are written the event loop gets its turn.
    """
    redactor = await redactor_for(connection, tenant_id)
    ordered = _parents_first(records)
    while some := list(islice(ordered, _AT_ONCE)):
        prepared = [record if is_clean(record) else clean(record) for record in some]
        if redactor:
            titled = await without_erased_titles(connection, tenant_id, prepared, redactor)
            prepared = [redactor.channel(record) for record in titled]
        yield prepared


def _parents_first(records: Iterable[ChannelRecord]) -> Iterator[ChannelRecord]:
    """Order records so that each follows its parent; of two with one id the last is left. A circle is cut."""
    waiting = {record.platform_id: record for record in records}
    for first in list(waiting):  # to ask a shrinking dict for its first key takes ever longer
        if first not in waiting:
            continue
        chain = [waiting.pop(first)]
        while (parent := waiting.pop(chain[-1].parent_platform_id or "", None)) is not None:
            chain.append(parent)
        yield from reversed(chain)
