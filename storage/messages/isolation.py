"""Messages that the database cannot hold, found among those that it can: one of them is no reason to store none.

A transaction that is refused a value is run once more, and then looks for it. Not the first time already: what can be
taken back in part costs SQLite half as much again.
"""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import translated
from storage.errors import StorageError, ValueRefused
from storage.messages.upsert import ChannelBatch

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

Refused: TypeAlias = dict[tuple[int, str], str]
"""By channel (``channels.id``) and id the messages that cannot be stored, each with the kind of the error."""

_MOST = 10  # of so many messages one may be at fault where it is not the database that refuses them

_is_apart: ContextVar[bool] = ContextVar("messages_apart", default=False)


def apart_where_refused(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Run a transaction that writes messages; where it is refused a value once more, and then without that message."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            if not _may_be_of_a_message(error):
                raise
        token = _is_apart.set(True)
        try:
            return await function(*args, **kwargs)
        finally:
            _is_apart.reset(token)

    return call


async def upsert_isolated(
    connection: AsyncConnection,
    upsert: Callable[[Sequence[ChannelBatch]], Awaitable[None]],
    batches: Sequence[ChannelBatch],
) -> Refused:
    """Store messages; where some cannot be stored, all others all the same, the second time (``apart_where_refused``).

    What the database refuses by itself is left out, however much that is. Where something else goes wrong, and with
    more of them than one in ten, the fault is not theirs.

    Raises:
        ValueRefused: that is so; none of them may count as read.
        StorageError: the database takes none.
    """
    if not _is_apart.get():
        await upsert(batches)
        return {}
    refused: Refused = {}
    await _bisect(connection, upsert, batches, refused)
    slips = [kind for kind in refused.values() if kind != ValueRefused.__name__]
    for (channel_id, message_id), kind in refused.items():
        log.error("a message cannot be stored", extra={"row": channel_id, "message_id": message_id, "error": kind})
    if len(slips) > max(sum(len(batch.records) for batch in batches) // _MOST, 1):
        raise ValueRefused(f"{len(slips)} messages cannot be stored ({', '.join(sorted(set(slips)))}).")
    return refused


async def _bisect(
    connection: AsyncConnection,
    upsert: Callable[[Sequence[ChannelBatch]], Awaitable[None]],
    batches: Sequence[ChannelBatch],
    refused: Refused,
) -> None:
    savepoint = await connection.begin_nested()
    try:
        with translated():
            await upsert(batches)
    except Exception as error:
        if not _may_be_of_a_message(error):
            raise
        await savepoint.rollback()
        if not (halves := _halves(batches)):
            ((channel_id, record),) = ((batch.channel_id, record) for batch in batches for record in batch.records)
            refused[channel_id, record.platform_id] = type(error).__name__
        for half in halves:
            await _bisect(connection, upsert, half, refused)
    else:
        await savepoint.commit()


def _may_be_of_a_message(error: Exception) -> bool:
    """Whether a message can be at fault; where the machine or the database is, none may count as read."""
    return isinstance(error, ValueRefused) or not isinstance(error, (StorageError, MemoryError, OSError))


def _halves(batches: Sequence[ChannelBatch]) -> list[Sequence[ChannelBatch]]:
    """Split batches in two: between channels, or within the only one; one message is not split."""
    if len(batches) > 1:
        middle = len(batches) // 2
        return [batches[:middle], batches[middle:]]
    (batch,) = batches
    middle = len(batch.records) // 2
    if not middle:
        return []
    return [[replace(batch, records=batch.records[:middle])], [replace(batch, records=batch.records[middle:])]]
