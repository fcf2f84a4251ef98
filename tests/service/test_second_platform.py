"""A second platform costs an adapter and nothing else: the same service archives it into the same tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import aiohttp

from adapters.base import MessagePage, PlatformSession, RequestCounts, ThreadCursor, ThreadPage
from adapters.errors import ChannelUnreadable
from adapters.events import EventHandler, TenantJoined, TenantOutage, TenantsReady
from adapters.privacy import UserHasher
from adapters.records import (
    AuthorKind,
    ChannelRecord,
    ChannelType,
    MessageRecord,
    ReactionTotalRecord,
    SkipReason,
    TenantRecord,
)
from bot import app as daemon
from bot.config import load
from tests.support.archive import archived
from tests.support.daemon import Daemon

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)
HAND = ReactionTotalRecord(emoji_key=":wave:", burst=False, emoji=":wave:", count=2)


VILLAGE = TenantRecord(platform_id="T0VILLAGE", name="Village")


def letter(number: int, start: datetime = START) -> MessageRecord:
    return MessageRecord(
        platform_id=str(number),
        author_hash="a" * 64,
        author_kind=AuthorKind.USER,
        content=f"letter {number}",
        type="letter",
        sent_at=start + timedelta(minutes=number),
        edited_at=None,
        reply_to_channel_platform_id=None,
        reply_to_message_platform_id=str(number - 1) if number > 1 else None,
        reply_to_author_hash=None,
        metadata={"stamp": "blue"},
        reaction_totals=(HAND,) if number % 10 == 0 else (),
    )


class PostOffice:
    """A platform with letters in boxes, whose ids look like nothing that Discord has."""

    name: ClassVar[str] = "post"
    id_pattern: ClassVar[str] = "T[0-9A-Z]+"

    def __init__(self, letters: int, start: datetime = START) -> None:
        self.start = start
        self.letters = [letter(number, start) for number in range(1, letters + 1)]
        self.asked_after: list[str | None] = []
        self.tell: EventHandler | None = None

    async def run(self, listener: EventHandler, *_: object) -> None:
        self.tell = listener
        await listener(TenantsReady((VILLAGE,)))
        await asyncio.Event().wait()

    unready_reason = None
    invite_url = "https://post.example/invite"

    @property
    def received_until(self) -> datetime | None:
        return datetime.now(UTC)

    def is_member(self, tenant_platform_id: str) -> bool:
        return tenant_platform_id == "T0VILLAGE"

    async def sync(self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]]) -> T:
        assert tenant_platform_id == "T0VILLAGE"
        return await body(Counter(self))


class Counter:
    """Where letters are handed out."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office
        self.requests = 0

    @property
    def page_size(self) -> int:
        return 100

    @property
    def request_counts(self) -> RequestCounts:
        return RequestCounts(requests=self.requests, retries=0)

    async def channels(self) -> tuple[ChannelRecord, ...]:
        newest = self._office.letters[-1].platform_id
        return (
            box("C0OPEN", None, newest),
            box("C0LOCKED", SkipReason.NOT_PUBLIC, newest),
        )

    async def archived_threads(self, channel_id: str, cursor: ThreadCursor | None) -> AsyncIterator[ThreadPage]:
        raise AssertionError("no box has threads")
        yield

    async def find_channel(self, channel_id: str) -> SkipReason | None:
        return SkipReason.DELETED

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        if channel_id != "C0OPEN":
            raise ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS)
        self.requests += 1
        self._office.asked_after.append(after)
        page = tuple(self._office.letters[int(after or 0) :][:100])
        return MessagePage(
            messages=page, reached=page[-1].platform_id if page else None, is_full=len(page) == self.page_size
        )

    async def reaction_users(
        self, channel_id: str, message_id: str, emoji: str, *, burst: bool, total: int
    ) -> list[str]:
        return ["b" * 64, "c" * 64]

    def sent_at(self, message_id: str) -> datetime | None:
        return None

    def cursor_at(self, moment: datetime) -> str:
        return str(max((moment - self._office.start) // timedelta(minutes=1), 0))

    async def count_messages(self, channel_id: str) -> int | None:
        return len(self._office.letters)


def box(platform_id: str, reason: SkipReason | None, newest: str) -> ChannelRecord:
    return ChannelRecord(
        platform_id=platform_id,
        parent_platform_id=None,
        name=platform_id.lower(),
        type=ChannelType.TEXT,
        skip_reason=reason,
        last_message_platform_id=newest,
    )


async def test_a_platform_of_another_kind_is_archived_by_the_same_service(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office = PostOffice(2_345)
    settings = load(None, {"PLATFORM_SYNC_DATABASE__URL": url, "PLATFORM_SYNC_HTTP__PORT": "0"})
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(daemon.run(settings, UserHasher(), {"post": office}, on_serving=serving.set_result))
    try:
        async with aiohttp.ClientSession() as session:
            post = Daemon(session, await serving, running)
            (first,) = await post.idle()
            assert (first["tenant_id"], first["status"]) == ("post-T0VILLAGE", "succeeded")
            office.letters.append(letter(2_346))
            status, job = await post.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
            assert status == 202
            assert (await post.job_ended(job["job_id"]))["metrics"]["messages"] == 1
            status, again = await post.ask(
                "POST", "/api/tenants", json={"platform": "post", "platform_id": "T0VILLAGE"}
            )
            assert (status, again["created"]) == (200, False)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    rows = archived(url, "messages", "T0VILLAGE")
    assert [rows["C0OPEN", sent.platform_id]["content"] for sent in office.letters] == [
        s.content for s in office.letters
    ]
    assert len(rows) == len(office.letters)
    assert len(archived(url, "reactions", "T0VILLAGE")) == 2 * (2_345 // 10)
    boxes: dict[Any, dict[str, Any]] = archived(url, "channels", "T0VILLAGE")
    assert boxes["C0LOCKED",]["skip_reason"] == "not_public"


class PigeonLoft(PostOffice):
    """Another platform, with a village of the same name."""

    name: ClassVar[str] = "pigeon"


@asynccontextmanager
async def delivering(url: str, offices: Mapping[str, PostOffice], **settings: str) -> AsyncIterator[Daemon]:
    environment = {"PLATFORM_SYNC_DATABASE__URL": url, "PLATFORM_SYNC_HTTP__PORT": "0", **settings}
    serving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    adapters = dict(offices)
    running = asyncio.create_task(
        daemon.run(load(None, environment), UserHasher(), adapters, on_serving=serving.set_result)
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield Daemon(session, await serving, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def first_syncs(daemon: Daemon, count: int) -> dict[str, str]:
    """How each tenant's newest sync ended, once there are so many, or after some seconds those that there are."""
    ends: dict[str, str] = {}
    for _ in range(200):
        jobs = (await daemon.get("/api/jobs"))["jobs"]
        ends = {job["tenant_id"]: job["status"] for job in reversed(jobs) if job["finished_at"]}
        if len(ends) >= count:
            break
        await asyncio.sleep(0.1)
    return ends


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


async def test_what_an_id_means_is_left_to_the_platform(tmp_path: Path) -> None:
    """What may have changed in a gap is read again from the id that the platform gives for its beginning."""
    office = PostOffice(150, datetime.now(UTC) - timedelta(minutes=151))
    an_hour_back = {"PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "3600"}
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"post": office}, **an_hour_back) as daemon:
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
