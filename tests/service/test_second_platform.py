"""A second platform costs an adapter and nothing else: the same service archives it into the same tables."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.base import PlatformSession
from adapters.errors import CallFailed
from adapters.events import TenantJoined, TenantOutage
from adapters.pages import MessagePage, ThreadCursor, ThreadPage
from adapters.records import ChannelRecord
from tests.support.archive import archived
from tests.support.daemon import first_syncs
from tests.support.delivering import PigeonLoft, delivering
from tests.support.post_office import VILLAGE, Counter, PostOffice, box, letter

T = TypeVar("T")


@pytest.mark.slow
async def test_a_platform_of_another_kind_is_archived_by_the_same_service(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office = PostOffice(2_345)
    async with delivering(url, {"post": office}) as post:
        (first,) = await post.idle()
        assert (first["tenant_id"], first["status"]) == ("post-T0VILLAGE", "succeeded")
        office.letters.append(letter(2_346))
        status, job = await post.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
        assert status == 202
        assert (await post.job_ended(job["job_id"]))["metrics"]["messages"] == 1
        status, again = await post.ask("POST", "/api/tenants", json={"platform": "post", "platform_id": "T0VILLAGE"})
        assert (status, again["created"]) == (200, False)
    rows = archived(url, "messages", "T0VILLAGE")
    assert [rows["C0OPEN", sent.platform_id]["content"] for sent in office.letters] == [
        s.content for s in office.letters
    ]
    assert len(rows) == len(office.letters)
    assert len(archived(url, "reactions", "T0VILLAGE")) == 2 * (2_345 // 10)
    boxes: dict[Any, dict[str, Any]] = archived(url, "channels", "T0VILLAGE")
    assert boxes["C0LOCKED",]["skip_reason"] == "not_public"


@pytest.mark.slow
async def test_each_platform_is_archived_through_its_own_adapter(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    offices = {"post": PostOffice(150), "pigeon": PigeonLoft(20)}
    async with delivering(url, offices) as daemon:
        assert await first_syncs(daemon, 2) == {"post-T0VILLAGE": "succeeded", "pigeon-T0VILLAGE": "succeeded"}
        totals = {tenant["id"]: tenant["totals"] for tenant in (await daemon.get("/api/tenants"))["tenants"]}
        assert {name: total["messages"] for name, total in totals.items()} == {
            "post-T0VILLAGE": 150,
            "pigeon-T0VILLAGE": 20,
        }
        request = {"platform": "pigeon", "platform_id": "T0VILLAGE"}
        status, answer = await daemon.ask("POST", "/api/tenants", json=request)
        assert (status, answer.get("id"), answer.get("created")) == (200, "pigeon-T0VILLAGE", False)


@pytest.mark.slow
async def test_what_a_page_leaves_out_is_read_although_the_walk_breaks_off_behind_it(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office = PostOffice(150)
    office.keeps_one_back = True

    async def break_off(after: str | None) -> None:
        if after is not None:
            raise CallFailed("the counter is closed", attempts=4)

    office.before_page = break_off
    async with delivering(url, {"post": office}) as post:
        jobs = await post.until(lambda: post.get("/api/jobs"), lambda it: it["jobs"] and it["jobs"][-1]["finished_at"])
        first = jobs["jobs"][-1]
        assert (first["status"], first["metrics"]["messages"]) == ("partial", 98)
        office.before_page = PostOffice(1).before_page
        await post.ask("POST", "/api/tenants/post-T0VILLAGE/sync")  # unless it tries again by itself
        await post.until(lambda: post.get("/api/tenants/post-T0VILLAGE"), lambda it: it["sync_status"] == "ok")
        assert (await post.get("/api/tenants/post-T0VILLAGE"))["totals"]["messages"] == 150
    assert {number for _, number in archived(url, "messages", "T0VILLAGE")} == {str(n) for n in range(1, 151)}


class Odd(Counter):
    """Hands out few letters at a time, does not count them, and names an old one as the newest."""

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        page = await super().messages(channel_id, after, parent_id=parent_id)
        few = page.messages[:60]
        return MessagePage(messages=few, reached=few[-1].platform_id if few else None, is_full=False)

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        return (replace(box("C0OPEN", None, "150"), has_archived_threads=True),)

    async def count_messages(self, channel_id: str) -> int | None:
        return None

    async def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, **options: object
    ) -> AsyncIterator[ThreadPage]:
        self._office.relist_reasons.append(options["relist_reason"])
        for page in ():
            yield page


class OddOffice(PostOffice):
    async def sync(
        self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]], on_rate_limit: object = None
    ) -> T:
        return await body(Odd(self))


@pytest.mark.slow
async def test_neither_a_short_page_nor_a_head_nor_a_missing_count_ends_a_channel(tmp_path: Path) -> None:
    """Of what an audit sees behind the checkpoint everything is read, also where no head and no count tells of it."""
    office = OddOffice(150)
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"post": office}) as daemon:
        (first,) = await daemon.idle()
        assert (first["status"], first["metrics"]["messages"]) == ("succeeded", 150)
        office.letters += [letter(number) for number in range(151, 161)]
        _, job = await daemon.ask("POST", "/api/tenants/post-T0VILLAGE/sync", json={"kind": "audit"})
        assert (await daemon.job_ended(job["job_id"]))["status"] == "succeeded"
        assert (await daemon.get("/api/tenants/post-T0VILLAGE"))["totals"]["messages"] == 160
        assert office.tell is not None
        await office.tell(TenantOutage("T0VILLAGE"))
        await office.tell(TenantJoined(VILLAGE))
        _, job = await daemon.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
        await daemon.job_ended(job["job_id"])
    assert [reason is not None for reason in office.relist_reasons] == [False, False, True], (
        "after a gap all threads are"
    )


@pytest.mark.slow
async def test_what_an_id_means_is_left_to_the_platform(tmp_path: Path) -> None:
    """What may have changed in a gap is read again from the id that the platform gives for its beginning."""
    office = PostOffice(150, datetime.now(UTC) - timedelta(minutes=151))
    an_hour_back = {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "3600"}
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"post": office}, an_hour_back) as daemon:
        assert await first_syncs(daemon, 1) == {"post-T0VILLAGE": "succeeded"}
        office.letters[119] = replace(office.letters[119], content="changed while nobody listened")
        office.asked_after.clear()
        assert office.tell is not None
        await office.tell(TenantOutage("T0VILLAGE"))
        await office.tell(TenantJoined(VILLAGE))
        _, job = await daemon.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
        ended = await daemon.job_ended(job["job_id"])
    assert (ended["status"], ended["error"]) == ("succeeded", None)
    assert len(office.asked_after) == 1, "one page is read again"
    assert 89 <= int(office.asked_after[0] or 0) <= 91, "an hour back, the sixtieth letter from the end was sent"
    assert ended["progress"]["changed"] == 1
