"""Reports whether everything a sync needs is right, in plain words."""

from bot.check.report import (
    Check,
    Finding,
    Mark,
)

__all__ = [
    "Check",
    "Finding",
    "Mark",
]
