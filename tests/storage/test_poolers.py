"""A pooler before PostgreSQL has to lend whole sessions."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.connection import check_sessions, parse_url
from storage.connection.server import compare_sessions
from storage.errors import SessionsShared
from tests.support.postgres import Postgres


@pytest.fixture
def engine(postgres: Postgres) -> AsyncEngine:
    """Connections straight to the server."""
    return create_async_engine(parse_url(postgres.create_database()))


async def test_two_connections_in_two_sessions_are_right(engine: AsyncEngine) -> None:
    async with engine.connect() as one, engine.connect() as other:
        await compare_sessions(one, other)
    await check_sessions(engine)
    await engine.dispose()


async def test_two_connections_in_one_session_are_refused(engine: AsyncEngine) -> None:
    """As a pooler shows them that lends its sessions for a transaction each; here they are one connection."""
    async with engine.connect() as one:
        with pytest.raises(SessionsShared, match="pool_mode = session"):
            await compare_sessions(one, one)
    await engine.dispose()
