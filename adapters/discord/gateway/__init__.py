"""The gateway connection: what it says of guilds, channels and messages."""

from adapters.discord.gateway.client import (
    GatewayClient,
)
from adapters.discord.gateway.dispatcher import (
    ignore,
)
from adapters.discord.gateway.events import (
    MESSAGE_EVENTS,
    ids_only,
    is_whole,
    live_event,
    place_of,
)
from adapters.discord.gateway.guild_state import (
    GuildView,
)
from adapters.discord.gateway.liveness import (
    KeepAlive,
)

__all__ = [
    "MESSAGE_EVENTS",
    "GatewayClient",
    "GuildView",
    "KeepAlive",
    "ids_only",
    "ignore",
    "is_whole",
    "live_event",
    "place_of",
]
