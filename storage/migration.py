"""Running the Alembic history inside this process."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from storage.errors import DatabaseDamaged, DatabaseTooNew

LOCK_KEY = 0x506C6174_53796E63  # any number that nothing else on this database uses: "PlatSync"

_LOCK = text(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
_BROKEN_REFERENCES = text("PRAGMA foreign_key_check")


def upgrade(connection: Connection) -> str:
    """Bring the database to the newest revision, in the transaction that the connection is in.

    Raises:
        DatabaseTooNew: it is at a revision that this program does not know.
        DatabaseDamaged: the rows contradict each other afterwards.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK)
    config = _config(connection)
    script = ScriptDirectory.from_config(config)
    _refuse_newer(connection, script)
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite" and connection.execute(_BROKEN_REFERENCES).first():
        raise DatabaseDamaged("The migration left rows without what they refer to; it was undone.")
    return script.get_current_head() or ""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "storage:migrations")
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise DatabaseTooNew(f"{DatabaseTooNew().args[0]} (it is at revision {', '.join(sorted(unknown))})")
