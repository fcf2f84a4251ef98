"""Reading the messages that were found, with what a reader is shown around them."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Join, RowMapping, cast, func, join, select

from storage.search.highlights import highlights_of
from storage.search.index import IndexKind
from storage.search.limits import LimitedReader
from storage.search.model import Hit, Term
from storage.sql import RowId, dump_json, json_strings
from storage.tables import attachments, channels, messages, reaction_totals

_ids = json_strings("ids")
GIVEN: Join = join(_ids.table, messages, messages.c.id == cast(_ids, RowId))
"""The messages in the parameter ``ids``, as ``as_ids`` writes it: each looked up by its id."""


def as_ids(ids: Sequence[int]) -> str:
    """Write ids of messages as a parameter."""
    return dump_json([str(each) for each in ids])


_parents = channels.alias("parents")
_FILES = select(func.count()).where(
    attachments.c.channel_id == messages.c.channel_id, attachments.c.message_platform_id == messages.c.platform_id
)
_REACTIONS = select(func.coalesce(func.sum(reaction_totals.c["count"]), 0)).where(
    reaction_totals.c.channel_id == messages.c.channel_id,
    reaction_totals.c.message_platform_id == messages.c.platform_id,
)
_SHOWN = (
    select(
        *(column for column in messages.c if column.name not in ("created_at", "updated_at")),
        channels.c.platform_id.label("channel_platform_id"),
        channels.c.name.label("channel_name"),
        channels.c.type.label("channel_type"),
        _parents.c.platform_id.label("parent_platform_id"),
        _parents.c.name.label("parent_name"),
        _FILES.scalar_subquery().label("files"),
        _REACTIONS.scalar_subquery().label("reactions"),
    )
    .select_from(GIVEN)
    .join(channels, channels.c.id == messages.c.channel_id)
    .outerjoin(_parents, _parents.c.id == channels.c.parent_id)
)


async def read_rows(reader: LimitedReader, ids: Sequence[int]) -> list[RowMapping]:
    """Read messages in the order of their ids as given; one that was deleted meanwhile is left out."""
    if not ids:
        return []
    found = {row["id"]: row for row in await reader.rows(_SHOWN, {"ids": as_ids(ids)})}
    return [found[each] for each in ids if each in found]


async def hits_of(rows: Sequence[RowMapping], terms: Sequence[Term], kind: IndexKind | None) -> tuple[Hit, ...]:
    """Make hits of what was read, and let others have their turn behind each: finding words in a text takes a while."""
    wanted = [term for term in terms if not term.is_excluded]
    hits = []
    for row in rows:
        hits.append(_hit(row, wanted, kind))
        await asyncio.sleep(0)
    return tuple(hits)


def _hit(row: RowMapping, terms: Sequence[Term], kind: IndexKind | None) -> Hit:
    facts = {**row, "files": int(row["files"]), "reactions": int(row["reactions"])}
    return Hit(**facts, highlights=highlights_of(row["content"], terms, kind))
