"""All that is written of a platform's records goes through the redaction of erased people.

Every public function of storage that writes is listed here: under how it is called with an erased person, or under
why it cannot store one. A function that is in neither list fails the test.
"""

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

import pytest

import storage
from storage import channels, live, messages, reactions, repair
from storage.database import Database
from storage.privacy import erase_user
from storage.tables import metadata
from tests.support.builders import NOW, attachment, change, channel, message, reaction, thread, total
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of

WHO = "0123456789abcdef" * 4

Call: TypeAlias = Callable[[Database, Way], Awaitable[object]]

MESSAGES = [
    message(1, author_hash=WHO, content="mine", attachments=(attachment("1", filename=f"{WHO}.png"),)),
    message(2, content=f"for <@{WHO}>", metadata={"mentions": [WHO]}, reply_to_author_hash=WHO),
    message(3, attachments=(attachment("2", metadata={"by": WHO}),), reaction_totals=(total("👍"),)),
]
ROOM = channel("8", name=f"room of {WHO}", metadata={"owner_hash": WHO})
POST = thread("9", "5", name=f"post of {WHO}", metadata={"owner_hash": WHO})


async def _save_batch(db: Database, way: Way) -> None:
    await way.store(*MESSAGES)


async def _reconcile_page(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in (1, 2, 3)))
    await way.save(await way.audit(), *MESSAGES)


async def _write_messages(db: Database, way: Way) -> None:
    async with db.writing() as connection:
        prepared = await messages.prepare(connection, {(way.tenant.id, way.channel.id): MESSAGES})
        await messages.write_messages(connection, prepared, LATER)


async def _apply_changes(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in (1, 2, 3)))
    edits = [replace(record, edited_at=LATER, content=f"{record.content} {WHO}") for record in MESSAGES]
    given = [reaction(WHO), reaction(WHO, burst=True)]
    changes = [change(way.tenant.id, "5", m.platform_id, edited=m, reactions=given) for m in edits]
    await live.apply_changes(db, changes, LATER)


async def _save_users(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    (pending,) = await reactions.pending_totals(db, way.channel.id, None, 10)
    await reactions.save_users(db, pending, user_hashes=[WHO], job=way.lease, now=LATER)


async def _add_users(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    async with db.writing() as connection:
        prepared = await reactions.prepare_users(connection, [((way.channel.id, "3", "👍", False, WHO), "👍")])
        await reactions.add_users(connection, prepared, LATER)


STORES_PEOPLE: dict[Any, Call] = {
    messages.save_batch: _save_batch,
    messages.write_messages: _write_messages,
    repair.reconcile_page: _reconcile_page,
    live.apply_changes: _apply_changes,
    reactions.save_users: _save_users,
    reactions.add_users: _add_users,
    channels.save_channels: lambda db, way: channels.save_channels(db, way.tenant.id, [ROOM, POST], LATER),
    channels.save_changed_channels: lambda db, way: channels.save_changed_channels(db, way.tenant.id, [ROOM], LATER),
    channels.save_threads: lambda db, way: channels.save_threads(db, way.tenant.id, "5", [POST], {}, LATER),
}

STORES_NOBODY = {
    "channels": ("advance", "fail_channel", "finish_channel", "follow_parents", "lock_channels", "mark_skipped"),
    "jobs": (
        *("cancel", "claim", "enqueue", "finish", "newest_job", "release", "release_orphans", "renew"),
        *("require_lease", "settle_status", "yield_job"),
    ),
    "live": ("acquire_leadership", "advance_watermark"),
    "messages": ("mark_deleted", "mark_rows_deleted", "prepare", "stored_messages"),
    "privacy": ("erase_user", "erased_in_channels", "redactor_for", "redactors_for"),
    "reactions": ("pending_lists", "prepare_users"),
    "repair": ("add_gap", "add_refetches", "close_gap", "record_gap", "refetch", "request_audit", "settle_gaps"),
    "tenants": ("defer_until", "purge_tenant", "resume_tenant", "save_tenant", "stop_tenant"),
}
"""They read, or write ids, states, numbers and times of their own, or what a community says of itself."""


def test_every_public_coroutine_that_may_write_is_listed() -> None:
    """Add a new one to STORES_PEOPLE with a call, or, where it can store no word about a person, to STORES_NOBODY."""
    listed = {(_package_of(function), function.__name__) for function in STORES_PEOPLE}
    listed |= {(package, name) for package, names in STORES_NOBODY.items() for name in names}
    assert set(_may_write()) == listed


@pytest.mark.parametrize("function", STORES_PEOPLE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("everywhere", [False, True])
async def test_an_erased_person_is_not_stored(db: Database, way: Way, function: Any, everywhere: bool) -> None:
    await erase_user(db, WHO, tenant_id=None if everywhere else way.tenant.id, now=NOW)
    await STORES_PEOPLE[function](db, way)
    found = [table.name for table in metadata.tables.values() if WHO in str(await rows_of(db, table))]
    assert found == ["erased_users"]


@pytest.mark.parametrize("function", STORES_PEOPLE, ids=lambda function: function.__name__)
async def test_another_person_is(db: Database, way: Way, function: Any) -> None:
    """Or the test above would pass where a call stores nothing at all."""
    await STORES_PEOPLE[function](db, way)
    assert any([WHO in str(await rows_of(db, table)) for table in metadata.tables.values()])


def test_nobody_else_can_make_what_is_written() -> None:
    with pytest.raises(TypeError):
        messages.PreparedMessages((), False, object())
    with pytest.raises(TypeError):
        reactions.PreparedUsers({}, object())


def _may_write() -> Iterator[tuple[str, str]]:
    """The coroutines of the doors, but for those that open a connection for reading."""
    for module in pkgutil.iter_modules(storage.__path__):
        if module.ispkg and module.name not in BELOW:
            door = import_module(f"storage.{module.name}")
            for name in door.__all__:
                function = inspect.unwrap(getattr(door, name))
                if inspect.iscoroutinefunction(function) and ".reading()" not in inspect.getsource(function):
                    yield module.name, name


def _package_of(function: Any) -> str:
    return str(function.__module__.split(".")[1])


BELOW = ("migrations", "sql", "connection", "tables")
"""Packages that know no records."""
