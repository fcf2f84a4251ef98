"""The start of a session: whether an IDENTIFY is accepted, and the READY that answers it.

https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from adapters.discord.simulator.model import Guild, World
from adapters.discord.simulator.payloads import ready_user, unavailable_guild
from adapters.discord.simulator.privilege import KNOWN_INTENTS, granted
from adapters.discord.simulator.session import Session


@dataclass(frozen=True, slots=True)
class Identify:
    """An IDENTIFY that came."""

    at_monotonic: float
    shard: tuple[int, int]
    is_too_fast: bool  # for its bucket


@dataclass(slots=True)
class SessionStarts:
    """Counts the session starts left: https://discord.com/developers/docs/events/gateway#session-start-limit-object

    A bucket of shards, of which there are `max_concurrency`, may send one IDENTIFY in `interval_seconds`; on Discord 5.
    With 0 nothing is too fast.
    """

    left: int = 1000
    reset_seconds: float = 86_400.0
    max_concurrency: int = 1
    interval_seconds: float = 0.0
    log: list[Identify] = field(default_factory=list)

    def note(self, shard: tuple[int, int]) -> bool:
        """Note an IDENTIFY; return False where one of its bucket came so shortly before that this one is refused."""
        now, bucket = time.monotonic(), shard[0] % self.max_concurrency
        newest = max((i.at_monotonic for i in self.log if i.shard[0] % self.max_concurrency == bucket), default=None)
        is_too_fast = newest is not None and now - newest < self.interval_seconds
        self.log.append(Identify(now, shard, is_too_fast))
        return not is_too_fast

    @property
    def violations(self) -> int:
        """How many were too fast."""
        return sum(identify.is_too_fast for identify in self.log)

    def take(self) -> bool:
        """Use up a session start; return False where none was left."""
        self.left -= 1
        return self.left >= 0

    def told(self) -> dict[str, Any]:
        """Return what came, for a benchmark in another process."""
        log = [{"shard": i.shard, "at_seconds": i.at_monotonic, "is_too_fast": i.is_too_fast} for i in self.log]
        return {"identifies": log, "violations": self.violations}

    def payload(self) -> dict[str, int]:
        """Return the limit as /gateway/bot sends it."""
        return {
            "total": 1000,
            "remaining": max(0, self.left),
            "reset_after": int(self.reset_seconds * 1000),
            "max_concurrency": self.max_concurrency,
        }


def shard_of(data: Any) -> tuple[int, int]:
    """Return which shard of how many an IDENTIFY requests; (0, 0), which cannot be, where that is nonsense."""
    match data.get("shard") if isinstance(data, dict) else 0:
        case None:
            return 0, 1
        case [int(shard_id), int(shards)]:
            return shard_id, shards
    return 0, 0


def refusal(world: World, data: Any, *, minimum_shards: int) -> tuple[int, str] | None:
    """Return the close code and reason that an IDENTIFY deserves, None where it is accepted."""
    if not isinstance(data, dict) or data.get("token") != world.token:
        return 4004, "Authentication failed."
    intents, (shard_id, shards) = data.get("intents"), shard_of(data)
    if not 0 <= shard_id < shards:
        return 4010, "Invalid shard."
    if shards < minimum_shards:
        return 4011, "Sharding required."
    if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
        return 4013, "Invalid intent(s)."
    if not granted(intents, world.application_flags):
        return 4014, "Disallowed intent(s)."
    return None


def ready_payload(world: World, session: Session, guilds: Iterable[Guild], resume_url: str) -> dict[str, Any]:
    """READY: who the bot is, and its guilds, all of them unavailable until their GUILD_CREATE."""
    return {
        "v": 10,
        "user": ready_user(world),
        "guilds": [unavailable_guild(guild) for guild in guilds],
        "private_channels": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": resume_url,
        "shard": list(session.shard),
        "application": {"id": str(world.application_id), "flags": world.application_flags},
    }
