"""A PostgreSQL role that can read the archive and nothing else, for analysts and their tools."""

import re
import secrets
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import StorageError
from storage.tables import metadata
from storage.views import VIEWS

_NAME = re.compile("(?!pg_)[a-z_][a-z0-9_]{0,62}")
# What says who asked to be forgotten or left out, and how the archive is kept, is nobody's business but the daemon's.
_WITHHELD = frozenset({"archive_settings", "erased_users", "opt_outs"})
_ABOUT = "may read the archive of platform-sync"  # by which a role of ours is known
_QUERY_LIMIT = "5min"

_FIND = text("SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = :role")


class RoleRefused(StorageError):
    """The role cannot be made."""

    code = "role_refused"
    remedy = "Give another name, or database.url of a role that may make roles (CREATEROLE)."


@finish_before_cancel
async def make_reader_role(db: Database, name: str, *, new_password: bool = False) -> str | None:
    """Make a role that can log in and read all but people's requests, or renew what it may read.

    Its transactions are read-only, and each query ends after five minutes.

    Returns:
        The password of a new role, or a new one where that is wanted; otherwise None.

    Raises:
        RoleRefused: the database is SQLite, the name is none, or is that of a role that was not made by this.
        DatabaseReadOnly: the role of ``database.url`` may not make roles.
    """
    if db.dialect != "postgresql":
        raise RoleRefused("SQLite has no roles: open it read-only, as in sqlite3 'file:data/archive.db?mode=ro'.")
    if not _NAME.fullmatch(name):
        raise RoleRefused("A role's name has lower-case letters, digits and _, at most 63, and does not begin pg_.")
    async with db.writing() as connection:
        found = (await connection.execute(_FIND, {"role": name})).one_or_none()
        if found is not None and found[0] != _ABOUT:
            raise RoleRefused(f"There is a role {name} that was not made for this: give another name.")
        password = secrets.token_urlsafe(24) if found is None or new_password else None
        for statement in await _statements(connection, name, password, is_new=found is None):
            await connection.exec_driver_sql(statement)
    return password


async def _statements(connection: AsyncConnection, name: str, password: str | None, *, is_new: bool) -> list[str]:
    """Write the statements; the name has been checked, and of the password only a verifier is sent."""
    database, schema = (await connection.execute(text("SELECT current_database(), current_schema()"))).one()
    quoted = connection.dialect.identifier_preparer.quote
    readable = [*(table for table in metadata.tables if table not in _WITHHELD), *(view.name for view in VIEWS)]
    made = [f"CREATE ROLE {name} LOGIN", f"COMMENT ON ROLE {name} IS '{_ABOUT}'"] if is_new else []
    if password is not None:
        made.append(f"ALTER ROLE {name} PASSWORD '{await _verifier(connection, name, password)}'")
    return [
        *made,
        f"ALTER ROLE {name} SET default_transaction_read_only = on",
        f"ALTER ROLE {name} SET statement_timeout = '{_QUERY_LIMIT}'",
        f"GRANT CONNECT ON DATABASE {quoted(database)} TO {name}",
        f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {name}",
        f"GRANT SELECT ON {', '.join(readable)} TO {name}",
    ]


async def _verifier(connection: AsyncConnection, name: str, password: str) -> str:
    """Return what the server keeps of a password, so that the password itself is in no log of statements."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    verifier: bytes = driver.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    return verifier.decode()
