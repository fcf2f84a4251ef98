"""What a PostgreSQL server and our role on it can do."""

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import DatabaseUnsuitable
from storage.tables import metadata

_FACTS = text("SELECT current_setting('server_encoding'), current_setting('transaction_read_only')")
_MAY_WRITE = text(
    "SELECT coalesce("
    " bool_and(has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE')"
    " AND has_table_privilege(oid, 'DELETE')),"
    " has_schema_privilege(current_schema(), 'CREATE'))"
    " FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname IN :tables"
).bindparams(bindparam("tables", expanding=True))


async def is_read_only(connection: AsyncConnection) -> bool:
    """Whether the server only reads: a standby, or one that is set so.

    Raises:
        DatabaseUnsuitable: it cannot hold every text.
    """
    encoding, read_only = (await connection.execute(_FACTS)).one()
    if encoding != "UTF8":
        raise DatabaseUnsuitable(f"{DatabaseUnsuitable().args[0]} (this one has {encoding})")
    return bool(read_only == "on")


async def may_write(connection: AsyncConnection) -> bool:
    """Whether our role may change the archive's tables, or make them where there are none yet."""
    answer = await connection.execute(_MAY_WRITE, {"tables": list(metadata.tables)})
    return bool(answer.scalar_one())
