"""Changes heard by one process of what another one is about to store: none is lost between the two."""

from typing import Any

import pytest

from adapters.records import SkipReason
from storage.channels import mark_skipped
from storage.jobs import JobStatus, finish
from storage.live import apply_changes
from storage.repair import pending_ranges
from storage.tables import refetch_ranges
from tests.support.builders import NOW, change, message, reaction
from tests.support.live_steps import LATER, LiveChannel
from tests.support.tables_of import count_of

pytestmark = pytest.mark.slow

CHANGES: list[dict[str, Any]] = [
    {"edited": message(8, content="new")},
    {"is_deleted": True},
    {"is_invalidated": True},
    {"reactions": [reaction("a")]},
    {"is_cleared": True},
]


async def hear(live: LiveChannel, owner: str, **what: Any) -> int:
    """Apply a change of the eighth message as a process that leads; how many messages are to be read again then."""
    await apply_changes(live.db, [change(live.tenant.id, "5", "8", **what)], LATER, owner=owner)
    return await count_of(live.db, refetch_ranges)


@pytest.mark.parametrize("what", CHANGES, ids=lambda what: next(iter(what)))
async def test_what_another_process_may_be_storing_is_read_again(live: LiveChannel, what: dict[str, Any]) -> None:
    assert await hear(live, "leader", **what) == 1
    await live.store(message(8))  # as it was when the other process fetched it, whatever that hears later
    ((left,),) = [some async for some in pending_ranges(live.db, live.tenant.id)]
    assert (left.after_platform_id, left.until_platform_id) == ("7", "8")
    assert await hear(live, "leader", **what) == 1


async def test_what_this_process_reads_it_looks_after_itself(live: LiveChannel) -> None:
    assert await hear(live, "worker", is_deleted=True) == 0


async def test_what_nobody_reads_will_be_read_as_it_is_then(live: LiveChannel) -> None:
    await finish(live.db, live.lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
    assert await hear(live, "leader", is_deleted=True) == 0


async def test_what_is_stored_is_changed_at_once(live: LiveChannel) -> None:
    await live.store(message(8))
    assert await hear(live, "leader", is_deleted=True) == 0


async def test_what_is_not_archived_is_not_read(live: LiveChannel) -> None:
    await mark_skipped(live.db, live.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
    assert await hear(live, "leader", is_deleted=True) == 0
