"""A channel as the parts of a sync hand it to one another, and what may be open about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.errors import CallFailed
from bot.live import ChangeTracker


class AnyChannel(Protocol):
    """A channel as any part of a sync knows it."""

    @property
    def id(self) -> int:
        """``channels.id``."""

    @property
    def platform_id(self) -> str:
        """The platform's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyPage:
    """An empty page behind ``after``: nothing follows from it before ``ProofPass`` has proven it."""

    channel: AnyChannel
    parent_id: str | None  # the channel of a thread
    after: str | None
    expected: str | None  # a message that the archive or the platform says is there, such as the head
    accept: Callable[[ChangeTracker, int, datetime | None], Awaitable[None]]
    """Applies the consequences. Called with the channel's tracker, its mark before the page that is the proof, and from
    when on that page says that messages are shown."""


class ShownAgain(CallFailed):
    """A channel was hidden for a moment, or by an event that came late, and should have been read."""

    code = "shown_again"
    remedy = "nothing need be done: the next sync reads it"

    def __init__(self) -> None:
        super().__init__("the channel was hidden during the sync, and is shown again", attempts=1)
