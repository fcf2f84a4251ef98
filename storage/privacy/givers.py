"""Whose reactions are not stored: a reaction has no time, so the time of its message decides."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import bindparam, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.privacy.absences import EVERY_TENANT, REQUESTS
from storage.privacy.barrier import enter
from storage.sql import Id, RowId, dump_json, json_objects
from storage.tables import channels, messages

Giver: TypeAlias = tuple[int, str, str]
"""``channels.id``, the platform's message id, and the hash of who reacted."""

_ABSENT = select(channels.c.id, REQUESTS.c.user_hash, REQUESTS.c.until).where(
    channels.c.id.in_(bindparam("channels", expanding=True)),
    or_(REQUESTS.c.tenant_id == EVERY_TENANT, REQUESTS.c.tenant_id == channels.c.tenant_id),
)
_given = json_objects("given", channel_id=RowId, message_platform_id=Id())
_SENT = select(messages.c.channel_id, messages.c.platform_id, messages.c.sent_at).where(
    tuple_(messages.c.channel_id, messages.c.platform_id).in_(select(_given))
)


async def absent_givers(connection: AsyncConnection, givers: Collection[Giver]) -> set[Giver]:
    """Find those whose reactions are not stored: they are absent, or were when the message had been sent already."""
    ends = await _ends_of_absences(connection, {channel_id for channel_id, *_ in givers})
    concerned = {giver for giver in givers if (giver[0], giver[2]) in ends}
    once = {giver for giver in concerned if None not in ends[giver[0], giver[2]]}
    sent = await _sent_at(connection, {giver[:2] for giver in once})
    back = set()
    for giver in once:
        sent_at = sent.get(giver[:2])
        if sent_at is not None and all(end <= sent_at for end in ends[giver[0], giver[2]] if end is not None):
            back.add(giver)
    return concerned - back


async def _ends_of_absences(
    connection: AsyncConnection, channel_ids: Collection[int]
) -> dict[tuple[int, str], list[datetime | None]]:
    """Read when the absences of people from some channels ended; None: of one that holds."""
    await enter(connection)
    ends: defaultdict[tuple[int, str], list[datetime | None]] = defaultdict(list)
    for channel_id, user_hash, until in await connection.execute(_ABSENT, {"channels": list(channel_ids)}):
        ends[channel_id, user_hash].append(until)
    return ends


async def _sent_at(connection: AsyncConnection, keys: Collection[tuple[int, str]]) -> dict[tuple[int, str], datetime]:
    if not keys:
        return {}
    given = dump_json([{"channel_id": channel, "message_platform_id": message} for channel, message in keys])
    rows = await connection.execute(_SENT, {"given": given})
    return {(channel_id, message_id): sent_at for channel_id, message_id, sent_at in rows}
