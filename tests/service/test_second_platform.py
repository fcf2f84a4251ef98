"""A second platform costs an adapter and nothing else: the same service archives it into the same tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import aiohttp

from adapters.base import PlatformSession, RequestCounts, ThreadCursor, ThreadPage
from adapters.errors import ChannelUnreadable
from adapters.events import EventHandler, TenantsReady
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


def letter(number: int) -> MessageRecord:
    return MessageRecord(
        platform_id=str(number),
        author_hash="a" * 64,
        author_kind=AuthorKind.USER,
        content=f"letter {number}",
        type="letter",
        sent_at=START + timedelta(minutes=number),
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

    def __init__(self, letters: int) -> None:
        self.letters = [letter(number) for number in range(1, letters + 1)]

    async def run(self, listener: EventHandler, *_: object) -> None:
        await listener(TenantsReady((TenantRecord(platform_id="T0VILLAGE", name="Village"),)))
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
    """Where letters are asked for."""

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

    async def messages(
        self, channel_id: str, after: str | None, *, parent_id: str | None = None
    ) -> tuple[MessageRecord, ...]:
        if channel_id != "C0OPEN":
            raise ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS)
        self.requests += 1
        return tuple(self._office.letters[int(after or 0) :][:100])

    async def reaction_users(
        self, channel_id: str, message_id: str, emoji: str, *, burst: bool, total: int
    ) -> list[str]:
        return ["b" * 64, "c" * 64]

    def sent_at(self, message_id: str) -> datetime | None:
        return None

    def cursor_at(self, moment: datetime) -> str:
        return str(max((moment - START) // timedelta(minutes=1), 0))

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
            status, asked = await post.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
            assert status == 202
            assert (await post.job_ended(asked["job_id"]))["metrics"]["messages"] == 1
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
