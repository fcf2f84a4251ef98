"""The gateway connection: the events of guilds, channels and messages."""

from adapters.discord.gateway.client import (
    GatewayClient,
)
from adapters.discord.gateway.dispatcher import (
    ignore,
)
from adapters.discord.gateway.events import (
    MESSAGE_EVENTS,
    channel_ref,
    ids_only,
    is_whole,
    live_event,
)
from adapters.discord.gateway.guild_state import (
    GuildState,
)
from adapters.discord.gateway.liveness import (
    KeepAlive,
)

__all__ = [
    "MESSAGE_EVENTS",
    "GatewayClient",
    "GuildState",
    "KeepAlive",
    "channel_ref",
    "ids_only",
    "ignore",
    "is_whole",
    "live_event",
]
