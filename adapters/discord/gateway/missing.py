"""Decide what to do where events of a session are missing, by the numbers of those that come."""

import asyncio
from enum import Enum, auto

_TRIES = 3
_RENEWAL_SECONDS = 3600.0


class Remedy(Enum):
    """What to do about missing events."""

    RESUME = auto()  # it brings what was lost on the way
    NEW_SESSION = auto()  # it shows how everything is now
    GO_ON = auto()  # without what is missing


class MissingEvents:
    """A shard's missing events. A server whose numbers have holes all the time does not cost a connection each."""

    def __init__(self) -> None:
        self._behind: int | None = None  # the number behind which a RESUME is to bring what is missing
        self._lost = 0  # how often no RESUME brought it in this session
        self._renewed_at: float | None = None  # when a session last began for that

    def begin_session(self) -> None:
        """Forget what was missing in the session before."""
        self._behind, self._lost = None, 0

    def remedy(self, behind: int | None) -> Remedy:
        """Decide about events that are missing behind this number: a new session begins once an hour at most."""
        if self._behind != behind and self._lost < _TRIES:
            self._behind = behind
            return Remedy.RESUME
        now = asyncio.get_running_loop().time()
        if self._renewed_at is None or now - self._renewed_at > _RENEWAL_SECONDS:
            self._renewed_at = now
            return Remedy.NEW_SESSION
        self._lost += 1
        return Remedy.GO_ON
