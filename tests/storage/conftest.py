"""An open archive with a tenant in it, on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database, open_database
from storage.jobs import JobLease
from storage.tenants import Tenant, save_tenant
from tests.support.builders import GUILD, NOW, SHA, channel
from tests.support.job_steps import running_job
from tests.support.live_steps import Board, LiveChannel
from tests.support.postgres import Postgres
from tests.support.repair_steps import Way


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An open archive."""
    db = await open_database(database_url, hash_choice=SHA)
    yield db
    await db.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table; the SQLite one has no folder yet either."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/new/folder/archive.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database(migrated=False)


@pytest.fixture
async def both(tmp_path: Path, postgres: Postgres) -> AsyncIterator[tuple[Database, Database]]:
    """One archive of each kind, for tests that compare them."""
    sqlite = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}", hash_choice=SHA)
    server = await open_database(postgres.create_database(), hash_choice=SHA)
    yield sqlite, server
    await sqlite.close()
    await server.close()


@pytest.fixture
async def tenant(db: Database) -> Tenant:
    """A connected tenant that was never synced."""
    return (await save_tenant(db, "discord", GUILD, connected=True, now=NOW))[0]


@pytest.fixture
async def lease(db: Database, tenant: Tenant) -> JobLease:
    """The lease of its running job."""
    return await running_job(db, tenant.id)


@pytest.fixture
async def general(db: Database, tenant: Tenant) -> ChannelState:
    """A channel of it, with nothing read yet."""
    await save_channels(db, tenant.id, [channel("5")], NOW)
    return (await channel_states(db, tenant.id))[0]


@pytest.fixture
def way(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Way:
    """The channel, read again by the job."""
    return Way(db, tenant, general, lease)


@pytest.fixture
def live(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> LiveChannel:
    """The channel, changed by a live connection."""
    return LiveChannel(db, tenant, general, lease)


@pytest.fixture
def board(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Board:
    """The reactions to one message of the channel."""
    return Board(db, tenant, general, lease)
