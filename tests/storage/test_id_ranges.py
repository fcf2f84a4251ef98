"""Ranges of ids: over numbers, found by an index."""

from itertools import product

import pytest
from sqlalchemy import select

from storage.database import Database
from storage.messages import id_ranges
from storage.repair import newest
from storage.tables import messages
from tests.support.builders import NOW, message
from tests.support.repair_steps import Way, plan_of
from tests.support.tables_of import run_sql

_AFTER = [None, "0", "9", "99", "100", "105", "999", "1000", "123456"]
_UNTIL = ["1", "9", "10", "99", "100", "105", "5000", "123456"]


class TestHowItIsFound:
    @pytest.mark.parametrize("name", ["absent", "active"])
    async def test_by_an_index(self, db: Database, way: Way, name: str) -> None:
        absent = select(messages.c.platform_id).where(id_ranges.IN_RANGE)
        query, index = {
            "absent": (
                absent,
                {"sqlite": "channel_id=? AND platform_id>? AND platform_id<?", "postgresql": "uq_messages_channel_id"},
            ),
            "active": (newest._ACTIVE, dict.fromkeys(("sqlite", "postgresql"), "ix_messages_tenant_id_sent_at")),
        }[name]
        values = {"channel": 1, "low": "1", "high": "2", "shortest": 1, "longest": 1, "tenant": "t", "since": NOW}
        if db.dialect == "postgresql":  # of an empty table it takes any index
            await way.store(*(message(number) for number in range(5_000, 5_400)))
            await run_sql(db, "ANALYZE messages")
        assert index[db.dialect] in await plan_of(db, query, values)

    async def test_their_parts_are_ranges_of_numbers(self, db: Database, way: Way) -> None:
        known = [
            1,
            2,
            9,
            10,
            11,
            19,
            90,
            98,
            99,
            100,
            101,
            104,
            105,
            106,
            500,
            999,
            1000,
            1001,
            5000,
            5001,
            99999,
            123456,
        ]
        await run_sql(db, "DELETE FROM messages")
        await way.store(*map(message, known))
        query = select(messages.c.platform_id).where(id_ranges.IN_RANGE)
        async with db.reading() as connection:
            for after, until in product(_AFTER, _UNTIL):
                found: list[int] = []
                for part in id_ranges.split_by_length(after, until):
                    values = {"channel": way.channel.id, **part.as_values()}
                    found += map(int, (await connection.execute(query, values)).scalars())
                expected = [n for n in known if int(after or 0) < n <= int(until)]
                assert sorted(found) == expected, (after, until)
