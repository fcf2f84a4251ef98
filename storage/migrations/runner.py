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
    current = current_revision(connection)
    if revision == "head" and current == known_revisions()[0]:
        return current
    _refuse_unknown(current)
    command.upgrade(_config(connection), revision)
    if connection.dialect.name == "sqlite" and connection.execute(_BROKEN_REFERENCES).first():
        raise DatabaseDamaged("The migration left rows without what they refer to; it was undone.")
    return current_revision(connection) or ""


@cache
def known_revisions() -> tuple[str, ...]:
    """List the revisions that this program contains, the newest first."""
    return tuple(revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions())


def current_revision(connection: Connection) -> str | None:
    """Return the revision of a database; None where it has no tables yet."""
    return next(iter(MigrationContext.configure(connection).get_current_heads()), None)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


def _refuse_unknown(revision: str | None) -> None:
    if revision in BEFORE_THE_BASELINE:
        raise DatabaseTooOld
    if revision is not None and revision not in known_revisions():
        raise DatabaseTooNew(f"{DatabaseTooNew().args[0]} (it is at revision {revision})")
