"""What the contract needs of a platform's simulator: things happen there, and it tells what is true afterwards."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.base import PlatformAdapter
from adapters.platform import Platform
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS

HASHER = UserHasher()

Place: TypeAlias = str
"""A channel or thread, by the platform's id."""

Said: TypeAlias = tuple[str, str | None, bool, frozenset[tuple[str, str]]]
"""What is true of a message: its text, its author's hash, whether it was edited, its reactions (emoji, user's hash)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a platform is, where its kind decides what a sync costs or proves."""

    names_heads: bool  # its listings name the newest message of each channel
    sends_users_along: bool  # its pages hold who is behind the reactions
    hides_history: bool  # it can hide old messages
    sends_odd_ids: bool  # its simulator can send an id that is no number
    has_own_tokens: bool  # a community has a token of its own
    tells_all_users_at_once: bool  # one request gives who is behind all reactions of a message
    archives_threads: bool  # it puts threads to rest, and lists those apart


class Stage(ABC):
    """A community on a platform's simulator. Users are numbers from 0 to 9."""

    platform: str
    tenant_platform_id: str
    traits: Traits
    _held: list[Callable[[], None]] | None = None  # events that come later; None: each comes at once

    @property
    def tenant_id(self) -> str:
        """The community's tenant."""
        return f"{self.platform}-{self.tenant_platform_id}"

    @property
    def platforms(self) -> dict[str, Platform]:
        """The registry, with this platform in it."""
        return PLATFORMS

    @abstractmethod
    def running(self) -> AbstractAsyncContextManager[PlatformAdapter]:
        """Run the simulator; give an adapter for it."""

    @abstractmethod
    def another_adapter(self) -> PlatformAdapter:
        """Make an adapter for another process."""

    @abstractmethod
    def user_id(self, user: int) -> str:
        """Return a user's id on the platform."""

    @abstractmethod
    def open_channel(self, name: str) -> Place:
        """Make a channel that everyone may read."""

    @abstractmethod
    def close_channel(self, channel: Place) -> None:
        """Take a channel away from everyone."""

    @abstractmethod
    def say(self, place: Place, text: str, user: int = 0) -> str:
        """Send a message; return its id."""

    @abstractmethod
    def open_thread(self, channel: Place, message_id: str, text: str, user: int = 0) -> tuple[Place, str]:
        """Send the first message of a thread at a channel's message; return the thread and the message's id."""

    def archive_thread(self, thread: Place) -> None:
        """Put a thread to rest."""
        raise NotImplementedError

    @abstractmethod
    def edit(self, place: Place, message_id: str, text: str) -> None:
        """Change a message's text."""

    @abstractmethod
    def delete(self, place: Place, message_id: str) -> None:
        """Delete a message."""

    @abstractmethod
    def react(self, place: Place, message_id: str, emoji: str, user: int, *, back: bool = False) -> None:
        """Give a reaction, or take it back."""

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Let things happen of which no event comes, and which the platform shows as a gap afterwards."""
        self.fall_silent()
        yield
        self.begin_anew()

    @contextmanager
    def held_back(self) -> Iterator[Callable[[], None]]:
        """Hold the events back of what happens in the block; give what sends them, whenever that is."""
        held = self._held = []

        def send_them() -> None:
            for send in held:
                send()

        yield send_them
        self._held = None

    def carry(self, send: Callable[[], None]) -> None:
        """Send an event, or hold it back."""
        if self._held is None:
            send()
        else:
            self._held.append(send)

    @abstractmethod
    def fall_silent(self) -> None:
        """Send no event any more, as if the connection were lost."""

    @abstractmethod
    def begin_anew(self) -> None:
        """Send events again, in a new session."""

    @abstractmethod
    def limit_next(self, seconds: float) -> None:
        """Refuse the next request of messages for its rate."""

    @abstractmethod
    def spoil_next(self, channel: Place, fault: str) -> None:
        """Answer the next request for a channel's messages wrongly.

        By an ``empty`` page, one ``unmoved`` by its cursor, or one with an ``odd_id``; with ``odd_head`` the next
        listing names such an id.
        """

    @abstractmethod
    def leave(self) -> None:
        """Put the bot out of the community."""

    @abstractmethod
    def truth(self) -> dict[tuple[Place, str], Said]:
        """Return every message that everyone may read, by its place and id."""

    @property
    @abstractmethod
    def requests(self) -> int:
        """How many requests came since this was set back."""

    @abstractmethod
    def forget_requests(self) -> None:
        """Begin to count anew."""

    @property
    @abstractmethod
    def user_requests(self) -> int:
        """How many requests asked who is behind reactions."""

    @abstractmethod
    def send_few_users_along(self) -> None:
        """Let pages hold so few users that they have to be asked for, where they hold any."""

    @property
    @abstractmethod
    def page_size(self) -> int:
        """How many messages, or users, one answer holds."""

    @abstractmethod
    def limit_users(self, seconds: float) -> None:
        """Refuse the next request for who is behind reactions for its rate."""

    @property
    def look_ups(self) -> int:
        """How many requests asked for one channel or thread alone, where that can be told."""
        return 0

    def hide_before(self, when: datetime | None) -> None:
        """Hide what was sent before a time."""
        raise NotImplementedError

    def change_token(self) -> None:
        """Give the community, or the bot, another token, which the adapter does not have."""
        raise NotImplementedError
