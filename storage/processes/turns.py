"""Whose turn it is at something that the processes may only do one after another.

A turn is a lease by the database's clock, which the processes share; after it some time can be kept free. On SQLite
there is only one process, so that a turn that another one left behind is void.
"""

from sqlalchemy import Boolean, Float, and_, bindparam, null, or_, select, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import DatabaseTime, Id, has_run_out, insert
from storage.tables import turns

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.05, 60.0

_NAME, _OWNER = bindparam("turn", type_=Id), bindparam("new_owner", type_=Id)
_UNTIL = DatabaseTime(bindparam("seconds", type_=Float))
_ENTER = insert(turns).values(
    name=_NAME, owner=_OWNER, held_until=_UNTIL, created_at=DatabaseTime(), updated_at=DatabaseTime()
)
_IS_FREE = or_(
    turns.c.owner == _OWNER,
    has_run_out(turns.c.held_until),
    and_(turns.c.owner.is_not(None), bindparam("is_alone", type_=Boolean)),
)
# Nothing comes back where it is not free. The row is locked then, too: what is read next is what was in the way.
_TAKE = _ENTER.on_conflict_do_update(
    index_elements=["name"],
    set_={name: _ENTER.excluded[name] for name in ("owner", "held_until", "updated_at")},
    where=_IS_FREE,
).returning(turns.c.name)
_LEFT = select(turns.c.held_until, DatabaseTime().label("now")).where(turns.c.name == _NAME)
_END = (
    update(turns)
    .where(turns.c.name == _NAME, turns.c.owner == _OWNER)
    .values(owner=null(), held_until=_UNTIL, updated_at=DatabaseTime())
)


@finish_before_cancel
async def take_turn(db: Database, name: str, owner: str, seconds: float) -> float | None:
    """Take or renew a turn for some seconds, unless another process has it or it is kept free.

    Returns:
        None where it is taken or renewed; otherwise in how many seconds to look again, at least 0.05, at most 60.
    """
    values = {"turn": name, "new_owner": owner, "seconds": seconds, "is_alone": db.dialect == "sqlite"}
    async with db.writing() as connection:
        if (await connection.execute(_TAKE, values)).one_or_none() is not None:
            return None
        held_until, now = (await connection.execute(_LEFT, values)).one()
    return float(min(max((held_until - now).total_seconds(), _SHORTEST_SECONDS), _LONGEST_SECONDS))


@finish_before_cancel
async def end_turn(db: Database, name: str, owner: str, spacing_seconds: float) -> None:
    """End a turn that is still this process's; the next one can begin so many seconds from now."""
    values = {"turn": name, "new_owner": owner, "seconds": spacing_seconds}
    async with db.writing() as connection:
        await connection.execute(_END, values)
