"""The start of a session: whether an IDENTIFY is accepted, and the READY that answers it.

https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from adapters.discord.simulator.model import Guild, World
from adapters.discord.simulator.payloads import ready_user, unavailable_guild
from adapters.discord.simulator.privilege import KNOWN_INTENTS, granted
from adapters.discord.simulator.session import Session


@dataclass(slots=True)
class SessionStarts:
    """Counts the session starts left: https://discord.com/developers/docs/events/gateway#session-start-limit-object"""

    left: int = 1000
    reset_seconds: float = 86_400.0
    max_concurrency: int = 1

    def take(self) -> bool:
        """Use up a session start; return False where none was left."""
        self.left -= 1
        return self.left >= 0

    def payload(self) -> dict[str, int]:
        """Return the limit as /gateway/bot sends it."""
        return {
            "total": 1000,
            "remaining": max(0, self.left),
            "reset_after": int(self.reset_seconds * 1000),
            "max_concurrency": self.max_concurrency,
        }


def shard_of(data: dict[str, Any]) -> tuple[int, int]:
    """Return which shard of how many an IDENTIFY requests; (0, 0), which cannot be, where that is nonsense."""
    match data.get("shard"):
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
