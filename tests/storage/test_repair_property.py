"""Whatever is stored and whatever the platform has: reading a range again makes the one like the other.

In pages of any size, broken off anywhere, with messages that events name meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.records import MessageRecord
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import mark_deleted
from storage.repair import RefetchKind, RefetchRange, finish_audit
from storage.tables import attachments, channel_audits, messages, reaction_totals, refetch_ranges, sync_progress
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, attachment, message, total
from tests.support.examples import examples
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import LATER, Way, state
from tests.support.tables_of import only_row, rows_of, run_sql

LATEST = LATER + MINUTE
# Of 17, 18 and 19 digits, and such that their order as text is another one.
IDS = [
    *(10**16, 10**16 + 1, 99 * 10**15, 10**17 - 1),
    *(10**17, 10**17 + 1, 5 * 10**17, 10**18 - 1),
    *(10**18, 10**18 + 1, 10**18 + 5 * 10**17, 5 * 10**18),
]


def variant(number: int, kind: int) -> MessageRecord:
    """One of the forms that a message can have."""
    record = message(1, platform_id=str(number), content=f"message {number} {kind % 2}", sent_at=NOW)
    files = (attachment("1"), attachment("2"))[: kind % 3]
    return replace(record, attachments=files, reaction_totals=(total("👍", kind),) if kind > 1 else ())


@dataclass(frozen=True)
class World:
    """What is stored, what the platform has, and how it is read."""

    stored: dict[int, tuple[int, bool]]  # its form, and whether it is marked as deleted
    there: dict[int, int]
    after: int
    until: int
    sizes: list[int] = field(default_factory=list)  # of the pages; then everything at once
    touched: list[set[int]] = field(default_factory=list)
    crashes: list[bool] = field(default_factory=list)

    def page(self, after: int, size: int) -> list[MessageRecord]:
        """As a platform answers: the oldest ones behind an id, however many there are."""
        return [variant(n, self.there[n]) for n in sorted(self.there) if n > after][:size]

    @property
    def range(self) -> set[int]:
        return {n for n in IDS if self.after < n <= self.until}


FORMS = st.integers(0, 3)
SOME = st.sets(st.sampled_from(IDS), min_size=1, max_size=6)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    whole = st.just([0, IDS[-1]])
    part = st.lists(st.sampled_from([0, *IDS]), min_size=2, max_size=2, unique=True)
    after, until = sorted(draw(whole | part))
    stored = {n: draw(st.none() | st.tuples(FORMS, st.booleans())) for n in IDS}
    there = {n: draw(st.none() | FORMS) for n in IDS}
    return World(
        stored={n: form for n, form in stored.items() if form is not None} or {IDS[0]: (0, False)},
        there={n: form for n, form in there.items() if form is not None},
        after=after,
        until=until,
        sizes=draw(st.lists(st.integers(1, 6), max_size=12)),
        touched=draw(st.lists(SOME | st.just(set()), max_size=6)),
        crashes=draw(st.lists(st.booleans(), max_size=6)),
    )


class Reader:
    """Works off what is pending, as a job does."""

    def __init__(self, way: Way, world: World) -> None:
        self.way, self.world = way, world
        self.sizes, self.touched, self.crashes = iter(world.sizes), iter(world.touched), iter(world.crashes)
        self.seen = 0
        self.changed = 0
        self.deleted = 0

    async def read_all(self) -> None:
        while (repair := next((r for r in await self.way.pending() if not r.is_read), None)) is not None:
            left: RefetchRange | None = repair
            while left is not None and not await self._is_cut_off(left):
                left = await self._read(left)

    async def _is_cut_off(self, repair: RefetchRange) -> bool:
        """A crash in the middle of a transaction leaves nothing of it, and the next job begins with what is pending."""
        if not next(self.crashes, False):
            return False
        before = [await state(self.way.db), await rows_of(self.way.db, refetch_ranges)]
        with killed_before(self.way.db, "UPDATE refetch_ranges", "DELETE FROM refetch_ranges"), pytest.raises(Killed):
            await self._read(repair)
        assert [await state(self.way.db), await rows_of(self.way.db, refetch_ranges)] == before
        return True

    async def _read(self, repair: RefetchRange) -> RefetchRange | None:
        after, until = int(repair.after_platform_id or 0), int(repair.until_platform_id)
        page = self.world.page(after, next(self.sizes, 100))
        is_last = not page or int(page[-1].platform_id) >= until
        reached = repair.until_platform_id if is_last else page[-1].platform_id
        touched = {str(n) for n in next(self.touched, set())}
        within = [m for m in _as_it_was(page, touched) if int(m.platform_id) <= int(reached)]
        before = await self._rows_of(touched)
        outcome = await self.way.save(repair, *within, reached=reached, touched=touched)
        assert await self._rows_of(touched) == before
        assert outcome.seen == len(within)
        assert (outcome.left is None) == is_last
        self.seen += outcome.seen if repair.kind is RefetchKind.AUDIT else 0
        self.changed += outcome.changed
        self.deleted += outcome.deleted
        return outcome.left

    async def _rows_of(self, message_ids: set[str]) -> list[dict[str, object]]:
        return [row for row in await rows_of(self.way.db, messages) if row["platform_id"] in message_ids]


def _as_it_was(page: list[MessageRecord], touched: set[str]) -> Iterator[MessageRecord]:
    """Of a message that an event names meanwhile a page may hold an older form, or nothing yet."""
    for record in page:
        if record.platform_id not in touched:
            yield record
        elif record.attachments:
            yield replace(record, content="as it was", attachments=())


async def prepare(way: Way, world: World) -> None:
    """Store what is stored, and have a range of it read again."""
    for table in (refetch_ranges, channel_audits, messages, sync_progress):
        await run_sql(way.db, f"DELETE FROM {table.name}")  # noqa: S608 # our own tables
    for number in sorted(world.stored):
        await way.store(variant(number, world.stored[number][0]))
    gone = [str(n) for n, (_, is_deleted) in world.stored.items() if is_deleted]
    await mark_deleted(way.db, way.channel.id, gone, job=way.lease, now=NOW)
    await run_sql(way.db, "UPDATE sync_progress SET last_message_platform_id = :until", until=str(world.until))
    await plan_range(way, world)


async def plan_range(way: Way, world: World) -> None:
    async with way.db.writing() as connection:
        await connection.execute(
            refetch_ranges.insert().values(
                channel_id=way.channel.id,
                kind="audit" if world.after == 0 else "gap",
                after_platform_id=str(world.after) if world.after else None,
                until_platform_id=str(world.until),
                created_at=NOW,
                updated_at=NOW,
            )
        )


def expected(world: World) -> Iterator[tuple[str, str, bool, tuple[str, ...], tuple[int, ...]]]:
    """What the archive has to be afterwards: in the range like the platform, elsewhere as it was."""
    for number in sorted(world.stored.keys() | world.there.keys(), key=str):
        form, is_deleted = world.stored.get(number, (None, False))
        if number in world.range:
            is_deleted = number not in world.there
            form = world.there.get(number, form)
        if form is not None:
            record = variant(number, form)
            files = tuple(a.platform_id for a in record.attachments)
            yield str(number), record.content, is_deleted, files, tuple(t.count for t in record.reaction_totals)


async def found(db: Database) -> list[tuple[str, str, bool, tuple[str, ...], tuple[int, ...]]]:
    files, totals = await rows_of(db, attachments), await rows_of(db, reaction_totals)
    return [
        (
            (message_id := row["platform_id"]),
            row["content"],
            row["deleted_at"] is not None,
            tuple(file["platform_id"] for file in files if file["message_platform_id"] == message_id),
            tuple(each["count"] for each in totals if each["message_platform_id"] == message_id),
        )
        for row in await rows_of(db, messages)
    ]


@settings(max_examples=examples(24), deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds())
@pytest.mark.slow
async def test_the_archive_becomes_what_the_platform_has(
    db: Database,
    tenant: Tenant,
    general: ChannelState,
    lease: JobLease,
    world: World,
) -> None:
    way = Way(db, tenant, general, lease)
    await prepare(way, world)
    before = {row["platform_id"]: row for row in await rows_of(db, messages)}
    reader = Reader(way, world)
    await reader.read_all()
    assert await found(db) == list(expected(world))
    after = {row["platform_id"]: row for row in await rows_of(db, messages)}
    outside = [str(n) for n in world.stored if n not in world.range]
    assert [after[i] for i in outside] == [before[i] for i in outside]
    gone = [
        n for n, (_, was_deleted) in world.stored.items() if not was_deleted and n in world.range - world.there.keys()
    ]
    assert reader.deleted == len(gone)
    archived = (await only_row(db, sync_progress))["messages_archived"]
    assert archived == len(after)
    await _finish(way, world, reader.seen)
    await _reading_it_once_more_writes_nothing(way, world)


async def _finish(way: Way, world: World, seen: int) -> None:
    for repair in await way.pending():
        assert (repair.kind, repair.is_read) == (RefetchKind.AUDIT, True)
        await finish_audit(way.db, repair.id, platform_count=None, job=way.lease, now=LATER)
        row = await only_row(way.db, channel_audits)
        assert (row["seen"], row["stored"]) == (
            seen,
            sum(1 for number, _, is_deleted, *_ in expected(world) if not is_deleted and int(number) <= world.until),
        )
    assert await rows_of(way.db, refetch_ranges) == []


async def _reading_it_once_more_writes_nothing(way: Way, world: World) -> None:
    before = await state(way.db)
    again = Reader(way, World(stored={}, there=world.there, after=world.after, until=world.until))
    await plan_range(way, world)
    await again.read_all()
    assert (again.changed, again.deleted) == (0, 0)
    assert await state(way.db) == before
