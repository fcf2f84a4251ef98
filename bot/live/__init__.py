"""What platforms tell while they are connected, on its way into the archive."""

from bot.live.buffer import (
    LiveBuffer,
)
from bot.live.writer import (
    ChangeTracker,
    LiveWriter,
)

__all__ = [
    "ChangeTracker",
    "LiveBuffer",
    "LiveWriter",
]
