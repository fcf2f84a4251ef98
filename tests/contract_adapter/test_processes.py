"""Two processes on one archive: no event is lost between them, whoever the platform tells."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.support.contract.archives import Archived
from tests.support.contract.stage import Stage
from tests.support.contract.talk import go_on, talk
from tests.support.daemon import HASTY
from tests.support.delivering import delivering
from tests.support.postgres import Postgres

pytestmark = pytest.mark.slow


async def test_two_processes_take_nothing_from_each_other(every_stage: Stage, postgres: Postgres) -> None:
    stage = every_stage
    one, _, ids = talk(stage)
    url = postgres.create_database()
    async with AsyncExitStack() as stack:
        adapter = await stack.enter_async_context(stage.running())
        first = await stack.enter_async_context(AsyncExitStack())
        leading = Archived(
            stage, await first.enter_async_context(delivering(url, {stage.platform: adapter}, HASTY)), url
        )
        stack.callback(leading.close)
        await leading.first_sync()
        adapters = {stage.platform: stage.another_adapter()}
        beside = await stack.enter_async_context(delivering(url, adapters, HASTY))
        other = Archived(stage, beside, url)
        stack.callback(other.close)
        await beside.until(lambda: beside.get("/api/processes"), lambda known: len(known["processes"]) == 2)
        for number in range(10):  # so long that the other one would be connected, if it were to be
            stage.say(one, f"beside it {number}")
            await asyncio.sleep(0.1)
        if adapter.shares_parts:
            assert not adapter.held & adapters[stage.platform].held, "each part is connected by one of them"
        go_on(stage, one, ids)
        await leading.becomes_true()
        await first.aclose()
        await beside.until(lambda: beside.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
        stage.say(one, "while the other one takes over")
        stage.say(one, "and afterwards")
        job = await other.sync()
        assert job["status"] == "succeeded", job["error"]
        assert other.rows() == stage.truth()
