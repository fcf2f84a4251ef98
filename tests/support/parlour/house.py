"""Parlour itself: workspaces with channels, whose messages have threads inside.

What is unlike Discord: a message's id is its time in microseconds, and unique in its channel only. A listing of
channels names no newest message. An answer to a message lies in that message's thread, not in the channel, and no
listing names the threads: a message says how many answers it has. A page of messages holds who gave which reaction, or
the first of them; all of a message are told at once. An event names the channel alone, also where it is about an
answer. Each event goes to one of the open connections. Old messages may be hidden, by the workspace's plan. Each
workspace has a token of its own.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEANWHILE_SECONDS = 0.5  # enough for an event to be written


class Refused(Exception):
    """Parlour refuses a request; ``word`` says why."""

    def __init__(self, word: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(word)
        self.word = word
        self.retry_after_seconds = retry_after_seconds


@dataclass(slots=True)
class Message:
    """A message of a channel, or an answer in a thread."""

    id: str
    user: str
    text: str
    edited: datetime | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)  # the users by emoji
    answers: dict[str, "Message"] = field(default_factory=dict)  # by id, in the order of sending


@dataclass(slots=True)
class Room:
    """A channel."""

    id: str
    name: str
    is_private: bool = False
    messages: dict[str, Message] = field(default_factory=dict)  # by id, in the order of sending

    def thread_of(self, message_id: str) -> str | None:
        """Return the message in whose thread an answer lies; None where it lies in the channel."""
        return next((root.id for root in self.messages.values() if message_id in root.answers), None)

    def find(self, message_id: str) -> Message:
        """Return a message, wherever it lies."""
        root = self.thread_of(message_id)
        return self.messages[root].answers[message_id] if root else self.messages[message_id]


@dataclass(slots=True)
class Workspace:
    """A community."""

    id: str
    name: str
    token: str
    rooms: dict[str, Room] = field(default_factory=dict)
    hidden_before: datetime | None = None


Event = dict[str, Any]
Listener = Callable[[Event], None]


class House:
    """All of Parlour, and what is wrong with it at present."""

    def __init__(self, page_size: int = 20) -> None:
        self.page_size = page_size
        self.workspaces: dict[str, Workspace] = {}
        self.requests: Counter[str] = Counter()
        self.limited_for_seconds: float | None = None  # of the next request
        self.faults: list[tuple[str, str]] = []  # of the next pages of a room's messages, or "odd_head" of a listing
        self.most_users: int | None = None  # behind each emoji, that a page of messages holds; None: all
        self.before: dict[str, Callable[[], None]] = {}  # what happens as the next request of a kind comes
        self.meanwhile: dict[str, Callable[[], None]] = {}  # by channel or thread: while its next page is on its way
        self.carry: Callable[[Callable[[], None]], None] = lambda send: send()  # takes what sends an event
        self.is_silent = False
        self.ago = timedelta()  # how long before the real time it is there
        self._listeners: dict[int, Listener] = {}
        self._turns = cycle([0])
        self._clock = datetime(2026, 1, 1, tzinfo=UTC)

    def open(self, workspace_id: str, name: str) -> Workspace:
        """Add a workspace."""
        workspace = self.workspaces[workspace_id] = Workspace(workspace_id, name, token=f"token-{workspace_id}")
        return workspace

    def add_room(self, workspace: Workspace, room_id: str, name: str, *, is_private: bool = False) -> Room:
        """Add a channel."""
        room = workspace.rooms[room_id] = Room(room_id, name, is_private)
        self._tell(workspace, {"kind": "room", "room": room_id, "is_new": True})
        return room

    def close(self, workspace: Workspace, room: Room) -> None:
        """Make a channel private."""
        room.is_private = True
        self._tell(workspace, {"kind": "room", "room": room.id, "is_new": False})

    def say(self, workspace: Workspace, room: Room, user: str, text: str, *, to: str | None = None) -> str:
        """Send a message, or an answer ``to`` one; return its id."""
        self._clock = max(self._clock + timedelta(microseconds=1), datetime.now(UTC) - self.ago)
        message = Message(str((self._clock - EPOCH) // timedelta(microseconds=1)), user, text)
        (room.messages[to].answers if to else room.messages)[message.id] = message
        root = room.messages[to] if to else None
        self._tell(workspace, {"kind": "said", "room": room.id, "message": message, "root": root})
        return message.id

    def edit(self, workspace: Workspace, room: Room, message_id: str, text: str) -> None:
        """Change a message's text."""
        message = room.find(message_id)
        message.text, message.edited = text, datetime.now(UTC)
        root = room.thread_of(message_id)
        self._tell(
            workspace,
            {"kind": "edited", "room": room.id, "message": message, "root": room.messages[root] if root else None},
        )

    def delete(self, workspace: Workspace, room: Room, message_id: str) -> None:
        """Delete a message that has no answers, or an answer."""
        root = room.thread_of(message_id)
        if room.find(message_id).answers:
            raise Refused("has_answers")
        del (room.messages[root].answers if root else room.messages)[message_id]
        self._tell(workspace, {"kind": "deleted", "room": room.id, "message": message_id})

    def react(
        self, workspace: Workspace, room: Room, message_id: str, emoji: str, user: str, *, back: bool = False
    ) -> None:
        """Give a reaction, or take it ``back``."""
        users = room.find(message_id).reactions.setdefault(emoji, [])
        (users.remove if back else users.append)(user)
        if not users:
            del room.find(message_id).reactions[emoji]
        event = {"kind": "reacted", "room": room.id, "message": message_id, "emoji": emoji, "user": user, "back": back}
        self._tell(workspace, event)

    def connect(self, listener: Listener) -> Callable[[], None]:
        """Open a connection, to which every event may go; return how it is closed."""
        number = max(self._listeners, default=0) + 1
        self._listeners[number] = listener
        self._turns = cycle(list(self._listeners))

        def close() -> None:
            self._listeners.pop(number, None)
            self._turns = cycle(list(self._listeners) or [0])

        return close

    async def request(self, workspace_id: str, token: str, call: str) -> Workspace:
        """Take a request in, which is refused or goes to a workspace."""
        self.requests[call] += 1
        await asyncio.sleep(0)
        self.before.pop(call, lambda: None)()
        if self.limited_for_seconds is not None:
            seconds, self.limited_for_seconds = self.limited_for_seconds, None
            raise Refused("too_many", seconds)
        workspace = self.workspaces.get(workspace_id)
        if workspace is None:
            raise Refused("no_such_workspace")
        if workspace.token != token:
            raise Refused("bad_token")
        return workspace

    def page(
        self, workspace: Workspace, room: Room, messages: dict[str, Message], after: str | None
    ) -> tuple[list[Message], bool]:
        """Return the oldest messages behind one, and whether there are more."""
        if fault := next((one for one in self.faults if one[0] == room.id), None):
            self.faults.remove(fault)
            if fault[1] == "odd_id":
                return [Message("17.5", "U1", "an odd one")], False
            after, messages = (after, {}) if fault[1] == "empty" else (None, messages)
        shown = [
            message
            for message in messages.values()
            if int(message.id) > int(after or 0)
            and (workspace.hidden_before is None or time_of(message.id) >= workspace.hidden_before)
        ]
        return shown[: self.page_size], len(shown) > self.page_size

    def odd_head(self, room: Room) -> str | None:
        """Return what a listing names wrongly as the newest message of a channel, once."""
        if (fault := (room.id, "odd_head")) not in self.faults:
            return None
        self.faults.remove(fault)
        return "17.5"

    async def on_its_way(self, place: str) -> None:
        """Let happen, and be told, what is to happen while an answer about a channel or thread is on its way."""
        if happening := self.meanwhile.pop(place, None):
            happening()
            await asyncio.sleep(MEANWHILE_SECONDS)

    def _tell(self, workspace: Workspace, event: Event) -> None:
        if not self.is_silent:
            self.carry(partial(self._deliver, deepcopy({"workspace": workspace.id, **event})))

    def _deliver(self, event: Event) -> None:
        if listener := self._listeners.get(next(self._turns)):
            listener(event)


def time_of(message_id: str) -> datetime:
    """Return when a message was sent."""
    return EPOCH + timedelta(microseconds=int(message_id))
