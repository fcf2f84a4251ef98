"""All that is written of a platform's records goes through the redaction of people who are erased or opted out.

Every public function of storage that may write is listed here: under how it is called with an erased person, under
why it cannot store one, or as a step of those that can. A function that is in no list fails the test.
"""

import inspect
import pkgutil
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any, TypeAlias

import pytest

import storage
from storage import channels, live, messages, reactions, repair
from storage.database import Database
from storage.privacy import erase_user, opt_in, opt_out
from storage.tables import metadata
from tests.support.builders import HOUR, NOW, attachment, change, channel, message, reaction, thread, total
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


async def _renew_links(db: Database, way: Way) -> None:
    await way.store(message(3, attachments=(attachment("2"),)))
    shown = message(3, attachments=(attachment("2", url=f"https://files.example/{WHO}"),))
    await messages.renew_links(db, way.tenant.id, way.channel.id, [shown], LATER)


async def _apply_changes(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in (1, 2, 3)))
    edits = [replace(record, edited_at=LATER, content=f"{record.content} {WHO}") for record in MESSAGES]
    given = [reaction(WHO), reaction(WHO, burst=True)]
    changes = [change(way.tenant.id, "5", m.platform_id, edited=m, reactions=given) for m in edits]
    await live.apply_changes(db, changes, LATER)


async def _save_users(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    (pending,) = await reactions.pending_totals(db, way.channel.id, None, 10)
    await reactions.save_users(db, [reactions.UserList(pending, frozenset([WHO]))], job=way.lease, now=LATER)


async def _save_users_along(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    along = {(way.channel.id, "3", "👍", False): replace(total("👍"), user_hashes=(WHO,))}
    async with db.writing() as connection:
        await reactions.save_users_along(connection, along, LATER)


async def _write_users_along(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    record = message(3, reaction_totals=(replace(total("👍"), user_hashes=(WHO,)),))
    async with db.writing() as connection:
        await messages.write_users_along(connection, [(way.channel.id, record)], LATER)


async def _add_users(db: Database, way: Way) -> None:
    await way.store(message(3, reaction_totals=(total("👍"),)))
    async with db.writing() as connection:
        prepared = await reactions.prepare_users(connection, [((way.channel.id, "3", "👍", False, WHO), "👍")])
        await reactions.add_users(connection, prepared, LATER)


STORES_PEOPLE: dict[Any, Call] = {
    messages.save_batch: _save_batch,
    messages.write_messages: _write_messages,
    messages.write_users_along: _write_users_along,
    messages.renew_links: _renew_links,
    repair.reconcile_page: _reconcile_page,
    live.apply_changes: _apply_changes,
    reactions.save_users: _save_users,
    reactions.save_users_along: _save_users_along,
    reactions.add_users: _add_users,
    channels.save_channels: lambda db, way: channels.save_channels(db, way.tenant.id, [ROOM, POST], LATER),
    channels.save_changed_channels: lambda db, way: channels.save_changed_channels(db, way.tenant.id, [ROOM], LATER),
    channels.save_threads: lambda db, way: channels.save_threads(db, way.tenant.id, "5", [POST], {}, LATER),
}

STORES_NOBODY = {
    "changes": ("has_new_messages", "number_changes", "queue_new_messages", "take_new_messages"),
    "channels": (
        *("advance", "clear_error", "fail_channel", "finish_channel", "follow_parents", "let_threads_follow"),
        *("lock_channels", "begin_new", "bound_hidings", "forget_absent", "forget_deleted", "forget_listings"),
        *("keep_listings", "mark_skipped", "note_listed", "note_set_aside", "note_lookup", "note_unlisted"),
        *("note_visible_since", "as_stored", "prepared_rows", "reopen_channel", "reopen_skipped", "require_archived"),
    ),
    "connection": ("check_server", "compare_sessions", "is_read_only", "may_write", "take_numbering_turn"),
    "jobs": (
        *("cancel", "claim", "enqueue", "extend_lease", "finish", "prune_jobs", "release", "release_orphans"),
        *("renew", "require_lease", "settle_status", "update_and_settle", "update_held", "yield_job"),
    ),
    "live": (
        *("acquire_leadership", "advance_watermark", "catch_up", "move_checkpoints", "note_set_aside_events"),
        *("hold_leadership", "place_in_threads", "release_leadership"),
    ),
    "messages": (
        *("add_refetches", "index_new_messages", "mark_answers_to_deleted", "mark_deleted", "mark_rows_deleted"),
        *("prepare", "refetch", "refetch_read_elsewhere", "stored_messages", "unmark_rows_deleted"),
    ),
    "privacy": (
        *("absent_givers", "emptied_originals", "enter", "erase_user", "note_copies", "rules_for"),
        *("fulfil", "end_opt_out", "opt_in", "opt_out", "restore_opt_out", "record_request"),
        *("redactor_for", "redactors_for", "sweep", "take_turn", "without_absent_originals", "without_erased_titles"),
        *("empty_copies_from_elsewhere", "empty_forwards_saying", "empty_traces_of", "merge_search_index"),
    ),
    "processes": ("beat", "end_turn", "leave", "take_turn"),
    "reactions": ("delete_totals", "delete_users", "lock_totals", "prepare_users", "refetch_users"),
    "reading": (
        *("answers_to", "channel_pages", "ends_of", "find_position", "load_by_key", "load_hanging"),
        *("messages_at", "originals_of", "outlines", "threads_on", "walk_back", "walk_forth"),
    ),
    "export": ("with_reaction_users",),
    "move": ("missing", "switch_triggers", "take_off"),  # rows are copied as they are: they have been redacted
    "reader_role": ("make_reader_role",),
    "repair": (
        *("add_gap", "close_gap", "complete_hanging_audit", "finish_audit", "newest_early"),
        *("newest_since", "plan_gaps", "add_windows", "lock_range", "mark_absent"),
        *("plan_refetches", "prune_gaps", "record_gap", "request_audit", "settle_audit", "settle_gaps"),
    ),
    "retention": ("advance", "begin_sweep", "clean", "sweep_some"),
    "search": ("add_older", "build", "continue_index", "create", "drop", "is_valid", "is_whole", "percent_built"),
    "settings": ("record_hash_choice",),
    "sql": ("all_rows", "one_row", "rows_in_slices"),
    "tenants": (
        *("defer_until", "lift_impossible_waits", "note_parts", "purge_tenant", "resume_tenant", "save_tenant"),
        "stop_tenant",
    ),
    "unwritten": (
        *("add_unwritten", "note_unwritten", "plan_entries", "prune_entries", "settle_deleted", "settle_excluded"),
        "settle_read",
    ),
}
"""They read, or write ids, states, numbers and times of their own, or what a community says of itself."""

STEPS = {
    "live": (
        *("apply_reactions", "clear", "find_archived", "find_stored", "find_totals", "find_users"),
        *("save_created", "save_edits", "save_totals"),
    ),
    "messages": ("upsert", "upsert_isolated"),
}
"""They run inside ``apply_changes`` and ``write_messages``, and no door of storage shows them."""


def test_every_public_coroutine_that_may_write_is_listed() -> None:
    """Add a new one to STORES_PEOPLE with a call, or, where it can store no word about a person, to STORES_NOBODY."""
    listed = {(_package_of(function), function.__name__) for function in STORES_PEOPLE}
    listed |= {(package, name) for names in (STORES_NOBODY, STEPS) for package in names for name in names[package]}
    assert set(_may_write()) == listed


def test_no_door_shows_a_step() -> None:
    for package, names in STEPS.items():
        assert not set(names) & set(import_module(f"storage.{package}").__all__)


@pytest.mark.parametrize("function", STORES_PEOPLE, ids=lambda function: function.__name__)
@pytest.mark.parametrize("table", ["erased_users", "opt_outs"])
@pytest.mark.slow
async def test_an_absent_person_is_not_stored(db: Database, way: Way, function: Any, table: str) -> None:
    if table == "erased_users":
        await erase_user(db, WHO, tenant_id=way.tenant.id, now=NOW)
    else:  # and opted in again after all of this
        await opt_out(db, WHO, tenant_id=None, now=NOW - 2 * HOUR)
        await opt_in(db, WHO, tenant_id=None, now=LATER)
    await STORES_PEOPLE[function](db, way)
    assert [each.name for each in metadata.tables.values() if WHO in str(await rows_of(db, each))] == [table]


@pytest.mark.parametrize("function", STORES_PEOPLE, ids=lambda function: function.__name__)
@pytest.mark.slow
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
    """Find the public coroutines of all modules that are given a connection, or open one for writing."""
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        if "migrations" in module.name:
            continue
        for name, function in _functions_of(import_module(module.name)).items():
            if not name.startswith("_") and (_has_connection(function) or _opens_writing(function)):
                yield _package_of(function), name


def _functions_of(module: Any) -> dict[str, Any]:
    """The coroutines that are defined in a module, without their decorators."""
    functions = {name: inspect.unwrap(value) for name, value in vars(module).items() if callable(value)}
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return {
        name: function
        for name, function in functions.items()
        if function.__module__ == module.__name__ and any(is_kind(function) for is_kind in kinds)
    }


def _has_connection(function: Any) -> bool:
    return any("AsyncConnection" in str(parameter) for parameter in inspect.signature(function).parameters.values())


def _opens_writing(function: Any) -> bool:
    """Whether it does so itself or by another function of its module."""
    source = inspect.getsource(function)
    others = _functions_of(sys.modules[function.__module__])
    named = set(re.findall(r"\b\w+(?=\()", source)) - {function.__name__}
    return ".writing()" in source or any(_opens_writing(others[name]) for name in named & others.keys())


def _package_of(function: Any) -> str:
    return str(function.__module__.split(".")[1])
