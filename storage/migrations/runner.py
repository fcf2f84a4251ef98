"""Running the Alembic history inside this process."""

from functools import cache

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from storage.errors import DatabaseDamaged, DatabaseTooNew, DatabaseTooOld

BEFORE_THE_BASELINE = frozenset(("0001", "0002", "0003"))
"""Revisions of versions before the first release, which no migration leads on from."""

LOCK_KEY = 0x506C6174_53796E63  # any number that nothing else on this database uses: "PlatSync"

_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
_BROKEN_REFERENCES = text("PRAGMA foreign_key_check")


def upgrade(connection: Connection, revision: str = "head") -> str:
    """Bring the database to the newest revision, or to another, in the transaction that the connection is in.

    Raises:
        DatabaseTooNew: it is at a revision that this program does not know.
        DatabaseTooOld: it was made before the first release.
        DatabaseDamaged: the rows contradict each other afterwards.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    _refuse_unknown(connection)
    if revision != "head" or current_revision(connection) != _script().get_current_head():
        command.upgrade(_config(connection), revision)
    if connection.dialect.name == "sqlite" and connection.execute(_BROKEN_REFERENCES).first():
        raise DatabaseDamaged("The migration left rows without what they refer to; it was undone.")
    return current_revision(connection) or ""


def known_revisions() -> list[str]:
    """List the revisions that this program contains, the newest first."""
    return [revision.revision for revision in _script().walk_revisions()]


def current_revision(connection: Connection) -> str | None:
    """Return the revision of a database; None where it has no tables yet."""
    return next(iter(MigrationContext.configure(connection).get_current_heads()), None)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


@cache
def _script() -> ScriptDirectory:
    """Read the history, once: its files are modules of this program."""
    return ScriptDirectory.from_config(_config())


def _refuse_unknown(connection: Connection) -> None:
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - set(known_revisions())
    if unknown & BEFORE_THE_BASELINE:
        raise DatabaseTooOld
    if unknown:
        raise DatabaseTooNew(f"{DatabaseTooNew().args[0]} (it is at revision {', '.join(sorted(unknown))})")
