"""Messages that say a word in every place there is, and the removal of what has had its time."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adapters.records import MessageRecord
from storage.database import Database, open_database
from storage.retention import advance, begin_sweep, clean, find_retention, sweep_some
from storage.tables import content_retention, metadata
from tests.support.builders import NOW, SHA, attachment, message, total
from tests.support.erasure_steps import OTHER, copying
from tests.support.tables_of import rows_of

WORD = "unmistakable"
DAYS = 30
DAY = timedelta(days=1)
BEFORE = (NOW - DAYS * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
"""Up to when content has had its time at ``NOW``."""

_PLACES: Sequence[dict[str, Any]] = (
    {"embeds": [{"title": WORD, "fields": [{"name": "n", "value": WORD}]}]},
    {"poll": {"question": WORD, "answers": [{"id": 1, "text": WORD}], "counts": [{"id": 1, "count": 3}]}},
    {"stickers": [{"id": "1", "name": WORD}], "flags": 4, "pinned": True},
    {"components": [{"type": 10, "content": WORD}], "mentions": [OTHER]},
    {"reference": {"channel_id": "5", "message_id": "1"}, "forward": {"content": WORD}},
    {"interaction": {"type": 2, "name": WORD, "user_hash": OTHER}, "something_new": WORD},
    {"role_subscription": {"tier_name": WORD}},
)


def talk(first: int, sent_at: datetime) -> list[MessageRecord]:
    """Write messages that hold the word in every place, one a second from a time on."""
    return [
        copying(
            message(
                first + n,
                sent_at=sent_at + timedelta(seconds=n),
                content=f"{WORD} {n}" if n % 2 else "",
                metadata=place,
                attachments=(attachment(str(first + n), filename=f"{WORD}.png", metadata={"title": WORD}),),
                reaction_totals=(total("👍", 2),),
            )
        )
        for n, place in enumerate(_PLACES)
    ]


def rambling(first: int, count: int) -> list[MessageRecord]:
    """Write old messages of all lengths, so that pages are split and rewritten."""
    chance = random.Random(3)
    return [
        replace(talk(n, BEFORE - DAY)[n % 7], content=f"{WORD} " * chance.choice([1, 10, 60, 500]))
        for n in range(first, first + count)
    ]


async def trusted(db: Database, tenant_id: str, days: int = DAYS, now: datetime = NOW) -> None:
    """Let what the clock says at a time count: it has stood for an hour, and stands a little longer."""
    await advance(db, tenant_id, days, now)
    await advance(db, tenant_id, days, now + timedelta(hours=1))


async def sweep(db: Database, tenant_id: str, *, limit: int = 500) -> None:
    """Remove everything that has had its time, from the files, too."""
    known = await find_retention(db, tenant_id)
    assert known is not None
    await begin_sweep(db, known)
    while await sweep_some(db, known, NOW, limit=limit):
        pass
    swept = await find_retention(db, tenant_id)
    assert swept is not None
    assert swept.is_swept
    assert await clean(db, [swept], NOW)


async def says_it(db: Database) -> set[str]:
    """Name the tables that hold the word."""
    tables = [table for table in metadata.tables.values() if table is not content_retention]
    return {table.name for table in tables if WORD in str(await rows_of(db, table))}


async def sweep_until_killed(url: str, tenant_id: str) -> None:
    """What a killed process runs: small steps, each told once it is committed."""
    db = await open_database(url, hash_choice=SHA)
    known = await find_retention(db, tenant_id)
    while known and await sweep_some(db, known, NOW, limit=3):
        print("a step", flush=True)
