"""Decide what to do where events of a session are missing, by the numbers of those that come."""

import asyncio
from collections import deque
from enum import Enum, auto

_MOST_SESSIONS, _WITHIN_SECONDS = 3, 3600.0


class Remedy(Enum):
    """What to do about missing events."""

    RESUME = auto()  # it brings what was lost on the way
    NEW_SESSION = auto()  # it shows how everything is now
    NONE = auto()  # the numbers of this server may have holes at all times


class MissingEvents:
    """A shard's missing events. Three sessions an hour at most are begun for them."""

    def __init__(self) -> None:
        self._behind: int | None = None  # the number behind which a RESUME is to bring what is missing
        self._renewed: deque[float] = deque(maxlen=_MOST_SESSIONS)  # when sessions began for that
        self.is_unsettled = False
        """Whether this session goes on without some events, so that nothing may be concluded from the others."""

    def begin_session(self) -> None:
        """Forget what was missing in the session before."""
        self._behind, self.is_unsettled = None, False

    def remedy(self, behind: int) -> Remedy:
        """Decide about events that are missing behind this number."""
        if self.is_unsettled and not self._may_renew:
            return Remedy.NONE
        if not self.is_unsettled and self._behind != behind:
            self._behind = behind
            return Remedy.RESUME
        if self._may_renew:
            self._renewed.append(asyncio.get_running_loop().time())
            return Remedy.NEW_SESSION
        self.is_unsettled = True
        return Remedy.NONE

    @property
    def _may_renew(self) -> bool:
        now = asyncio.get_running_loop().time()
        return len(self._renewed) < _MOST_SESSIONS or now - self._renewed[0] > _WITHIN_SECONDS
