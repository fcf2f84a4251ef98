"""Looking at a database without changing anything of it, also while a daemon works on it."""

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Inspector,
    NullPool,
    column,
    create_engine,
    func,
    inspect,
    select,
    table,
)

from storage.connection import engines
from storage.connection.driver_errors import from_os_error, translated
from storage.connection.file_lock import is_locked
from storage.connection.server import check_sessions, is_read_only, is_unfinished, may_write
from storage.connection.urls import archive_name, parse_url, sqlite_path
from storage.errors import DatabaseTooNew, DatabaseTooOld, NoArchive, UnfinishedMove, UnknownTenant
from storage.settings import recorded_hash_choice, require_hash_choice


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTenant:
    """A community that an archive has rows of."""

    id: str
    platform: str
    platform_id: str
    name: str | None
    is_stopped: bool  # on its administrator's request
    events_unwritten: int = 0  # live events that could not be written and are not settled


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """How an archive was found. That it can be reached goes without saying."""

    dialect: str  # sqlite or postgresql
    exists: bool  # of a SQLite archive: whether its file is there
    revision: str | None  # None: there are no tables yet
    newest_revision: str  # that this program knows
    is_too_new: bool  # a newer version of this program wrote it
    is_too_old: bool  # a version before the first release wrote it
    is_writable: bool
    is_in_use: bool  # another process has this SQLite archive open; of a server, which many may use, never said
    hash_choice: str | None  # as it was begun with; None: not begun
    tenants: tuple[KnownTenant, ...] = ()
    is_unfinished: bool = False  # an archive is being moved to it

    @property
    def needs_migration(self) -> bool:
        """Whether opening it brings it to another schema, or creates it."""
        return self.revision != self.newest_revision and not (self.is_too_new or self.is_too_old)


async def inspect_database(url: str) -> DatabaseState:
    """Look at an archive. Nothing is created or written.

    Raises:
        BadDatabaseUrl, DatabaseUnreachable, DatabaseDamaged, DatabaseUnsuitable: it cannot be looked at, nor used.
        DatabaseReadOnly: nor can it be read.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    return await _inspect_server(parsed) if path is None else _inspect_file(path)


async def require_archive(url: str, *, hash_choice: str, tenant_id: str | None = None) -> DatabaseState:
    """Check that an archive of this version exists; nothing is created or changed.

    Args:
        url: the archive's URL.
        hash_choice: as for ``open_database``.
        tenant_id: a tenant that must be known; None: any.

    Returns:
        The state in which it was found.

    Raises:
        StorageError: as for ``open_database``.
        NoArchive: there is none, or it has another version.
        UnknownTenant: the message lists the known ones.
    """
    found = await inspect_database(url)
    if found.is_too_new:
        raise DatabaseTooNew
    if found.is_too_old:
        raise DatabaseTooOld
    if found.is_unfinished:
        raise UnfinishedMove
    where = archive_name(url)
    if found.revision is None or found.hash_choice is None:
        raise NoArchive(f"There is no archive at {where}. Is this the configuration that the daemon runs with?")
    if found.needs_migration:
        raise NoArchive(f"The archive at {where} is of an earlier version. Run the daemon or 'migrate' once.")
    require_hash_choice(found.hash_choice, hash_choice)
    known = [tenant.id for tenant in found.tenants]
    if tenant_id is not None and tenant_id not in known:
        names = f"it holds {', '.join(known)}" if known else "it holds none"
        raise UnknownTenant(f"There is no tenant {tenant_id} in the archive at {where}: {names}.")
    return found


def _inspect_file(path: Path) -> DatabaseState:
    try:
        exists, is_writable = _look_for(path)
    except OSError as error:
        raise from_os_error(error, f"Cannot read {path}") from error
    found = _Content(None, None, ())
    if exists:
        engine = create_engine("sqlite://", creator=lambda: _open_unchanged(path), poolclass=NullPool)
        with translated(), engine.connect() as connection:
            found = _read(connection)
    return _state("sqlite", found, exists=exists, is_writable=is_writable, is_in_use=is_locked(path))


def _look_for(path: Path) -> tuple[bool, bool]:
    """Find out whether a file is there, and whether it can be written or made."""
    try:
        path.stat()
    except FileNotFoundError:
        folder = next(folder for folder in path.parents if folder.exists())
        return False, os.access(folder, os.W_OK | os.X_OK)
    return True, os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _open_unchanged(path: Path) -> sqlite3.Connection:
    """Read beside a daemon, or after one that was killed, from its write-ahead log too; else from the file alone.

    A plain read-only connection makes the log's files where they are missing, and writes into its index.
    """
    has_log = all(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))
    how = "readonly_shm=1" if has_log else "immutable=1"
    return sqlite3.connect(f"{path.as_uri()}?mode=ro&{how}", uri=True)


async def _inspect_server(url: URL) -> DatabaseState:
    engine = engines.postgres(url, poolclass=NullPool)
    try:
        await check_sessions(engine)
        with translated():
            async with engine.connect() as connection:
                is_writable = not await is_read_only(connection) and await may_write(connection)
                found = await connection.run_sync(_read)
    finally:
        await engine.dispose()
    return _state("postgresql", found, exists=True, is_writable=is_writable, is_in_use=False)


@dataclass(frozen=True, slots=True)
class _Content:
    revision: str | None
    hash_choice: str | None
    tenants: tuple[KnownTenant, ...]
    is_unfinished: bool = False


def _read(connection: Connection) -> _Content:
    from storage.migrations import current_revision  # half a second, and every verb imports this module

    return _Content(
        current_revision(connection),
        recorded_hash_choice(connection),
        known_tenants(connection),
        is_unfinished(connection),
    )


def _state(dialect: str, found: _Content, *, exists: bool, is_writable: bool, is_in_use: bool) -> DatabaseState:
    from storage.migrations import BEFORE_THE_BASELINE, known_revisions

    known = known_revisions()
    is_too_old = found.revision in BEFORE_THE_BASELINE
    return DatabaseState(
        dialect=dialect,
        exists=exists,
        revision=found.revision,
        newest_revision=known[0],
        is_too_new=found.revision is not None and found.revision not in known and not is_too_old,
        is_too_old=is_too_old,
        is_writable=is_writable,
        is_in_use=is_in_use,
        hash_choice=found.hash_choice,
        tenants=found.tenants,
        is_unfinished=found.is_unfinished,
    )


_NAME, _ENTRIES = "tenants", "unwritten_events"
_COLUMNS = ("id", "platform", "platform_id", "name", "stopped_at")


def known_tenants(connection: Connection) -> tuple[KnownTenant, ...]:
    """List every tenant by id; none where there is no such table."""
    inspector = inspect(connection)
    if not _have(inspector, _NAME, _COLUMNS):
        return ()  # or another program's
    known: list[ColumnElement[Any]] = [column(name) for name in _COLUMNS]
    query = select(*known).select_from(table(_NAME)).order_by(column("id"))
    rows = map(dict, connection.execute(query).mappings())
    unwritten = _open_entries(connection, inspector)
    return tuple(
        KnownTenant(
            is_stopped=row.pop("stopped_at") is not None, events_unwritten=unwritten.get(str(row["id"]), 0), **row
        )
        for row in rows
    )


def _have(inspector: Inspector, name: str, columns: Sequence[str]) -> bool:
    return inspector.has_table(name) and {one["name"] for one in inspector.get_columns(name)}.issuperset(columns)


def _open_entries(connection: Connection, inspector: Inspector) -> dict[str, int]:
    if not _have(inspector, _ENTRIES, ("tenant_id", "resolved_at")):
        return {}
    tenant_id: ColumnElement[str] = column("tenant_id")
    query = select(tenant_id, func.count()).select_from(table(_ENTRIES)).where(column("resolved_at").is_(None))
    return {row[0]: row[1] for row in connection.execute(query.group_by(tenant_id))}
