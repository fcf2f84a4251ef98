"""Content that has had its time: up to when nothing that was said is stored, and its removal where it had been."""

from storage.retention.boundary import advance
from storage.retention.model import Retention, find_retention, list_retentions, retentions_of
from storage.retention.readings import Readings, next_readings
from storage.retention.sweep import begin_sweep, clean, sweep_some

__all__ = [
    "Readings",
    "Retention",
    "advance",
    "begin_sweep",
    "clean",
    "find_retention",
    "list_retentions",
    "next_readings",
    "retentions_of",
    "sweep_some",
]
