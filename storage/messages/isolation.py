"""Isolate messages that the database cannot hold, so that all others of their batch are stored.

A transaction that fails by a refused value is run a second time, and then searches for it by savepoints. Not the first
time already: savepoints make a transaction on SQLite half as expensive again.
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
"""Messages that cannot be stored, by channel (``channels.id``) and id, with the class of the error."""

_MOST = 10  # one message in so many may cause an unexpected error before the program is suspected

_is_apart: ContextVar[bool] = ContextVar("messages_apart", default=False)


def apart_where_refused(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Decorate a transaction that writes messages: after a refused value run it again, without those messages."""

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
    """Store messages; in the second run (``apart_where_refused``) leave out those that cannot be stored.

    Any number of messages may be left out for a value that the database refuses. Where other errors concern more than
    one message in ten, the messages are not the cause.

    Raises:
        ValueRefused: that is the case; none of the messages may count as read.
        StorageError: the database failed.
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
    """Return whether a message can be the cause; where the machine or the database is, no message may count as read."""
    return isinstance(error, ValueRefused) or not isinstance(error, (StorageError, MemoryError, OSError))


def _halves(batches: Sequence[ChannelBatch]) -> list[Sequence[ChannelBatch]]:
    """Split batches in two: between channels, or within the only one; a single message is not split."""
    if len(batches) > 1:
        middle = len(batches) // 2
        return [batches[:middle], batches[middle:]]
    (batch,) = batches
    middle = len(batch.records) // 2
    if not middle:
        return []
    return [[replace(batch, records=batch.records[:middle])], [replace(batch, records=batch.records[middle:])]]
