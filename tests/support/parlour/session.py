"""The requests of one sync of a workspace."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from adapters.base import RequestCounts
from adapters.errors import ChannelUnreadable, MessageGone, RateLimited, TenantCredentialRefused, TenantUnavailable
from adapters.events import Stream
from adapters.pages import Access, MessagePage, ThreadCursor, ThreadPage, WantedUsers
from adapters.platform import TenantToken
from adapters.privacy import HashUser
from adapters.records import ChannelRecord, SkipReason
from tests.support.parlour.convert import message_record, room_record, thread_record
from tests.support.parlour.house import EPOCH, House, Refused, Workspace, time_of


class ParlourSession:
    """A PlatformSession."""

    def __init__(
        self,
        house: House,
        workspace_id: str,
        token: TenantToken,
        hash_user: HashUser,
        stream_of: Callable[[str], Stream | None],
    ) -> None:
        self._hash_user = hash_user
        self._stream_of = stream_of
        self._house = house
        self._workspace_id = workspace_id
        self._token = token
        self._requests = 0
        self.stream: Stream | None = None

    @property
    def page_size(self) -> int:
        """Parlour's."""
        return self._house.page_size

    @property
    def request_counts(self) -> RequestCounts:
        """None is ever retried."""
        return RequestCounts(self._requests, 0)

    @property
    def receives_changes(self) -> bool:
        """Whether the connection is still the same."""
        return self.stream is not None and self.stream == self._stream_of(self._workspace_id)

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        """List the channels, without their newest messages."""
        self.stream = self._stream_of(self._workspace_id)
        workspace = await self._request("channels")
        return tuple(room_record(room, self._house.odd_head(room)) for room in workspace.rooms.values())

    async def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, *, now: datetime, relist_reason: str | None = None
    ) -> AsyncIterator[ThreadPage]:
        """There are none."""
        for page in ():
            yield page

    async def find_channel(self, channel_id: str) -> ChannelRecord | None:
        """Look a channel up."""
        room = (await self._request("channel")).rooms.get(channel_id)
        if room is None:
            raise ChannelUnreadable(SkipReason.DELETED)
        return room_record(room)

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        """Request messages of a channel, with the threads that show themselves in them, or answers of a thread."""
        workspace = await self._request("messages")
        room_id, _, root_id = channel_id.partition("-")
        room = workspace.rooms.get(room_id)
        if room is None or room.is_private:
            raise ChannelUnreadable(SkipReason.DELETED if room is None else SkipReason.NOT_PUBLIC)
        root = room.messages.get(root_id) if root_id else None
        if root_id and root is None:
            raise ChannelUnreadable(SkipReason.DELETED)
        shown, has_more = self._house.page(workspace, room, root.answers if root else room.messages, after)
        page = MessagePage(
            messages=tuple(message_record(room, one, self._hash_user, root, self._house.most_users) for one in shown),
            reached=shown[-1].id if shown else None,
            is_full=has_more,
            threads=() if root else tuple(thread_record(room, one) for one in shown if one.answers),
            visible_since=workspace.hidden_before,
        )
        await self._house.on_its_way(channel_id)
        return page

    async def access(self) -> Access:
        """Every channel that is not private."""
        workspace = await self._request("channels")
        return Access(frozenset(room.id for room in workspace.rooms.values() if not room.is_private))

    async def confirm_membership(self) -> None:
        """Request the workspace."""
        await self._request("workspace")

    async def reaction_users(
        self, channel_id: str, message_id: str, wanted: Sequence[WantedUsers]
    ) -> AsyncGenerator[Mapping[WantedUsers, Sequence[str]], None]:
        """Request all of a message's at once, where not all came with it."""
        room = (await self._request("reactions")).rooms[channel_id.partition("-")[0]]
        try:
            given = room.find(message_id).reactions
        except KeyError:
            raise MessageGone from None
        yield {one: [self._hash_user(user) for user in given.get(one.emoji, ())] for one in wanted}

    def sent_at(self, message_id: str) -> datetime | None:
        """Read the time from the id."""
        return time_of(message_id) if message_id.isdecimal() else None

    def cursor_at(self, when: datetime) -> str:
        """Return the last id before a time."""
        return str((when - EPOCH) // timedelta(microseconds=1) - 1)

    async def count_messages(self, channel_id: str) -> int | None:
        """Parlour does not count."""
        return None

    async def _request(self, call: str) -> Workspace:
        self._requests += 1
        try:
            return await self._house.request(self._workspace_id, self._token.value, call)
        except Refused as e:
            match e.word:
                case "too_many":
                    raise RateLimited(retry_after_seconds=e.retry_after_seconds, scope="workspace") from None
                case "bad_token":
                    raise TenantCredentialRefused(self._token.setting) from None
                case _:
                    raise TenantUnavailable from None
