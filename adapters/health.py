"""How a platform's connection is and how its requests go, for the metrics."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PartHealth:
    """State of one part of a platform's connection, such as a shard of its gateway.

    ``heartbeat_age_seconds`` is the time since the newest acknowledged heartbeat was sent; None before the first.
    """

    name: str
    is_connected: bool
    heartbeat_age_seconds: float | None


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """State of a platform's connection: its parts, and the seconds left of a wait that the platform requested."""

    parts: tuple[PartHealth, ...] = ()
    wait_seconds: float = 0.0


class RequestObserver(Protocol):
    """Counts every request of an adapter, for the metrics."""

    def on_response(self, route: str, status: int | None, seconds: float) -> None:
        """Take note of a request's end: its status, or None where it broke off; ``route`` holds no id."""
        ...

    def on_rate_limit(self, scope: str) -> None:
        """Take note of a rate limit of this scope."""
        ...
