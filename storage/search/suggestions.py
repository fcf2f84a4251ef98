"""What may be meant by the beginning of a filter's value: channels by name, people by the beginning of a pseudonym."""

from collections.abc import Sequence

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.types import Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.search.limits import limited_reading
from storage.sql import LIMIT, TENANT_ID, Id, PositionOf
from storage.tables import channels, messages

_SECONDS = 0.5
_LATEST = 2_000
"""Of so many of the newest messages the authors are suggested: who writes now, and it takes milliseconds."""

_CHANNELS: Select[tuple[str]] = (
    select(channels.c.name)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.sync_state == "archived", channels.c.name.is_not(None))
    .where(PositionOf(func.lower(channels.c.name), bindparam("beginning", type_=Text)) == 1)
    .where(channels.c.type.in_(bindparam("types", expanding=True)))
    .distinct()
    .order_by(channels.c.name)
    .limit(LIMIT)
)


@finish_before_cancel
async def suggest_channels(
    db: Database, tenant_id: str, beginning: str, *, types: Sequence[str], limit: int
) -> list[str]:
    """List the names of a tenant's archived channels that begin with a text, in any case.

    Args:
        db: the archive.
        tenant_id: ``tenants.id``.
        beginning: what the names begin with, with or without "#".
        types: of which types: ``text``, ``forum``, ``category`` or ``thread``.
        limit: how many at most.

    Raises:
        QueryTooLong: it took half a second.
    """
    wanted = beginning.removeprefix("#").lower()
    async with limited_reading(db, _SECONDS) as reader:
        values = {"tenant": tenant_id, "beginning": wanted, "types": list(types), "limit": limit}
        return [row["name"] for row in await reader.rows(_CHANNELS, values, by_words=True)]


_latest = (
    select(messages.c.author_hash)
    .where(messages.c.tenant_id == TENANT_ID)
    .order_by(messages.c.sent_at.desc())
    .limit(_LATEST)
    .subquery("latest")
)
_AUTHORS: Select[tuple[str]] = (
    select(_latest.c.author_hash)
    .where(_latest.c.author_hash >= bindparam("since", type_=Id), _latest.c.author_hash < bindparam("until", type_=Id))
    .group_by(_latest.c.author_hash)
    .order_by(func.count().desc(), _latest.c.author_hash)
    .limit(LIMIT)
)


@finish_before_cancel
async def suggest_authors(db: Database, tenant_id: str, beginning: str, *, limit: int) -> list[str]:
    """List the pseudonyms of those who wrote most of a tenant's newest messages, the busiest first.

    Args:
        db: the archive.
        tenant_id: ``tenants.id``.
        beginning: the digits that they begin with; empty: any.
        limit: how many at most.

    Raises:
        QueryTooLong: it took half a second.
    """
    async with limited_reading(db, _SECONDS) as reader:
        values = {"tenant": tenant_id, "since": beginning.lower(), "until": f"{beginning.lower()}g", "limit": limit}
        return [row["author_hash"] for row in await reader.rows(_AUTHORS, values)]
