"""The parts of a connection: what an adapter says of them, and that it connects those that it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.base import PlatformAdapter
from adapters.events import LiveEvent, MessageCreated, PlatformEvent, TenantsReady, TenantsReleased
from adapters.parts import no_turn
from tests.support.contract.stage import Stage
from tests.support.patience import comes

NOTHING: frozenset[str] = frozenset()


class Told:
    """An adapter that runs, and all that it told."""

    def __init__(self, adapter: PlatformAdapter) -> None:
        self.adapter = adapter
        self.events: list[PlatformEvent | LiveEvent] = []

    async def listen(self, event: PlatformEvent) -> None:
        self.events.append(event)

    def said(self) -> list[str]:
        return [event.message.content for event in self.events if isinstance(event, MessageCreated)]

    def parts(self) -> list[tuple[type, str]]:
        return [
            (type(event), event.part) for event in self.events if isinstance(event, (TenantsReady, TenantsReleased))
        ]


@asynccontextmanager
async def told_by(adapter: PlatformAdapter) -> AsyncIterator[Told]:
    told = Told(adapter)
    running = asyncio.create_task(adapter.run(told.listen, told.events.append, no_turn))
    try:
        await comes(lambda: adapter.division is not None, "the division")
        yield told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def part_of(stage: Stage, adapter: PlatformAdapter) -> str:
    assert adapter.division is not None
    return adapter.division.part_of(stage.tenant_platform_id)


async def test_a_community_belongs_to_a_part_and_what_is_held_becomes_ready(stage: Stage) -> None:
    async with stage.running() as adapter, told_by(adapter) as told:
        assert adapter.division is not None
        every = frozenset(adapter.division.parts)
        if adapter.shares_parts:
            assert adapter.held == NOTHING
            adapter.hold(every)
        await comes(lambda: adapter.ready_parts == every, "all parts")
        assert adapter.held == every
        assert part_of(stage, adapter) in every
        assert adapter.unready_reason is None
        await comes(lambda: adapter.received_until(part_of(stage, adapter)), "a proof of the connection")
        assert sorted(told.parts()) == sorted((TenantsReady, part) for part in every)
        adapter.take_share(0.5)


async def test_a_part_that_is_held_no_more_is_silent(shared_stage: Stage) -> None:
    stage = shared_stage
    channel = stage.open_channel("talk")
    async with stage.running() as adapter, told_by(adapter) as told:
        part = part_of(stage, adapter)
        adapter.hold(frozenset([part]))
        await comes(lambda: adapter.ready_parts, "the part")
        stage.say(channel, "one")
        await comes(lambda: told.said() == ["one"], "a message")
        adapter.hold(NOTHING)
        assert adapter.held == adapter.ready_parts == NOTHING
        assert adapter.stream(stage.tenant_platform_id) is None
        assert adapter.received_until(part) is None
        assert adapter.unready_reason is None, "it is for others to be connected"
        await comes(lambda: told.parts()[-1] == (TenantsReleased, part), "the release")
        stage.say(channel, "two")
        await asyncio.sleep(0.1)
        assert isinstance(told.events[-1], TenantsReleased), "nothing comes behind it"


async def test_a_part_that_is_taken_again_begins_anew(shared_stage: Stage) -> None:
    stage = shared_stage
    async with stage.running() as adapter, told_by(adapter) as told:
        part, streams = part_of(stage, adapter), []
        for times in (1, 2, 3):
            adapter.hold(frozenset([part]))
            await comes(lambda: adapter.ready_parts, "the part")
            assert told.parts().count((TenantsReady, part)) == times
            stream = adapter.stream(stage.tenant_platform_id)
            assert stream is not None
            streams.append(stream.id)
            adapter.hold(NOTHING)
        assert len(set(streams)) == 3
        await comes(lambda: told.parts() == 3 * [(TenantsReady, part), (TenantsReleased, part)], "both of each")


async def test_a_part_goes_over_to_another_process(shared_stage: Stage) -> None:
    stage = shared_stage
    channel = stage.open_channel("talk")
    async with stage.running() as adapter, told_by(adapter) as one, told_by(stage.another_adapter()) as other:
        part = frozenset([part_of(stage, adapter)])
        for number, (holder, idle) in enumerate([(one, other), (other, one)]):
            idle.adapter.hold(NOTHING)
            holder.adapter.hold(part)
            await comes(lambda: holder.adapter.ready_parts, "the part")  # noqa: B023
            stage.say(channel, f"message {number}")
            await comes(lambda: f"message {number}" in holder.said(), "the message")  # noqa: B023
        assert (one.said(), other.said()) == (["message 0"], ["message 1"])
