"""After a gap what was sent lately is read again before what is older, in all channels, and each step is resumed."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.records import SkipReason
from storage.channels import channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.repair import RefetchKind, count_pending_ranges, list_gaps, settle_gaps
from storage.repair.windows import Window, ranges_of
from storage.tables import refetch_ranges
from tests.support.builders import HOUR, NOW, SECOND, channel, message
from tests.support.examples import examples
from tests.support.repair_steps import BEGINNING, LATER, Way
from tests.support.tables_of import count_of

GAP, WINDOW = RefetchKind.GAP, RefetchKind.WINDOW
DAYS = timedelta(days=7)
BEGAN = 900_000  # of a gap, in seconds like the messages' ids
LATELY, OLDER = str(BEGAN - 86_401), str(BEGAN - 7 * 86_400 - 1)  # where what was sent lately begins, and the window


@pytest.fixture
async def three(way: Way) -> dict[str, int]:
    """Three channels: of many older messages, of few, and of none but older ones."""
    await save_channels(way.db, way.tenant.id, [channel("6"), channel("7")], NOW)
    ids = {state.platform_id: state.id for state in await channel_states(way.db, way.tenant.id)}
    older = (300_000, 300_001)
    stored = {"5": (*older, 300_002, 850_000, 850_001, 850_002), "6": (*older, 850_000), "7": older}
    for platform_id, numbers in stored.items():
        await way.store(*map(message, numbers), channel_id=ids[platform_id])
    return ids


async def plan(way: Way, began: int = BEGAN) -> int:
    await way.gap(BEGINNING + began * SECOND, BEGINNING + (began + 9) * SECOND)
    return await way.plan(lookback=DAYS, page_size=2)


async def steps(way: Way) -> list[tuple[str, str, str | None, str]]:
    return [(r.kind, r.channel_platform_id, r.after_platform_id, r.until_platform_id) for r in await way.pending()]


async def steps_of(way: Way, channel_id: str) -> list[tuple[str, str | None, str]]:
    return [(kind, after, until) for kind, found, after, until in await steps(way) if found == channel_id]


async def test_what_was_sent_lately_comes_first_and_few_older_messages_with_it(way: Way, three: dict[str, int]) -> None:
    assert await plan(way) == 4
    assert await steps(way) == [
        (GAP, "5", LATELY, "850002"),
        (GAP, "6", OLDER, "850000"),
        (WINDOW, "5", OLDER, LATELY),
        (WINDOW, "7", OLDER, "300001"),
    ]
    assert await plan(way) == 0, "the same once more"


@pytest.mark.slow
async def test_an_interrupted_job_goes_on_with_the_most_urgent_step(
    db: Database, way: Way, three: dict[str, int], lease: JobLease
) -> None:
    await plan(way)
    await way.refetch("300000", channel="7")
    single, lately, few, *_ = await way.pending()
    await way.save(single, message(300_000))
    await way.save(few, message(300_000), message(300_001), reached="300001")
    await way.save(lately, *map(message, range(850_000, 850_003)))
    assert (await steps(way))[0] == (GAP, "6", "300001", "850000")
    assert await count_pending_ranges(db, way.tenant.id) == {GAP: 1, WINDOW: 2}
    assert await settle_gaps(db, way.tenant.id, now=LATER) == 0
    await way.save((await way.pending())[0], message(850_000))
    assert [kind for kind, *_ in await steps(way)] == [WINDOW, WINDOW]
    assert await settle_gaps(db, way.tenant.id, now=LATER) == 0, "its window is not read"
    for left in await way.pending():
        await way.save(left)
    assert await settle_gaps(db, way.tenant.id, now=LATER) == 1


@pytest.mark.slow
async def test_a_gap_before_the_one_before_is_repaired(db: Database, way: Way, three: dict[str, int]) -> None:
    await plan(way)
    await way.save((await way.pending())[0], *map(message, range(850_000, 850_003)))
    later = BEGAN + 2 * 86_400
    border, newest = str(later - 86_401), str(later - 2)
    await way.store(message(later - 2))
    assert await plan(way, later) == 2
    assert await steps_of(way, "5") == [(GAP, border, newest), (WINDOW, OLDER, border)]
    read = str(later - 80_000)
    await way.save((await way.pending())[0], reached=read)
    assert await plan(way, later + 7_200) == 1
    assert await steps_of(way, "5") == [(GAP, read, newest), (WINDOW, OLDER, read)]
    earlier = BEGAN - 86_400
    await plan(way, earlier)
    border = str(earlier - 86_401)
    assert await steps_of(way, "5") == [(GAP, border, newest), (WINDOW, str(earlier - 7 * 86_400 - 1), border)]


async def test_a_channel_that_is_hidden_meanwhile_keeps_its_steps(
    db: Database, way: Way, three: dict[str, int]
) -> None:
    await plan(way)
    await way.save((await way.pending())[0], *map(message, range(850_000, 850_003)))
    hidden_at = BEGINNING + (BEGAN + 3_600) * SECOND
    await mark_skipped(db, way.tenant.id, ["5", "6", "7"], SkipReason.NOT_PUBLIC, hidden_at)
    assert await way.pending() == []
    assert await settle_gaps(db, way.tenant.id, now=LATER) == 1
    assert await list_gaps(db, way.tenant.id) == []
    await save_channels(db, way.tenant.id, [channel("5")], hidden_at + HOUR)
    assert await way.plan(lookback=DAYS, page_size=2) == 2
    border = str(BEGAN + 3_600 - 86_401)
    assert await steps(way) == [(GAP, "5", border, "850002"), (WINDOW, "5", OLDER, border)]
    assert await count_of(db, refetch_ranges) == 4, "those of the others wait"


NUMBERS = st.integers(0, 12)


@st.composite
def left_of_earlier(draw: st.DrawFn) -> dict[RefetchKind, dict[str, str]]:
    """What may be left of earlier windows: at most one range of a kind, the older one up to the other at most."""
    first, border, read, until = sorted(draw(st.lists(NUMBERS, min_size=4, max_size=4)))
    ranges = {WINDOW: (first, border), GAP: (read, until)}
    kinds = draw(st.sets(st.sampled_from([WINDOW, GAP])))
    return {
        kind: {"after_platform_id": str(after), "until_platform_id": str(up_to)}
        for kind, (after, up_to) in ranges.items()
        if kind in kinds and after < up_to
    }


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(NUMBERS, min_size=3, max_size=3).map(sorted), left_of_earlier())
def test_ranges_hold_a_window_and_what_was_left_of_others(
    new: list[int], left: dict[RefetchKind, dict[str, str]]
) -> None:
    after, lately, until = new
    window = Window(channel_id=1, after=str(after), lately=str(lately), until=str(until))
    if window.is_empty:
        return
    found = {kind: messages_of(*ends) for kind, ends in ranges_of(window, left).items()}
    before = {kind: messages_of(*row.values()) for kind, row in left.items()}
    assert messages_of(window.after, window.until) | set().union(*before.values()) <= set().union(*found.values())
    assert messages_of(window.lately, window.until) | before.get(GAP, set()) <= found.get(GAP, set())
    assert all(found.values())
    assert not found.get(GAP, set()) & found.get(WINDOW, set())


def messages_of(after: str | None, until: str) -> set[int]:
    return set(range(int(after or 0) + 1, int(until) + 1))
