"""Whatever people and platforms write comes back as it was, but for what no database can hold."""

from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.records import AttachmentRecord, AuthorKind, MessageRecord, ReactionTotalRecord, TenantRecord
from storage.channels import ChannelState, save_channels
from storage.database import Database
from storage.jobs import JobLease, cancel, get_job, newest_job
from storage.messages import MessageBatch, save_batch
from storage.tables import attachments, channels, messages, reaction_totals
from storage.tenants import Tenant, get_tenant, list_tenants, save_tenant
from tests.support.builders import NOW, attachment, channel, message, total
from tests.support.examples import examples
from tests.support.tables_of import rows_of, run_sql

ANY_TEXT = st.text(st.characters(), max_size=40)  # surrogates and NUL among them
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(-(2.0**53), 2.0**53)  # JSONB writes larger ones as integers
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
METADATA = st.dictionaries(ANY_TEXT, JSON, max_size=4)
TIMES = st.datetimes(
    min_value=datetime(2, 1, 2),  # noqa: DTZ001 # hypothesis adds the time zone
    max_value=datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=st.timezones(),
).map(lambda t: t.astimezone(NOW.tzinfo))
FILES = st.builds(
    AttachmentRecord,
    platform_id=st.integers(1, 3).map(str),
    filename=ANY_TEXT,
    size_bytes=st.none() | st.integers(0, 2**63 - 1),
    content_type=st.none() | ANY_TEXT,
    url=ANY_TEXT,
    url_expires_at=st.none() | TIMES,
    metadata=METADATA,
)
TOTALS = st.builds(
    ReactionTotalRecord,
    emoji_key=ANY_TEXT,
    burst=st.booleans(),
    emoji=ANY_TEXT,
    count=st.integers(1, 2**31 - 1),
)
MESSAGES = st.builds(
    MessageRecord,
    platform_id=st.just("1"),  # each gets its own
    author_hash=st.none() | st.just("a" * 64),
    author_kind=st.sampled_from(AuthorKind),
    content=ANY_TEXT,
    type=ANY_TEXT,
    sent_at=TIMES,
    edited_at=st.none() | TIMES,
    reply_to_channel_platform_id=st.none(),
    reply_to_message_platform_id=st.none() | st.just("1"),
    reply_to_author_hash=st.none() | st.just("b" * 64),
    metadata=METADATA,
    attachments=st.lists(FILES, max_size=3).map(tuple),
    reaction_totals=st.lists(TOTALS, max_size=3).map(tuple),
)

_ids = count(1)


@settings(max_examples=examples(36), deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(MESSAGES, min_size=1, max_size=5))
@pytest.mark.slow
async def test_a_batch_comes_back(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease, records: list[MessageRecord]
) -> None:
    await run_sql(db, "DELETE FROM messages")
    numbered = [replace(record, platform_id=str(next(_ids))) for record in records]
    batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=numbered, job=lease)
    for _ in range(2):  # storing it again has to change nothing
        await save_batch(db, batch, NOW)
        expected = sorted(numbered, key=lambda m: m.platform_id)
        assert await _fields(db, messages, MessageRecord) == [_cleaned(_fields_of(m)) for m in expected]
        files = {(m.platform_id, a.platform_id): _cleaned(_fields_of(a)) for m in expected for a in m.attachments}
        assert await _fields(db, attachments, AttachmentRecord) == [files[key] for key in sorted(files)]
        totals = {
            (m.platform_id, _cleaned(t.emoji_key), t.burst): _cleaned(_fields_of(t))
            for m in expected
            for t in m.reaction_totals
        }
        assert await _fields(db, reaction_totals, ReactionTotalRecord) == [
            totals[key] for key in sorted(totals, key=lambda k: (k[0], k[1].encode(), k[2]))
        ]


@settings(max_examples=examples(24), deadline=None, suppress_health_check=list(HealthCheck))
@given(name=ANY_TEXT, metadata=METADATA.filter(bool))
@pytest.mark.slow
async def test_names_come_back(db: Database, name: str, metadata: dict[str, Any]) -> None:
    record = TenantRecord(platform_id=str(next(_ids)), name=name, metadata=metadata)
    tenant, _ = await save_tenant(db, "discord", record, connected=True, now=NOW)
    assert (tenant.name, tenant.metadata) == (_cleaned(name), _cleaned(metadata))
    assert await save_tenant(db, "discord", record, connected=True, now=NOW) == (tenant, False)
    listed = channel(record.platform_id, name=name, metadata=metadata)
    for _ in range(2):
        await save_channels(db, tenant.id, [listed], NOW)
    stored = {row["platform_id"]: (row["name"], row["metadata"]) for row in await rows_of(db, channels)}
    assert stored[record.platform_id] == (_cleaned(name), _cleaned(metadata))


@pytest.mark.parametrize("nonsense", ["", "\0", "discord-100\0", "\ud800", "x" * 10_000, "' OR 1=1 --", "%00"])
async def test_an_id_of_nonsense_is_not_found(db: Database, tenant: Tenant, lease: JobLease, nonsense: str) -> None:
    assert await get_tenant(db, nonsense) is None
    assert await get_job(db, nonsense) is None
    assert await newest_job(db, nonsense) is None
    assert await cancel(db, nonsense, NOW) is None
    await list_tenants(db, after=nonsense)


async def test_a_large_message_comes_back(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> None:
    big = message(
        1,
        content="ẞ" * 4000,
        metadata={"embeds": [{"description": "x" * 4096}] * 10},
        attachments=tuple(attachment(str(n)) for n in range(10)),
        reaction_totals=tuple(total(chr(0x1F600 + n)) for n in range(20)),
    )
    await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[big], job=lease), NOW)
    assert await _fields(db, messages, MessageRecord) == [_fields_of(big)]


def _fields_of(record: Any) -> dict[str, Any]:
    skipped = ("attachments", "reaction_totals", "copies", "user_hashes")
    return {name: getattr(record, name) for name in record.__dataclass_fields__ if name not in skipped}


async def _fields(db: Database, table: Any, record: Any) -> list[dict[str, Any]]:
    names = [name for name in record.__dataclass_fields__ if name in table.c]
    return [{name: row[name] for name in names} for row in await rows_of(db, table)]


def _cleaned(value: Any) -> Any:
    """What the databases can hold of a value, said in other words than the program's."""
    if isinstance(value, str):
        return "".join("?" if "\ud800" <= c <= "\udfff" else c for c in value if c != "\0")
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, dict):
        return {_cleaned(k): _cleaned(v) for k, v in value.items()}
    return [_cleaned(v) for v in value] if isinstance(value, list) else value
