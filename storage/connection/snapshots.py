"""Connections on which all that is read is of one instant, however long the reading takes.

https://www.sqlite.org/isolation.html, https://www.postgresql.org/docs/current/transaction-iso.html
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@asynccontextmanager
async def lend_snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Lend a connection in a transaction that only reads; its instant is that of its first query.

    It holds nothing up but the removal of what has been replaced since: SQLite keeps that in the write-ahead log,
    PostgreSQL in the tables.

    Args:
        engine: of connections to read by.
    """
    async with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            reading = await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            # Who is read for may be slow.
            await reading.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield reading
        else:
            await connection.exec_driver_sql("BEGIN")  # otherwise each SELECT would be a transaction of its own
            yield connection
