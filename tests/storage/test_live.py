"""Edits, deletions and touches of stored messages, as the platform sends them while it is connected."""

from dataclasses import replace
from datetime import datetime

import pytest

from storage.database import Database
from storage.privacy import erase_user
from storage.tables import attachments, messages, reaction_totals, refetch_ranges, sync_progress
from tests.support.builders import NOW, attachment, message, reaction, total
from tests.support.live_steps import LATER, MUCH_LATER, LiveChannel
from tests.support.tables_of import count_of, only_row, rows_of


class TestEdits:
    async def test_the_row_and_the_attachments_follow_the_platform(self, db: Database, live: LiveChannel) -> None:
        files = (attachment("1"), attachment("2"))
        await live.store(message(7, attachments=files, reaction_totals=(total("👍", 3),)), message(8))
        edited = message(
            7, content="new", edited_at=NOW, attachments=(attachment("2", filename="dog.png"), attachment("3"))
        )
        before = await rows_of(db, sync_progress)
        await live.apply(7, edited=edited)
        row, other = await rows_of(db, messages)
        assert (row["content"], row["edited_at"], row["created_at"], row["updated_at"]) == ("new", NOW, NOW, LATER)
        assert other["updated_at"] == NOW
        assert [(f["platform_id"], f["filename"]) for f in await rows_of(db, attachments)] == [
            ("2", "dog.png"),
            ("3", "cat.png"),
        ]
        assert (await only_row(db, reaction_totals))["count"] == 3
        assert await rows_of(db, sync_progress) == before

    async def test_what_it_says_of_reactions_does_not_count(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7, reaction_totals=(total("👍", 3),)))
        await live.apply(7, edited=message(7, content="new", reaction_totals=(total("👍", 1), total("🎉", 1))))
        assert (await only_row(db, reaction_totals))["count"] == 3
        assert (await only_row(db, messages))["content"] == "new"

    async def test_what_did_not_change_is_not_written(self, live: LiveChannel) -> None:
        record = message(7, edited_at=NOW, attachments=(attachment("1"),), reply_to_author_hash="c" * 64)
        await live.store(record)
        before = await live.rows()
        await live.apply(7, edited=record)
        await live.apply(7, edited=replace(record, reply_to_author_hash=None))
        assert await live.rows() == before

    @pytest.mark.parametrize(
        ("stored", "incoming", "is_applied"),
        [
            (None, None, True),
            (None, NOW, True),
            (NOW, LATER, True),
            (NOW, NOW, True),
            (LATER, NOW, False),
            (NOW, None, False),
        ],
    )
    async def test_an_edit_that_was_overtaken_is_ignored(
        self, db: Database, live: LiveChannel, stored: datetime | None, incoming: datetime | None, is_applied: bool
    ) -> None:
        await live.store(message(7, edited_at=stored, attachments=(attachment("1"),)))
        await live.apply(7, edited=message(7, content="incoming", edited_at=incoming))
        assert ((await only_row(db, messages))["content"] == "incoming") is is_applied
        assert await count_of(db, attachments) == (0 if is_applied else 1)

    async def test_only_an_edit_moves_its_time(self, db: Database, live: LiveChannel) -> None:
        """A preview comes as an edit too, with the time of the one before, or with none."""
        await live.store(message(7), message(8, edited_at=NOW))
        for number, edited_at in ((7, None), (8, NOW)):
            preview = message(number, edited_at=edited_at, metadata={"embeds": [{"title": "a preview"}]})
            await live.apply(number, edited=preview)
            await live.apply(number, reactions=[reaction("a")], is_invalidated=True)
            await live.apply(number, is_deleted=True)
        rows = [
            (row["platform_id"], row["edited_at"], "embeds" in row["metadata"]) for row in await rows_of(db, messages)
        ]
        assert sorted(rows) == [("7", None, True), ("8", NOW, True)]

    async def test_text_that_no_database_holds(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7))
        await live.apply(7, edited=message(7, content="nu\0l \ud800", metadata={"a": "\0"}))
        row = await only_row(db, messages)
        assert (row["content"], row["metadata"]) == ("nul ?", {"a": ""})

    async def test_a_forgotten_person_stays_forgotten(self, db: Database, live: LiveChannel) -> None:
        redactor_for = "f" * 64
        await live.store(message(7, author_hash=redactor_for))
        await erase_user(db, redactor_for, tenant_id=live.tenant.id, now=NOW)
        before = await rows_of(db, messages)
        await live.apply(7, edited=message(7, author_hash=redactor_for, content="it is me"))
        assert await rows_of(db, messages) == before


class TestDeletions:
    async def test_the_row_stays_with_its_first_time(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7, attachments=(attachment("1"),)), message(8))
        for now in (LATER, MUCH_LATER):
            await live.apply(7, is_deleted=True, now=now)
        assert [(m["deleted_at"], m["updated_at"]) for m in await rows_of(db, messages)] == [
            (LATER, LATER),
            (None, NOW),
        ]
        assert await count_of(db, attachments) == 1

    async def test_an_edit_does_not_bring_it_back(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7))
        await live.apply(7, is_deleted=True, edited=message(7, content="last words"))
        await live.apply(7, edited=message(7, content="late"))
        row = await only_row(db, messages)
        assert (row["content"], row["deleted_at"]) == ("late", LATER)


class TestTouches:
    async def test_it_is_looked_at_again_once(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(1000))
        for now in (LATER, MUCH_LATER):
            await live.apply(1000, is_invalidated=True, now=now)
        row = await only_row(db, refetch_ranges)
        assert (
            row["channel_id"],
            row["kind"],
            row["after_platform_id"],
            row["until_platform_id"],
            row["updated_at"],
        ) == (
            live.channel.id,
            "refetch",
            "999",
            "1000",
            LATER,
        )
