"""Which processes there are: each enters itself, and counts as running as long as it renews its entry.

All times are measured by the database's clock, which the processes share. On SQLite there is only one process, so that
whatever another one left behind is void.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Boolean, Float, RowMapping, and_, bindparam, delete, literal, or_, select

from storage.connection import Readable, finish_before_cancel
from storage.database import Database
from storage.sql import DatabaseTime, Id, all_rows, fields_of, insert, is_held
from storage.tables import processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What a process says of itself."""

    id: str
    host: str
    pid: int
    version: str
    address: str | None  # where others reach its HTTP API
    held: Mapping[str, Sequence[str]]  # by platform the parts of its connection that it connects
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProcess:
    """A process as the others see it."""

    process: Process
    seen_at: datetime  # when it last renewed its entry
    is_away: bool  # whether its lease has ended


_REMEMBERED_SECONDS = 3600.0
_OWNER = bindparam("new_owner", type_=Id)
_NAMES = [field.name for field in fields(Process)]
_columns = processes.c

_ENTER = insert(processes).values(
    {name: bindparam(f"new_{name}", type_=_columns[name].type) for name in _NAMES}
    | {
        "lease_until": DatabaseTime(bindparam("seconds", type_=Float)),
        "created_at": DatabaseTime(),
        "updated_at": DatabaseTime(),
    }
)
_BEAT = _ENTER.on_conflict_do_update(
    index_elements=["id"],
    set_={name: _ENTER.excluded[name] for name in (*_NAMES, "lease_until", "updated_at") if name != "id"},
)

IS_RUNNING = is_held(_columns.lease_until)
# One that runs although the clock was set back enters itself again.
_IS_FORGOTTEN = or_(
    _columns.lease_until <= DatabaseTime(literal(-_REMEMBERED_SECONDS)),
    and_(_columns.lease_until > DatabaseTime(), ~IS_RUNNING),
    bindparam("is_alone", type_=Boolean),
)
# Two that forget each other would otherwise wait for each other's rows.
_FORGOTTEN = select(_columns.id).where(_columns.id != _OWNER, _IS_FORGOTTEN).with_for_update(skip_locked=True)
_FORGET = delete(processes).where(_columns.id.in_(_FORGOTTEN))
_LEAVE = delete(processes).where(_columns.id == _OWNER)
_KNOWN = select(processes, (~IS_RUNNING).label("is_away")).order_by(_columns.started_at, _columns.id)
_RUNNING = _KNOWN.where(IS_RUNNING)


@finish_before_cancel
async def beat(db: Database, process: Process, *, lease: timedelta) -> list[KnownProcess]:
    """Enter a process, or renew its entry, and forget those that have been away for more than an hour.

    Args:
        db: the archive.
        process: what it says of itself at present.
        lease: how long it counts as running from now on.

    Returns:
        The running processes, this one among them, the oldest first.
    """
    values: dict[str, object] = {f"new_{name}": getattr(process, name) for name in _NAMES}
    values["new_held"] = _as_json(process.held)
    values["seconds"] = lease.total_seconds()
    others = {"new_owner": process.id, "is_alone": db.dialect == "sqlite"}
    async with db.writing() as connection:
        await connection.execute(_BEAT, values)
        await connection.execute(_FORGET, others)
        return [_known(row) for row in await all_rows(connection, _RUNNING)]


@finish_before_cancel
async def leave(db: Database, owner: str) -> None:
    """Remove a process that stops; the others need not wait for the end of its lease."""
    async with db.writing() as connection:
        await connection.execute(_LEAVE, {"new_owner": owner})


@finish_before_cancel
async def list_processes(db: Readable) -> list[KnownProcess]:
    """List the processes that run, and those that have been away for less than an hour, the oldest first."""
    is_remembered = _columns.lease_until > DatabaseTime(literal(-_REMEMBERED_SECONDS))
    async with db.reading() as connection:
        return [_known(row) for row in await all_rows(connection, _KNOWN.where(is_remembered))]


def _known(row: RowMapping) -> KnownProcess:
    values = fields_of(row, Process)
    held = {platform: tuple(parts) for platform, parts in values["held"].items()}
    return KnownProcess(process=Process(**values | {"held": held}), seen_at=row["updated_at"], is_away=row["is_away"])


def _as_json(held: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {platform: list(parts) for platform, parts in held.items()}
