"""The sync service: one job's walk through one tenant. Knows no platform by name."""

from bot.sync.context import (
    JobContext,
)
from bot.sync.progress import (
    Progress,
)
from bot.sync.service import (
    TenantSync,
)

__all__ = [
    "JobContext",
    "Progress",
    "TenantSync",
]
