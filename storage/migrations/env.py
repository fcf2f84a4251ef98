"""Alembic's entry. The program passes its connection in; a developer's ``alembic -x url=...`` makes one here."""

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from storage.tables import metadata


def run(connection: Connection) -> None:
    """Run what the command asks for on one connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


passed: Connection | None = context.config.attributes.get("connection")
if passed is not None:
    run(passed)
else:
    url = context.get_x_argument(as_dictionary=True)["url"].replace("+aiosqlite", "")
    with create_engine(url, poolclass=NullPool).begin() as own:
        run(own)
