"""A platform with letters in boxes, whose ids look like nothing that Discord has."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar

from adapters.base import PlatformSession, RequestCounts
from adapters.errors import ChannelUnreadable
from adapters.events import EventHandler, LiveEventHandler, Stream, TenantsReady
from adapters.health import ConnectionHealth
from adapters.pages import Access, MessagePage, ThreadCursor, ThreadPage, WantedUsers
from adapters.parts import UNDIVIDED, Division, Turn, no_turn
from adapters.records import (
    AuthorKind,
    ChannelRecord,
    ChannelType,
    MessageRecord,
    ReactionTotalRecord,
    SkipReason,
    TenantRecord,
)
from adapters.words import NO_WORDS, PlatformWords

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


async def _nothing(_: str | None) -> None: ...


class PostOffice:
    """A platform with letters in boxes, whose ids look like nothing that Discord has."""

    name: ClassVar[str] = "post"
    id_pattern: ClassVar[str] = "T[0-9A-Z]+"
    user_id_pattern: ClassVar[str] = "U[0-9A-Z]+"
    words: ClassVar[PlatformWords] = NO_WORDS
    shares_parts: ClassVar[bool] = False
    division: Division | None = UNDIVIDED
    held = frozenset(UNDIVIDED.parts)

    def __init__(self, letters: int, start: datetime = START) -> None:
        self.start = start
        self.letters = [letter(number, start) for number in range(1, letters + 1)]
        self.asked_after: list[str | None] = []
        self.relist_reasons: list[object] = []  # of each listing of archived threads
        self.tell: EventHandler | None = None
        self.tell_live: LiveEventHandler | None = None
        self.before_page: Callable[[str | None], Awaitable[None]] = _nothing  # called with ``after``; may raise
        self.before_reactions: Callable[[str | None], Awaitable[None]] = _nothing  # called with the message's id
        self.unready_reason: str | None = None
        self.is_silent = False  # it never gets connected
        self.keeps_one_back = False  # a full page leaves out its last letter but one, and says so

    async def run(self, listener: EventHandler, on_live: LiveEventHandler, turn: Turn = no_turn) -> None:
        self.tell, self.tell_live = listener, on_live
        if not self.is_silent:
            await listener(TenantsReady((VILLAGE,)))
        await asyncio.Event().wait()

    @property
    def ready_parts(self) -> frozenset[str]:
        return self.held if self.unready_reason is None else frozenset()

    health = ConnectionHealth()
    invite_url = "https://post.example/invite"

    def received_until(self, part: str) -> datetime | None:
        return datetime.now(UTC)

    def hold(self, parts: frozenset[str]) -> None:
        raise AssertionError("it is not shared")

    def take_share(self, share: float) -> None: ...

    async def communities(self) -> None: ...

    def is_member(self, tenant_platform_id: str) -> bool:
        return tenant_platform_id == "T0VILLAGE"

    def stream(self, tenant_platform_id: str) -> Stream | None:
        return None

    def doubt(self, tenant_platform_id: str) -> Callable[[str], bool]:
        raise AssertionError("there is no stream")

    async def sync(
        self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]], on_rate_limit: object = None
    ) -> T:
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

    stream: Stream | None = None
    receives_changes = True

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        newest = self._office.letters[-1].platform_id
        return (
            box("C0OPEN", None, newest),
            box("C0LOCKED", SkipReason.NOT_PUBLIC, newest),
        )

    async def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, **_: object
    ) -> AsyncIterator[ThreadPage]:
        raise AssertionError("no box has threads")
        yield

    async def find_channel(self, channel_id: str) -> ChannelRecord | None:
        raise ChannelUnreadable(SkipReason.DELETED)

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        if channel_id != "C0OPEN":
            raise ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS)
        self.requests += 1
        await self._office.before_page(after)
        self._office.asked_after.append(after)
        page = tuple(self._office.letters[int(after or 0) :][: self.page_size])
        reached, is_full = page[-1].platform_id if page else None, len(page) == self.page_size
        if is_full and self._office.keeps_one_back:
            page, reached = (*page[:-2], page[-1]), page[-3].platform_id
        return MessagePage(messages=page, reached=reached, is_full=is_full)

    async def access(self) -> Access:
        return Access(frozenset({"C0OPEN"}))

    async def confirm_membership(self) -> None: ...

    async def reaction_users(
        self, channel_id: str, message_id: str, wanted: Sequence[WantedUsers]
    ) -> AsyncGenerator[Mapping[WantedUsers, Sequence[str]], None]:
        for one in wanted:
            self.requests += 1
            await self._office.before_reactions(message_id)
            yield {one: ["b" * 64, "c" * 64]}

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
