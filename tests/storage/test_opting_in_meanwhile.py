"""Opting in while the removal of the opt-out goes on: what is said from then on stays as it was stored."""

import pytest

from storage.database import Database
from storage.privacy import fulfil_opt_out, opt_in, opt_out
from storage.tables import attachments, messages, reactions
from tests.support.builders import MINUTE, NOW, attachment, message, total
from tests.support.erasure_steps import OTHER, WHO, give
from tests.support.repair_steps import LATER, Way
from tests.support.stepped import Stepped
from tests.support.tables_of import rows_of

OUT, IN = NOW - 30 * MINUTE, NOW - 10 * MINUTE
NAMED = f"<@{WHO}>"


class OptedIn(Stepped):
    """Behind the first transaction of a removal the person opts in, and the talk goes on."""

    def __init__(self, db: Database, way: Way) -> None:
        super().__init__(db)
        self.way = way

    async def after_commit(self) -> None:
        if self.written == 1:
            await opt_in(self.db, WHO, tenant_id=None, now=IN)
            await self.way.store(
                message(3101, author_hash=WHO, content="again"),
                message(3102, author_hash=OTHER, content=NAMED, attachments=(attachment("2", filename=WHO),)),
                message(3103, author_hash=OTHER, content=NAMED, reaction_totals=(total("👍"),)),
            )
            await give(self.way, WHO)


@pytest.mark.slow
async def test_what_is_said_after_opting_in_stays(db: Database, way: Way) -> None:
    await way.store(message(1, author_hash=WHO, content="before"), message(2001, author_hash=OTHER, content=NAMED))
    asked = await opt_out(db, WHO, tenant_id=None, now=OUT, erase=True)
    done = await fulfil_opt_out(OptedIn(db, way).as_database, asked, clock=lambda: LATER, window=1)
    assert done.completed_at == LATER
    shown = {row["platform_id"]: (row["author_hash"], row["content"]) for row in await rows_of(db, messages)}
    assert (shown["1"], shown["2001"]) == ((None, ""), (OTHER, "<@forgotten>"))
    assert (shown["3101"], shown["3102"]) == ((WHO, "again"), (OTHER, NAMED))
    assert [row["filename"] for row in await rows_of(db, attachments)] == [WHO]
    assert [row["user_hash"] for row in await rows_of(db, reactions)] == [WHO]
