"""Parlour as a stage."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from adapters.base import PlatformAdapter
from adapters.platform import Platform, TenantToken
from adapters.registry import PLATFORMS
from tests.support.contract.stage import HASHER, Place, Said, Stage, Traits
from tests.support.parlour.adapter import ParlourAdapter
from tests.support.parlour.house import House, Message
from tests.support.parlour.platform import parlour_platform


class ParlourStage(Stage):
    """A workspace."""

    platform = "parlour"
    tenant_platform_id = "W1"
    traits = Traits(
        names_heads=False,
        sends_users_along=True,
        hides_history=True,
        sends_odd_ids=True,
        has_own_tokens=True,
        tells_all_users_at_once=True,
        archives_threads=False,
    )

    def __init__(self) -> None:
        self._house = House()
        self._house.carry = self.carry
        self._workspace = self._house.open("W1", "One")
        self._adapter = self.another_adapter()

    @property
    def platforms(self) -> dict[str, Platform]:
        """The registry, with Parlour in it."""
        return {**PLATFORMS, "parlour": parlour_platform(self._house)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PlatformAdapter]:
        """It runs in memory."""
        yield self._adapter

    def another_adapter(self) -> ParlourAdapter:
        """Make one with the same tokens."""
        token = TenantToken(self._workspace.token, "PARLOUR_TOKEN__W1")
        return ParlourAdapter(self._house, HASHER.of, {"W1": token})

    def user_id(self, user: int) -> str:
        """Return a member's id."""
        return f"U{user}"

    def open_channel(self, name: str) -> Place:
        """Open a room."""
        return self._house.add_room(self._workspace, f"R{len(self._workspace.rooms)}", name).id

    def close_channel(self, channel: Place) -> None:
        """Make a room private."""
        self._house.close(self._workspace, self._workspace.rooms[channel])

    def say(self, place: Place, text: str, user: int = 0) -> str:
        """Say something."""
        room, _, root = place.partition("-")
        return self._house.say(self._workspace, self._workspace.rooms[room], f"U{user}", text, to=root or None)

    def open_thread(self, channel: Place, message_id: str, text: str, user: int = 0) -> tuple[Place, str]:
        """Answer a message."""
        thread = f"{channel}-{message_id}"
        return thread, self.say(thread, text, user)

    def edit(self, place: Place, message_id: str, text: str) -> None:
        """Edit."""
        self._house.edit(self._workspace, self._workspace.rooms[place.partition("-")[0]], message_id, text)

    def delete(self, place: Place, message_id: str) -> None:
        """Delete."""
        self._house.delete(self._workspace, self._workspace.rooms[place.partition("-")[0]], message_id)

    def react(self, place: Place, message_id: str, emoji: str, user: int, *, back: bool = False) -> None:
        """Give a reaction, or take it back."""
        room = self._workspace.rooms[place.partition("-")[0]]
        self._house.react(self._workspace, room, message_id, emoji, f"U{user}", back=back)

    def fall_silent(self) -> None:
        """Tell nobody."""
        self._house.is_silent = True

    def begin_anew(self) -> None:
        """Lose the connection, which is made anew."""
        self._house.is_silent = False
        self._adapter.lose_connection()

    def limit_next(self, seconds: float) -> None:
        """Refuse a page."""
        self._limit("messages", seconds)

    def spoil_next(self, channel: Place, fault: str) -> None:
        """Answer wrongly once."""
        self._house.faults.append((channel, fault))

    def leave(self) -> None:
        """End the workspace."""
        del self._house.workspaces["W1"]

    def truth(self) -> dict[tuple[Place, str], Said]:
        """Return what is said in rooms that are not private."""
        told: dict[tuple[Place, str], Said] = {}
        for room in self._workspace.rooms.values():
            for message in () if room.is_private else room.messages.values():
                told[room.id, message.id] = _said(message)
                told |= {(f"{room.id}-{message.id}", one.id): _said(one) for one in message.answers.values()}
        return told

    @property
    def requests(self) -> int:
        """All of them."""
        return self._house.requests.total()

    def forget_requests(self) -> None:
        """Begin to count anew."""
        self._house.requests.clear()

    @property
    def user_requests(self) -> int:
        """Those of a message's reactions."""
        return self._house.requests["reactions"]

    def send_few_users_along(self) -> None:
        """Let a page hold one behind each emoji."""
        self._house.most_users = 1

    def set_back(self, ago: timedelta) -> None:
        """Let what is said from now on have been said a while ago."""
        self._house.ago = ago

    @property
    def page_size(self) -> int:
        """As the house has it."""
        return self._house.page_size

    def answer_in_pages_of(self, size: int) -> None:
        """Give so many in one answer from now on."""
        self._house.page_size = size

    def limit_users(self, seconds: float) -> None:
        """Refuse the next request for a message's reactions."""
        self._limit("reactions", seconds)

    def _limit(self, call: str, seconds: float) -> None:
        def limit() -> None:
            self._house.limited_for_seconds = seconds

        self._house.before[call] = limit

    def while_read(self, place: Place, happening: Callable[[], None]) -> None:
        """Let it happen while the next page of a channel or thread is on its way."""
        self._house.meanwhile[place] = happening

    def before_users(self, happening: Callable[[], None]) -> None:
        """Let it happen as the request comes in."""
        self._house.before["reactions"] = happening

    @property
    def look_ups(self) -> int:
        """Those of one channel."""
        return self._house.requests["channel"]

    def hide_before(self, when: datetime | None) -> None:
        """Hide old messages."""
        self._workspace.hidden_before = when

    def change_token(self) -> None:
        """Give the workspace another one."""
        self._workspace.token = "another"


def _said(message: Message) -> Said:
    reactions = frozenset((emoji, HASHER.of(user)) for emoji, users in message.reactions.items() for user in users)
    return message.text, HASHER.of(message.user), message.edited is not None, reactions
