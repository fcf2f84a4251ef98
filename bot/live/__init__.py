"""Live events on their way into the archive."""

from bot.live.followed import (
    Listing,
)
from bot.live.follower import (
    Following,
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
    "Following",
    "Listing",
    "LiveFollower",
    "LiveWriter",
]
