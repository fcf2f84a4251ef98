"""What was heard is written, whatever the database or a library does at the moment, and a hidden channel by anybody."""

import asyncio
from pathlib import Path

import pytest

from bot.live import LiveWriter
from storage.errors import StorageError
from storage.tables import channels, refetch_ranges
from tests.support.builders import channel
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before, refuse_updates
from tests.support.live_writing import (
    OTHER,
    PLATFORM,
    PRIVATE,
    TENANT,
    archive,
    audited,
    deleted,
    hear,
    hear_of,
    hidden,
    leading,
    until,
    writing,
)
from tests.support.postgres import Postgres
from tests.support.tables_of import rows_of


async def logged(caplog: pytest.LogCaptureFixture) -> bool:
    return bool([record for record in caplog.records if record.levelname == "ERROR"])


@pytest.mark.slow
async def test_a_slip_of_a_library_loses_nothing(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Something inside is cancelled that nobody wanted to be."""
    async with archive(database_url) as db:
        live = await leading(db)
        async with writing(live):
            with killed_before(db, "UPDATE messages", "INSERT INTO channels", error=asyncio.CancelledError):
                hear_of(live, 2)
                hear(live)
                await until(lambda: logged(caplog), True)
            await until(lambda: deleted(db), ["2"])
            await until(lambda: hidden(db), [(TENANT, "5"), (TENANT, "6")])


@pytest.mark.slow
async def test_what_cannot_even_be_read_again_is_audited(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """And where that cannot be put down either it is kept, and holds up nothing else."""
    async with archive(database_url) as db:
        live = await leading(db)
        async with writing(live):
            with killed_before(db, "UPDATE messages", "INSERT INTO refetch_ranges"):
                with killed_before(db, "UPDATE tenants"):
                    hear_of(live, 2)
                    await until(lambda: logged(caplog), True)
                    hear(live, PRIVATE, "2")
                    await until(lambda: hidden(db), [(OTHER, "5")])
                    assert await audited(db) == []
                await until(lambda: audited(db), [TENANT])


@pytest.mark.slow
async def test_a_change_that_the_database_refuses_without_a_reason_holds_up_no_other(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    async with archive(f"sqlite+aiosqlite:///{file}") as db:
        refuse_updates(file, "messages", "deleted_at")
        live = await leading(db)
        async with writing(live):
            hear_of(live, 2)
            hear_of(live, invalidated=3)

            async def read_again() -> list[str]:
                return sorted(row["until_platform_id"] for row in await rows_of(db, refetch_ranges))

            await until(read_again, ["2", "3"])
        assert await deleted(db) == []


@pytest.mark.slow
async def test_a_tenant_whose_channel_cannot_be_hidden_stores_nothing_and_the_others_do(database_url: str) -> None:
    async with archive(database_url) as db:
        live = await leading(db)
        hear_of(live, 2)
        hear(live)
        with killed_before(db, "INSERT INTO channels", "UPDATE channels", "UPDATE messages", "INSERT INTO refetch"):
            await live.write_channels(OTHER)
            with pytest.raises(Killed):
                await live.write_channels(TENANT)
        await live.write_channels(TENANT)
        assert await hidden(db) == [(TENANT, "5"), (TENANT, "6")]


@pytest.mark.slow
async def test_a_channel_whose_record_is_refused_is_hidden_with_its_threads(database_url: str) -> None:
    async with archive(database_url) as db:
        live = await leading(db)
        hear(live)
        with killed_before(db, "INSERT INTO channels"):
            await live.write_channels(TENANT)
        assert await hidden(db) == [(TENANT, "5"), (TENANT, "6")]


@pytest.mark.slow
@pytest.mark.parametrize("is_decided", [True, False])
async def test_a_channel_is_hidden_by_whoever_hears_it(postgres: Postgres, is_decided: bool) -> None:
    """The process that leads may be stopped, and this one has a page of the channel in its hands."""
    async with archive(postgres.create_database()) as db:
        await leading(db, "another")
        live = LiveWriter(db, {}, "me", Clock())
        if is_decided:
            live.following.connected(PLATFORM, [TENANT, OTHER])
            await live.following.renew()
            assert not live.following.led
        hear(live, channel("5", name="renamed"))
        hear(live)
        await live.write_channels(TENANT)
        assert await hidden(db) == [(TENANT, "5"), (TENANT, "6")]
        hear(live, PRIVATE, "2")
        async with writing(live):
            await until(lambda: hidden(db), [(TENANT, "5"), (TENANT, "6"), (OTHER, "5")])
        assert "renamed" not in [row["name"] for row in await rows_of(db, channels)], "that is for the leader to write"


async def test_a_channel_is_hidden_while_the_process_stops(database_url: str) -> None:
    """The jobs are still on their way to a safe point."""
    async with archive(database_url) as db:
        live = await leading(db)
        async with writing(live):
            await asyncio.sleep(0)
        hear(live)
        await live.write_channels(TENANT)
        assert await hidden(db) == [(TENANT, "5"), (TENANT, "6")]


@pytest.mark.slow
async def test_what_is_wrong_with_changes_is_not_the_jobs(database_url: str) -> None:
    async with archive(database_url) as db:
        live = await leading(db)
        hear_of(live, 2)
        hear(live)

        class Unexplained(StorageError):
            code = "no_code_of_ours"

        with killed_before(db, "UPDATE messages", error=Unexplained):
            await live.write_channels(TENANT)
        assert await hidden(db) == [(TENANT, "5"), (TENANT, "6")]
        assert await deleted(db) == []
