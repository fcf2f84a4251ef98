"""Live events on their way into the archive."""

from bot.live.buffer import (
    LiveBuffer,
)
from bot.live.tracker import (
    ChangeTracker,
)
from bot.live.writer import (
    LiveWriter,
)

__all__ = [
    "ChangeTracker",
    "LiveBuffer",
    "LiveWriter",
]
