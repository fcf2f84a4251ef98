"""A process that stood still while another one took over what it writes: nothing older goes over anything newer."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from adapters.events import ChannelChanged, ChannelRef, MessageEdited
from bot.live import LiveWriter
from storage.database import Database, open_database
from storage.repair import list_gaps
from storage.tables import channels, messages
from tests.support.builders import NOW, channel, message
from tests.support.job_steps import expire_leadership
from tests.support.live_writing import PLATFORM, TENANT, archive, leading
from tests.support.postgres import Postgres
from tests.support.tables_of import rows_of

HERE = ChannelRef(tenant_platform_id="1", platform_id="5")

pytestmark = pytest.mark.slow


def edited(live: LiveWriter, text: str, minutes: int) -> None:
    at = NOW + timedelta(minutes=minutes)
    live.submit(PLATFORM, MessageEdited(channel=HERE, message=message(2, content=text, edited_at=at)))


def renamed(live: LiveWriter, name: str) -> None:
    live.submit(PLATFORM, ChannelChanged(tenant_platform_id="1", record=channel("5", name=name)))


async def content(db: Database) -> str:
    return next(row["content"] for row in await rows_of(db, messages) if row["platform_id"] == "2")


async def name(db: Database) -> str:
    return next(row["name"] for row in await rows_of(db, channels) if row["platform_id"] == "5")


async def missed_until(db: Database) -> datetime:
    return max(gap.ended_at for gap in await list_gaps(db, TENANT) if gap.ended_at)


@pytest.mark.parametrize("other_one", ["leads", "has gone"])
async def test_what_it_has_gathered_is_not_written_over_what_the_other_one_wrote(
    postgres: Postgres, other_one: str
) -> None:
    url = postgres.create_database()
    async with archive(url) as db:
        frozen = await leading(db, "frozen")
        edited(frozen, "older", 1)
        renamed(frozen, "older")
        await expire_leadership(db)
        second = await open_database(url, hash_choice="sha256")
        try:
            other = await leading(second, "other")
            edited(other, "newer", 2)
            renamed(other, "newer")
            await other.catch_up(TENANT)
            await other._flush(PLATFORM)
            assert (await content(db), await name(db)) == ("newer", "newer")
            if other_one == "has gone":
                await other.following.release()
            known_until = await missed_until(db)
            for _ in range(2):
                await frozen._flush(PLATFORM)
                await frozen.following.renew()
            assert (await content(db), await name(db)) == ("newer", "newer")
            is_later = await missed_until(db) > known_until
            assert is_later == (other_one == "has gone"), "it may have missed what came to nobody"
            if other_one == "has gone":
                edited(frozen, "newest", 3)
                await frozen._flush(PLATFORM)
                assert await content(db) == "newest"
        finally:
            await second.close()


async def test_a_takeover_on_one_platform_concerns_no_tenant_of_another(postgres: Postgres) -> None:
    async with archive(postgres.create_database()) as db:
        live, concerns = await leading(db), list[Callable[[str], bool]]()
        live.following.discard = lambda _, found: concerns.append(found)
        await expire_leadership(db)
        other = await leading(db, "other")
        await live.following.renew()
        await other.following.release()
        await live.following.renew()
        (found,) = concerns
        assert (found(TENANT), found("parlour-W1")) == (True, False)
