"""Live events on their way into the archive."""

from bot.live.followed import (
    Listing,
)
from bot.live.follower import (
    LiveFollower,
)
from bot.live.tracker import (
    ChangeTracker,
)
from bot.live.writer import (
    LiveWriter,
)

__all__ = [
    "ChangeTracker",
    "Listing",
    "LiveFollower",
    "LiveWriter",
]
