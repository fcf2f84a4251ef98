"""What a sync loads and asks for: what it has something to do for, and not all threads that there are."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from storage.channels import ChannelState
from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.daemon import ON_SQLITE, VERIFYING, Clock

pytestmark = pytest.mark.slow

THREADS = 40
MORE_THAN_A_PAGE = 105  # of a listing of archived ones


def with_threads(stage: Stage, count: int = THREADS) -> tuple[str, list[tuple[str, int]]]:
    """Open threads of one to three messages; return their channel, and each with the number of its answers."""
    channel, threads = stage.open_channel("questions"), []
    for number in range(count):
        root = stage.say(channel, f"question {number}")
        thread, _ = stage.open_thread(channel, root, "an answer")
        for again in range(number % 3):
            stage.say(thread, f"one more answer, {again}")
        threads.append((thread, 1 + number % 3))
    return channel, threads


@ON_SQLITE
async def test_a_sync_loads_the_threads_with_news_alone(
    stage: Stage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, threads = with_threads(stage)
    loaded: Counter[str] = Counter()
    make = ChannelState.__init__

    def count(self: ChannelState, **values: Any) -> None:
        loaded[values["platform_id"]] += 1
        make(self, **values)

    async with archiving(stage, database_url) as archive:
        await archive.becomes_true()
        monkeypatch.setattr(ChannelState, "__init__", count)
        stage.say(channel, "heard")
        stage.say(threads[0][0], "heard, too")
        await archive.becomes_true()
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()
    idle = loaded.keys() & {thread for thread, _ in threads[1:]}
    assert not idle, f"{len(idle)} of {THREADS - 1} threads were loaded in which nothing happened"


@ON_SQLITE
async def test_a_thread_that_was_put_to_rest_is_not_missed_among_the_open_ones(stage: Stage, database_url: str) -> None:
    if not stage.traits.archives_threads:
        pytest.skip("its threads stay open")
    _, threads = with_threads(stage, MORE_THAN_A_PAGE)
    for thread, _ in threads:
        stage.archive_thread(thread)
    clock = Clock()
    clock.ahead = timedelta(days=2)  # the listing has settled since
    async with archiving(stage, database_url, VERIFYING, clock=clock) as archive:
        for _ in range(2):  # archived ones that are known are listed no more behind the first page
            assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()
        assert stage.look_ups == 0


@ON_SQLITE
async def test_how_many_messages_a_thread_holds_is_known_by_its_record(stage: Stage, database_url: str) -> None:
    _, threads = with_threads(stage)
    async with archiving(stage, database_url) as archive:
        assert (await archive.sync("audit"))["status"] == "succeeded"
        coverage = await archive.daemon.get(f"/api/tenants/{stage.tenant_id}/coverage?limit=200")
    counted = {audit["platform_id"]: audit["platform_count"] for audit in coverage["audits"]}
    for thread, answers in threads:
        assert counted[thread] is not None, "the platform's own count"
        assert counted[thread] >= answers
