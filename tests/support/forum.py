"""A platform with a text channel and a forum, of whose archived posts it lists two at a time."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from adapters.base import RequestCounts
from adapters.errors import ChannelUnreadable
from adapters.pages import Access, MessagePage, ThreadCursor, ThreadPage
from adapters.records import ChannelRecord, ChannelType, SkipReason
from tests.support.builders import channel, message, thread

TEXT, FORUM = "5", "9"
PAGES = 3
POSTS = [str(100 + number) for number in range(2 * PAGES)]
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def _nothing(_: str) -> None: ...


class Forum:
    """A session of it, and a log of its requests. Every channel and post holds two messages, until there are more."""

    page_size = 100
    receives_changes = True
    stream = None

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.before: Callable[[str], Awaitable[None]] = _nothing  # called with each request; may wait, and raise
        self.newest = 2  # the newest message of every channel
        self.lists_anew = False  # all posts are listed again
        self.lists_again_without: str | None = None  # this post is gone, and the listing begins anew

    async def _ask(self, request: str) -> None:
        self.asked[request] += 1
        await self.before(request)

    @property
    def request_counts(self) -> RequestCounts:
        return RequestCounts(requests=self.asked.total(), retries=0)

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        await self._ask("channels")
        forum = channel(FORUM, type=ChannelType.FORUM, has_archived_threads=True)
        return channel(TEXT, last_message_platform_id=str(self.newest)), forum

    async def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, **_: object
    ) -> AsyncIterator[ThreadPage]:
        if gone := self.lists_again_without:
            await self._ask("posts again")
            yield ThreadPage((), {"page": str(PAGES)}, frozenset(POSTS) - {gone}, None, None)
        known = {} if self.lists_anew else cursor or {}
        for page in range(int(known.get("page", 0)), PAGES):
            await self._ask(f"posts {page}")
            posts = tuple(_post(post_id, self.newest) for post_id in POSTS[2 * page : 2 * page + 2])
            listed = frozenset(post.platform_id for post in posts)
            yield ThreadPage(posts, {"page": str(page + 1)}, listed, _LONG_AGO, _LONG_AGO)

    async def find_channel(self, channel_id: str) -> ChannelRecord | None:
        await self._ask(f"find {channel_id}")
        raise ChannelUnreadable(SkipReason.DELETED)

    async def messages(self, channel_id: str, after: str | None, **_: object) -> MessagePage:
        await self._ask(f"messages {channel_id}")
        page = tuple(message(number) for number in range(int(after or 0) + 1, self.newest + 1))
        return MessagePage(messages=page, reached=page[-1].platform_id if page else None, is_full=False)

    async def access(self) -> Access:
        return Access(frozenset({TEXT, FORUM}))

    async def confirm_membership(self) -> None: ...

    def sent_at(self, message_id: str) -> datetime | None:
        return None

    def cursor_at(self, when: datetime) -> str:
        return "0"


def _post(platform_id: str, newest: int) -> ChannelRecord:
    archived = {"archived": True, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return thread(platform_id, FORUM, last_message_platform_id=str(newest), metadata=archived, archived_at=at)
