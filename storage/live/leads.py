"""Which running process has which part of a platform's connection, and so writes what that part tells."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, bindparam, func, select

from storage.connection import Readable, finish_before_cancel
from storage.processes import IS_RUNNING
from storage.sql import PLATFORM, TENANT_IDS, Id, all_rows, dump_json, is_held, json_strings
from storage.tables import live_state, processes, tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A part of a platform's connection."""

    platform: str
    part: str
    owner: str | None  # the running process that has its lease; None: none has


# Where the process does not run its lease says nothing.
_IS_OWNERS = and_(processes.c.id == live_state.c.owner, is_held(live_state.c.lease_until), IS_RUNNING)
_LEADS = (
    select(live_state.c.platform, live_state.c.part, processes.c.id.label("owner"))
    .select_from(live_state.outerjoin(processes, _IS_OWNERS))
    .order_by(live_state.c.platform, func.length(live_state.c.part), live_state.c.part)  # 2/16 before 10/16
)
_OF_TENANTS = (
    select(tenants.c.id, processes.c.id.label("owner"))
    .select_from(
        tenants.join(
            live_state, and_(live_state.c.platform == tenants.c.platform, live_state.c.part == tenants.c.part)
        ).join(processes, _IS_OWNERS)
    )
    .where(tenants.c.id.in_(TENANT_IDS))
)


@finish_before_cancel
async def list_leads(db: Readable) -> list[Lead]:
    """List every part of a connection that there ever was, by platform and part."""
    async with db.reading() as connection:
        return [Lead(**row) for row in await all_rows(connection, _LEADS)]


@finish_before_cancel
async def processes_of(db: Readable, tenant_ids: Sequence[str]) -> dict[str, str]:
    """Find for each of some tenants the running process that has the part of the connection which tells of it.

    Tenants of which no part is known, or whose part nobody has, are left out.
    """
    async with db.reading() as connection:
        rows = await all_rows(connection, _OF_TENANTS, {"tenants": list(tenant_ids)})
    return {row["id"]: row["owner"] for row in rows}


_OTHERWISE: Select[str | None] = select(func.min(live_state.c.part)).where(
    live_state.c.platform == PLATFORM,
    live_state.c.part.not_in(select(json_strings("division"))),
    live_state.c.owner != bindparam("this_owner", type_=Id),
    is_held(live_state.c.lease_until),
)


@finish_before_cancel
async def other_division(db: Readable, platform: str, division: Collection[str], owner: str) -> str | None:
    """Return a part of a platform that another process leads by another division; None where there is none.

    Nothing is acquired by this division as long as that is so.
    """
    values = {"of_platform": platform, "division": dump_json(sorted(division)), "this_owner": owner}
    async with db.reading() as connection:
        (part,) = (await connection.execute(_OTHERWISE, values)).one()
    return part
