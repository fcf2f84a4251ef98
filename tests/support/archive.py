"""The archive as data, in the form in which the simulator tells its truth: platform ids in place of our own."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, create_engine, func, select

from storage.tables import attachments, channels, messages, reaction_totals, reactions, tenants

Rows = dict[tuple[Any, ...], dict[str, Any]]

_parent = channels.alias("parent")
_PLACE = channels.c.platform_id.label("channel_platform_id")

_QUERIES = {
    "tenants": select(tenants.c.platform_id, tenants.c.name, tenants.c.metadata),
    "channels": select(
        channels.c.platform_id,
        _parent.c.platform_id.label("parent_platform_id"),
        channels.c.name,
        channels.c.type,
        channels.c.sync_state,
        channels.c.skip_reason,
        channels.c.metadata,
    ).select_from(channels.outerjoin(_parent, _parent.c.id == channels.c.parent_id)),
    "messages": select(
        _PLACE,
        *(
            messages.c[name]
            for name in (
                "platform_id",
                "author_hash",
                "author_kind",
                "content",
                "type",
                "sent_at",
                "edited_at",
                "reply_to_channel_platform_id",
                "reply_to_message_platform_id",
                "reply_to_author_hash",
                "metadata",
            )
        ),
    ).join_from(messages, channels, channels.c.id == messages.c.channel_id),
    "attachments": select(
        _PLACE,
        *(
            attachments.c[name]
            for name in (
                "message_platform_id",
                "platform_id",
                "filename",
                "size_bytes",
                "content_type",
                "url",
                "url_expires_at",
                "metadata",
            )
        ),
    ).join_from(attachments, channels, channels.c.id == attachments.c.channel_id),
    "reaction_totals": select(
        _PLACE,
        *(reaction_totals.c[name] for name in ("message_platform_id", "emoji_key", "burst", "emoji", "count")),
    ).join_from(reaction_totals, channels, channels.c.id == reaction_totals.c.channel_id),
    "reactions": select(
        _PLACE,
        *(reactions.c[name] for name in ("message_platform_id", "emoji_key", "user_hash", "burst", "emoji")),
    ).join_from(reactions, channels, channels.c.id == reactions.c.channel_id),
}
_COUNTERS = ("message_count", "total_message_sent")
_KEYS = {
    "tenants": ("platform_id",),
    "channels": ("platform_id",),
    "messages": ("channel_platform_id", "platform_id"),
    "attachments": ("channel_platform_id", "message_platform_id", "platform_id"),
    "reaction_totals": ("channel_platform_id", "message_platform_id", "emoji_key", "burst"),
    "reactions": ("channel_platform_id", "message_platform_id", "emoji_key", "user_hash", "burst"),
}


def archived(url: str, table: str, tenant_platform_id: int | str) -> Rows:
    """A tenant's rows of a table, by key."""
    query = _QUERIES[table]
    if table == "tenants":
        query = query.where(tenants.c.platform_id == str(tenant_platform_id))
    else:
        query = query.join(tenants, tenants.c.id == channels.c.tenant_id).where(
            tenants.c.platform_id == str(tenant_platform_id)
        )
    with connected(url) as connection:
        return _by_key(table, (dict(row._mapping) for row in connection.execute(query)))


def count_messages(url: str) -> int:
    """How many messages there are in all."""
    with connected(url) as connection:
        return connection.execute(select(func.count()).select_from(messages)).scalar_one()


def values_of(url: str, column: Column[Any]) -> list[Any]:
    """All values of a column, of all tenants."""
    with connected(url) as connection:
        return list(connection.execute(select(column)).scalars())


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to an archive for the length of a block."""
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def assert_equal_to_truth(
    url: str, truth: Any, guild_id: int, *, besides: Mapping[str, Iterable[str]] = {}, without: Iterable[str] = ()
) -> None:
    """Hold every table against the truth, row by row and field by field.

    ``besides`` names metadata keys of a table that are left out of the comparison, ``without`` whole tables.
    """
    for table in _QUERIES.keys() - set(without):
        expected = _by_key(table, getattr(truth, table)())
        found = archived(url, table, guild_id)
        for rows in (expected, found):
            for row in rows.values():
                for name in besides.get(table, ()):
                    row["metadata"].pop(name, None)
        missing, surplus = expected.keys() - found.keys(), found.keys() - expected.keys()
        assert not missing, f"{table}: {len(missing)} of {len(expected)} rows are missing, such as {min(missing)}"
        assert not surplus, f"{table}: {len(surplus)} rows too many, such as {min(surplus)}"
        for key, row in expected.items():
            assert found[key] == row, f"{table} {key}: {_difference(found[key], row)}"


def assert_current(url: str, truth: Any, guild_id: int, *, since: datetime | None = None) -> None:
    """Hold what the archive tells of the present against the truth: what was deleted or hidden meanwhile is apart.

    ``since`` leaves out messages that were sent before, and what hangs on them.
    """
    archived_channels = {
        key[0] for key, row in archived(url, "channels", guild_id).items() if row["sync_state"] == "archived"
    }
    written = _by_key("messages", truth.messages())
    present = {key[:2] for key, row in written.items() if since is None or row["sent_at"] >= since}
    deleted = _deleted(url, guild_id)
    assert not deleted & present, f"messages are marked deleted that are there, such as {min(deleted & present)}"
    for table in ("messages", "attachments", "reaction_totals", "reactions"):
        rows = written if table == "messages" else _by_key(table, getattr(truth, table)())
        expected = {key: row for key, row in rows.items() if key[:2] in present}
        found = {
            key: row
            for key, row in archived(url, table, guild_id).items()
            if key[0] in archived_channels and key[:2] not in deleted and (since is None or key[:2] in present)
        }
        if table == "messages" and since is not None:
            found |= _sent_since(url, guild_id, since, archived_channels, deleted)
        missing, surplus = expected.keys() - found.keys(), found.keys() - expected.keys()
        assert not missing, f"{table}: {len(missing)} of {len(expected)} rows are missing, such as {min(missing)}"
        assert not surplus, f"{table}: {len(surplus)} rows too many, such as {min(surplus)}"
        for key, row in expected.items():
            if table == "messages":
                _forgive(found[key], row)
            assert found[key] == row, f"{table} {key}: {_difference(found[key], row)}"


def assert_channels_current(url: str, truth: Any, guild_id: int) -> None:
    """Hold the channels and threads that there are against the truth: those that are gone have rows, too.

    A thread's counters are left out: they change without an event, and are listed once a day. Of a channel that the bot
    cannot see any more, what was known before is kept.
    """
    found = archived(url, "channels", guild_id)
    for key, row in _by_key("channels", truth.channels()).items():
        assert key in found, f"a channel is missing: {row}"
        stored, wanted = _without_counters(found[key]), _without_counters(row)
        if row["skip_reason"] == "obfuscated":
            wanted |= {name: stored[name] for name in ("name", "metadata")}
        assert stored == wanted, f"channel {key}: {_difference(stored, wanted)}"


def _without_counters(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"metadata": {name: value for name, value in row["metadata"].items() if name not in _COUNTERS}}


def assert_nothing_falsely_gone(url: str, truth: Any, guild_id: int) -> None:
    """Hold what the archive says is gone or empty against the truth, however far it has come."""
    rows = list(truth.messages())
    present = {(row["channel_platform_id"], row["platform_id"]) for row in rows}
    deleted = _deleted(url, guild_id) & present
    assert not deleted, f"{len(deleted)} messages are marked deleted that are there, such as {min(deleted)}"
    speaking = {(row["channel_platform_id"], row["platform_id"]) for row in rows if row["content"]}
    found = archived(url, "messages", guild_id)
    blank = {key for key in found.keys() & speaking if not found[key]["content"]}
    assert not blank, f"{len(blank)} messages are blank that are not, such as {min(blank)}"


def _forgive(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """A reply says nothing when its original is deleted: it shows when it is read again, and its author is kept."""
    for row in (found, expected):
        row["metadata"].pop("reply_deleted", None)
    if expected["reply_to_author_hash"] is None:
        found["reply_to_author_hash"] = None


def _sent_since(url: str, guild_id: int, since: datetime, channel_ids: set[str], deleted: set[tuple[str, str]]) -> Rows:
    rows = archived(url, "messages", guild_id)
    return {
        key: row
        for key, row in rows.items()
        if row["sent_at"] >= since and key[0] in channel_ids and key[:2] not in deleted
    }


def _deleted(url: str, guild_id: int) -> set[tuple[str, str]]:
    query = (
        select(_PLACE, messages.c.platform_id)
        .join_from(messages, channels, channels.c.id == messages.c.channel_id)
        .join(tenants, tenants.c.id == channels.c.tenant_id)
        .where(tenants.c.platform_id == str(guild_id), messages.c.deleted_at.is_not(None))
    )
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return {(channel, message) for channel, message in connection.execute(query)}
    finally:
        engine.dispose()


def _by_key(table: str, rows: Iterable[dict[str, Any]]) -> Rows:
    keyed: Rows = {}
    for row in rows:
        key = tuple(row[name] for name in _KEYS[table])
        assert key not in keyed, f"{table} {key} is there twice"
        keyed[key] = row
    return keyed


def _difference(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    names = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    return "; ".join(f"{name} is {found.get(name)!r}, should be {expected.get(name)!r}" for name in names)
