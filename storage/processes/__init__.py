"""The processes that share an archive: which there are, and how they take turns."""

from storage.processes.register import (
    IS_RUNNING,
    KnownProcess,
    Process,
    beat,
    leave,
    list_processes,
)
from storage.processes.turns import (
    end_turn,
    take_turn,
)

__all__ = [
    "IS_RUNNING",
    "KnownProcess",
    "Process",
    "beat",
    "end_turn",
    "leave",
    "list_processes",
    "take_turn",
]
