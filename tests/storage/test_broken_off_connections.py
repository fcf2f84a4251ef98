"""A connection that is broken off while it is being prepared stays open nowhere."""

import asyncio
import gc
from contextlib import suppress

import pytest
from sqlalchemy import make_url, text

from storage.connection.engines import postgres
from tests.support.daemon import ON_POSTGRES
from tests.support.patience import PATIENCE_SECONDS

_STEPS = 120  # of the event loop, more than a connection takes
_OPEN = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


@ON_POSTGRES
@pytest.mark.slow
@pytest.mark.filterwarnings("error")
async def test_a_connection_that_is_broken_off_is_closed(database_url: str) -> None:
    engine, other = postgres(make_url(database_url)), postgres(make_url(database_url))

    async def connect() -> None:
        async with engine.connect():
            pass

    broken_off = 0
    async with other.connect() as looking:
        for steps in range(1, _STEPS):
            connecting = asyncio.create_task(connect())
            for _ in range(steps):
                await asyncio.sleep(0)
            broken_off += connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            await engine.dispose()
        del connecting
        assert broken_off
        async with asyncio.timeout(PATIENCE_SECONDS):  # the server notices soon that nobody is there
            while (await looking.execute(_OPEN)).scalar_one():
                await looking.rollback()  # within a transaction the answer would stay the same
                gc.collect()  # what the driver itself has broken off goes with its cycle
    await other.dispose()
