"""Erasing a person: nothing of them is left, and nothing else changes."""

from dataclasses import replace

import pytest

from storage.database import Database
from storage.privacy import Erased, erase_user
from storage.tables import attachments, channels, erased_users, messages, reaction_totals, reactions
from tests.support.builders import NOW, message
from tests.support.erasure_steps import OTHER, WHO, another, erase, fill, holdings, is_anywhere
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, only_row, rows_of


class TestErasure:
    @pytest.mark.slow
    async def test_nothing_is_left_but_empty_places(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        untouched = {row["platform_id"]: row for row in await rows_of(db, messages)}["6"]
        totals = await rows_of(db, reaction_totals)
        assert await erase(db, way.tenant.id) == Erased(messages=1, attachments=2, reactions=2, mentions=6)
        assert not await is_anywhere(db, WHO)
        first, second, third, fourth, _, sixth = await rows_of(db, messages)
        assert {name: first[name] for name in ("author_hash", "content", "edited_at", "metadata")} == {
            "author_hash": None,
            "content": "",
            "edited_at": None,
            "metadata": {"forgotten": True},
        }
        assert (first["sent_at"], first["type"], first["created_at"]) == (message(1).sent_at, "default", NOW)
        assert [
            first[f"reply_to_{name}"] for name in ("channel_platform_id", "message_platform_id", "author_hash")
        ] == ["5", "0", None]
        assert [
            second[f"reply_to_{name}"] for name in ("channel_platform_id", "message_platform_id", "author_hash")
        ] == ["5", "1", None]
        assert third["content"] == f"<@forgotten>, <@{OTHER}>, user:forgotten and abcforgottendef"
        assert fourth["metadata"] == {
            "interaction": {"user_hash": "forgotten", "n": 1},
            "mentions": [OTHER, "forgotten"],
        }
        assert sixth == untouched
        file = await only_row(db, attachments)
        assert (file["message_platform_id"], file["filename"], file["metadata"]) == (
            "5",
            "of-forgotten.png",
            {"by": "forgotten", "width": 1},
        )
        assert [row["user_hash"] for row in await rows_of(db, reactions)] == [OTHER]
        assert await rows_of(db, reaction_totals) == totals
        room, talk = await rows_of(db, channels)
        assert (room["name"], talk["metadata"]["owner_hash"]) == ("room of <@forgotten>", "forgotten")
        request = await only_row(db, erased_users)
        assert (request["tenant_id"], request["user_hash"], request["erased_at"]) == (way.tenant.id, WHO, LATER)

    @pytest.mark.slow
    async def test_erasing_again_changes_nothing(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        await erase(db, way.tenant.id)
        before = await holdings(db, "erased_users")
        again = LATER + (LATER - NOW)
        assert await erase_user(db, WHO, tenant_id=way.tenant.id, now=again) == Erased()
        assert await holdings(db, "erased_users") == before
        request = await only_row(db, erased_users)
        assert (request["erased_at"], request["completed_at"], request["messages"]) == (LATER, again, 0)

    @pytest.mark.parametrize("everywhere", [False, True])
    @pytest.mark.slow
    async def test_in_one_tenant_or_in_all(self, db: Database, way: Way, everywhere: bool) -> None:
        await fill(way, WHO)
        other = await another(way)
        await fill(other, WHO)
        found = await erase(db, None if everywhere else other.tenant.id)
        times = 2 if everywhere else 1
        assert found == Erased(messages=times, attachments=2 * times, reactions=2 * times, mentions=6 * times)
        held = {table: [WHO in str(row) for row in rows] for table, rows in (await holdings(db)).items()}
        assert any(held["messages"]) is any(held["reactions"]) is any(held["channels"]) is not everywhere
        assert [row["tenant_id"] for row in await rows_of(db, erased_users)] == ["" if everywhere else other.tenant.id]
        late = await another(way, "300")
        await fill(late, WHO)
        assert (WHO in str([row for row in await rows_of(db, messages) if row["tenant_id"] == late.tenant.id])) is (
            not everywhere
        )

    @pytest.mark.slow
    async def test_broken_off_anywhere_it_holds_already_and_goes_on(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        for step in (
            "DELETE FROM attachments",
            "DELETE FROM reactions",
            "UPDATE channels",
            "UPDATE messages SET content",
            "UPDATE attachments",
        ):
            with killed_before(db, step), pytest.raises(Killed):
                await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER, window=2)
            await way.store(message(9, author_hash=WHO, content=WHO))
            assert WHO not in str((await rows_of(db, messages))[-1])
        await erase(db, way.tenant.id)
        assert not await is_anywhere(db, WHO)

    @pytest.mark.slow
    async def test_of_many_messages_none_is_left_out(self, db: Database, way: Way) -> None:
        records = [message(n, author_hash=WHO if n % 2 else OTHER, content=f"<@{WHO}>") for n in range(1, 5001)]
        same_time = [replace(m, sent_at=NOW) for m in records[:300]]
        await way.store(*same_time, *records[300:])
        found = await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER, window=100)
        assert found == Erased(messages=2500, mentions=2500)
        assert not await is_anywhere(db, WHO)

    @pytest.mark.parametrize("wrong", ["", "1", WHO[1:], WHO.upper(), WHO + "0", f" {WHO}", "forgotten", "%"])
    async def test_what_is_no_hash_is_refused(self, db: Database, wrong: str) -> None:
        with pytest.raises(ValueError):
            await erase_user(db, wrong, tenant_id=None, now=NOW)
        assert await count_of(db, erased_users) == 0
