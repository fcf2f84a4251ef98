"""Live events on their way into the archive."""

from bot.live.followed import (
    Listing,
)
from bot.live.follower import (
    FollowedFigures,
    LiveFollower,
)
from bot.live.following import (
    Following,
)
from bot.live.tracker import (
    ChangeTracker,
)
from bot.live.writer import (
    LiveWriter,
)

__all__ = [
    "ChangeTracker",
    "FollowedFigures",
    "Following",
    "Listing",
    "LiveFollower",
    "LiveWriter",
]
