"""A small archive to search in, and what a search has to find in it, worked out from the rows alone."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import text

from adapters.records import MessageRecord, SkipReason
from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.messages import mark_deleted
from storage.search import (
    Field,
    Filter,
    Has,
    IndexKind,
    Order,
    SearchQuery,
    Term,
    TimeSpan,
    continue_index,
    index_state,
    prepare_index,
    search,
)
from tests.support.builders import NOW, SECOND, attachment, channel, message, thread, total
from tests.support.repair_steps import Way

PEOPLE = ("a1b2c3d4" * 8, f"a1b2c3d4{'0' * 56}", "f" * 64)
VOCABULARY = (
    "apple",
    "Bread",
    "corn-flakes",
    "date:",
    "egg",
    "fig.",
    "grape",
    "ham",
    "日本語",
    "applesauce",
    "NOT",
    "🔥",
)
CHANNELS = {"5": "general", "6": "help", "60": "how to begin", "7": "help"}  # the last two: a thread, a name twice
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """A stored message with what the filters ask for."""

    record: MessageRecord
    channel: str
    is_deleted: bool


def _record(chance: random.Random, number: int) -> MessageRecord:
    some = chance.random
    made = message(
        number,
        author_hash=chance.choice([*PEOPLE, PEOPLE[0]]),
        content=" ".join(chance.choices(VOCABULARY, k=chance.randrange(7))),
        sent_at=NOW - chance.choice([0, 1, 30, 400]) * _DAY * SECOND + chance.randrange(40) * SECOND / 8,
        type=chance.choice(["default", "reply"]),
    )
    if some() < 0.2:
        made = replace(made, content=f"{made.content} https://example.com/egg")
    metadata: dict[str, Any] = {}
    metadata |= {"pinned": True} if some() < 0.2 else {}
    metadata |= {"poll": {"question": "ham?"}} if some() < 0.1 else {}
    metadata |= {"embeds": [{"title": "x"}]} if some() < 0.1 else {}
    metadata |= {"mentions": [chance.choice(PEOPLE)]} if some() < 0.2 else {}
    metadata |= {"stickers": [{"id": "1", "name": "s"}]} if some() < 0.1 else {}
    return replace(
        made,
        metadata=metadata,
        edited_at=NOW if some() < 0.2 else None,
        reply_to_message_platform_id="1" if some() < 0.3 else None,
        reply_to_channel_platform_id="5",
        attachments=(attachment(str(number), content_type=chance.choice(["image/png", "text/plain", None])),)
        if some() < 0.2
        else (),
        reaction_totals=(total(chance.choice(["👍", "🎉"]), 2),) if some() < 0.3 else (),
    )


async def offers_trigrams(db: Database) -> bool:
    """Whether the database can keep an index of trigrams: a PostgreSQL server without contrib packages cannot."""
    if db.dialect == "sqlite":
        return True
    async with db.reading() as connection:
        offered = text("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'")
        return bool((await connection.execute(offered)).scalar_one())


async def index_all(db: Database, kind: IndexKind) -> None:
    """Have an index of a kind, and all messages in it; where it cannot be built each message is looked at."""
    await prepare_index(db, kind, NOW)
    if kind == "words" or await offers_trigrams(db):
        while await continue_index(db, NOW, step=50):
            pass
        assert (await index_state(db)).is_ready


async def fill_for_search(way: Way, *, number: int = 160, kind: IndexKind = "words") -> list[Row]:
    """Store messages in three channels and a thread, and index them; half of them before there is an index."""
    chance = random.Random(7)
    places = [channel("5", name="general"), channel("6", name="help"), channel("7", name="help")]
    hidden = replace(channel("8", name="secret"), skip_reason=SkipReason.NOT_PUBLIC)
    await save_channels(way.db, way.tenant.id, [*places, thread("60", "6", name="how to begin"), hidden], NOW)
    ids = {state.platform_id: state.id for state in await channel_states(way.db, way.tenant.id)}
    rows: list[Row] = []
    for part in range(2):
        for place in ("5", "6", "60", "7"):
            numbers = range(1 + part * 1000, 1 + part * 1000 + number // 8)
            records = [_record(chance, int(place) * 10_000 + n) for n in numbers]
            await way.store(*records, channel_id=ids[place])
            gone = {record.platform_id for record in records if chance.random() < 0.15}
            await mark_deleted(way.db, ids[place], sorted(gone), job=way.lease, now=NOW)
            rows += [Row(record, place, record.platform_id in gone) for record in records]
        await prepare_index(way.db, kind, NOW)
    await index_all(way.db, kind)
    return rows


def found_in(rows: list[Row], query: SearchQuery, kind: IndexKind = "words") -> list[str]:
    """Find by looking at every row; the newest first, and of one moment the last stored."""
    filters = query.filters
    if not any(each.field is Field.DELETED for each in filters):
        filters = (*filters, Filter(field=Field.DELETED, value=False))
    hits = [
        (row.record.sent_at, place, row.record.platform_id)
        for place, row in enumerate(rows)
        if all(_holds(row, term, kind) is not term.is_excluded for term in query.terms)
        and all(_applies(row, each) is not each.is_excluded for each in filters)
    ]
    return [platform_id for _, _, platform_id in sorted(hits, reverse=True)]


async def all_hits(db: Database, tenant_id: str, query: SearchQuery, order: Order, limit: int) -> list[str]:
    """Every hit, page by page, by platform id."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await search(db, tenant_id, query, order=order, cursor=cursor, limit=limit)
        assert not page.is_cut
        assert len(page.hits) <= limit
        found += [hit.platform_id for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            return found


def _words(written: str) -> list[str]:
    return re.findall(r"[^\W_]+", written.lower())


def _holds(row: Row, term: Term, kind: IndexKind) -> bool:
    if kind == "trigrams":
        return term.text.lower() in row.record.content.lower()
    words, wanted = _words(row.record.content), _words(term.text)
    if not wanted:
        return term.text in row.record.content
    windows = (words[at : at + len(wanted)] for at in range(len(words) - len(wanted) + 1))
    if term.is_prefix:
        return any(w[:-1] == wanted[:-1] and w[-1].startswith(wanted[-1]) for w in windows)
    return wanted in list(windows)


_BELOW = {"5": "5", "6": "6 60", "60": "60", "7": "7", "general": "5", "how to begin": "60"}
_HAS: Mapping[Has, Callable[[MessageRecord], object]] = {
    Has.FILE: lambda r: r.attachments,
    Has.IMAGE: lambda r: [a for a in r.attachments if (a.content_type or "").startswith("image/")],
    Has.LINK: lambda r: "https://" in r.content,
    Has.REACTION: lambda r: r.reaction_totals,
    Has.REPLY: lambda r: r.reply_to_message_platform_id,
    Has.POLL: lambda r: "poll" in r.metadata,
    Has.EMBED: lambda r: "embeds" in r.metadata,
    Has.STICKER: lambda r: "stickers" in r.metadata,
}


def _applies(row: Row, each: Filter) -> bool:
    record, value = row.record, each.value
    if isinstance(value, TimeSpan):
        return not (value.since and record.sent_at < value.since) and not (
            value.until and record.sent_at >= value.until
        )
    if isinstance(value, Has):
        return bool(_HAS[value](record))
    named = str(value)
    by_field: Mapping[Field, bool] = {
        Field.CHANNEL: row.channel in _BELOW.get(named.removeprefix("#"), "").split(),
        Field.THREAD: row.channel in _BELOW.get(named, "").split(),
        Field.AUTHOR: (record.author_hash or "").startswith(named),
        Field.MENTIONS: named in str(record.metadata.get("mentions")),
        Field.TYPE: record.type == value,
        Field.DELETED: value == "any" or row.is_deleted is value,
        Field.EDITED: (record.edited_at is not None) is value,
        Field.PINNED: ("pinned" in record.metadata) is value,
        Field.REACTION: any(given.emoji == value for given in record.reaction_totals),
    }
    return by_field[each.field]
