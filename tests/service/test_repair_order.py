"""A job with few requests spends them on what is most urgent in any channel, and the next job goes on from there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.errors import CallFailed
from adapters.pages import MessagePage
from bot.api.presenter import job_view
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress
from bot.sync.repairs import RepairPass
from bot.wording import REPAIRS_IN_WORDS, repairs_in_words
from storage.channels import channel_states, save_channels
from storage.database import open_database
from storage.jobs import renew
from storage.repair import Gap, GapReason, RefetchKind, count_pending_ranges, list_gaps
from storage.tables import messages
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SECOND, SHA, channel, message
from tests.support.daemon import Clock
from tests.support.job_steps import running_job
from tests.support.repair_steps import BEGINNING, Way
from tests.support.tables_of import rows_of

GAP, WINDOW = RefetchKind.GAP, RefetchKind.WINDOW
STORED = (300_000, 300_001, 300_002, 850_000)
BEGAN = 900_000  # of the gap, in seconds like the messages' ids
LATELY, OLDER = str(BEGAN - 86_401), str(BEGAN - 7 * 86_400 - 1)


class Edited:
    """A session of a platform on which every message was edited. A page holds two."""

    page_size = 2
    receives_changes = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []  # channel, and behind which message
        self.broken: str | None = None  # a channel of which no page can be had

    async def messages(self, channel_id: str, after: str | None, **_: object) -> MessagePage:
        self.asked.append((channel_id, after))
        if channel_id == self.broken:
            raise CallFailed("the platform cannot say", attempts=4)
        found = [n for n in STORED if n > int(after or 0)][: self.page_size]
        page = tuple(replace(message(n), content="edited") for n in found)
        return MessagePage(messages=page, reached=str(found[-1]) if found else None, is_full=len(page) == 2)


@pytest.fixture
async def way(database_url: str) -> AsyncIterator[Way]:
    """A job of a tenant after a gap, of which two channels hold messages."""
    db = await open_database(database_url, hash_choice=SHA)
    tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await save_channels(db, tenant.id, [channel("5"), channel("6")], NOW)
    states = await channel_states(db, tenant.id)
    way = Way(db, tenant, states[0], await running_job(db, tenant.id))
    for state in states:
        await way.store(*map(message, STORED), channel_id=state.id)
    await way.gap(BEGINNING + BEGAN * SECOND, BEGINNING + (BEGAN + 9) * SECOND)
    await way.plan(lookback=timedelta(days=7), page_size=2)
    yield way
    await db.close()


def job_of(way: Way, session: Any) -> JobContext:
    return JobContext(
        db=way.db,
        session=session,
        tenant_id=way.tenant.id,
        lease=way.lease,
        progress=Progress(),
        live=LiveWriter(way.db, {}, "me", Clock()),
        config=SyncConfig(concurrent_channels=1),
        clock=Clock(),
        metrics=Metrics(),
        due=None,
    )


async def edited(way: Way) -> set[str]:
    return {row["platform_id"] for row in await rows_of(way.db, messages) if row["content"] == "edited"}


@pytest.mark.slow
async def test_the_most_urgent_step_of_all_channels_comes_before_the_next_one(way: Way) -> None:
    session, left = Edited(), []
    for _ in range(6):
        job = job_of(way, session)
        await RepairPass(job, requests_left=1).run()
        left.append(tuple(job.progress.repairs_left[kind] for kind in (GAP, WINDOW)))
        assert job.progress.repairs_pending == job.progress.repairs_left.total()
        assert (await edited(way) == {"850000"}) == (len(left) <= 2)
    assert session.asked[:2] == [("5", LATELY), ("6", LATELY)]
    assert session.asked[2:] == [(i, after) for i in "56" for after in (OLDER, "300001")]
    assert left == [(1, 2), (0, 2), (0, 2), (0, 1), (0, 1), (0, 0)]
    assert await edited(way) == {str(n) for n in STORED}
    assert await list_gaps(way.db, way.tenant.id) == []


@pytest.mark.slow
async def test_a_channel_that_gave_up_is_not_asked_for_its_next_step(way: Way) -> None:
    session = Edited()
    session.broken = "5"
    job = job_of(way, session)
    await RepairPass(job, requests_left=100).run()
    assert [channel_id for channel_id, _ in session.asked] == ["5", "6", "6", "6"]
    assert set(job.failures) == {"5"}
    assert job.progress.repairs_left == {GAP: 1, WINDOW: 1}
    session.broken = None
    await RepairPass(job_of(way, session), requests_left=100).run()
    assert await count_pending_ranges(way.db, way.tenant.id) == {}


@pytest.mark.slow
async def test_a_running_job_says_in_words_what_it_reads_again(way: Way) -> None:
    session = Edited()
    job, seen = job_of(way, session), []
    fetch = session.messages

    async def look_and_fetch(*args: Any, **kw: Any) -> MessagePage:
        stored = await renew(way.db, way.lease, now=NOW, totals=job.progress.snapshot(NOW))
        seen.append(job_view(stored, None, None).progress)
        return await fetch(*args, **kw)

    session.messages = look_and_fetch  # type: ignore[method-assign]
    await RepairPass(job, requests_left=100).run()
    assert [progress.repairing for progress in seen] == [REPAIRS_IN_WORDS[k] for k in (GAP, GAP, *[WINDOW] * 4)]
    assert [progress.repairs_left.window for progress in seen][:3] == [2, 2, 2]
    after = await renew(way.db, way.lease, now=NOW, totals=job.progress.snapshot(NOW))
    assert job_view(after, None, None).progress.repairing is None


def test_what_is_left_is_told_in_its_order() -> None:
    words = repairs_in_words({RefetchKind.AUDIT: 1_000, WINDOW: 1}, [])
    assert words == (
        "1 range of older messages that may have changed unseen; then 1,000 ranges of all messages, for an audit"
    )


def test_while_a_gap_is_not_planned_something_is_to_be_read_again() -> None:
    gap = Gap(
        id=1,
        tenant_id="discord-1",
        reason=GapReason.OUTAGE,
        began_at=NOW,
        ended_at=None,
        planned_at=None,
        repaired_at=None,
    )
    planned = replace(gap, ended_at=NOW, planned_at=NOW)
    ended = replace(gap, ended_at=NOW)
    assert repairs_in_words({}, [ended, planned]) == "what may have changed during 1 gap, as the next sync finds out"
    assert repairs_in_words({}, [gap]) == "what changes during a gap that is still open, once it has ended"
    assert repairs_in_words({}, [planned]) == "nothing is to be read again"
