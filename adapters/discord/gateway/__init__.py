"""The gateway connection: the events of guilds, channels and messages."""

from adapters.discord.gateway.client import (
    GatewayClient,
)
from adapters.discord.gateway.dispatcher import (
    ignore,
)

__all__ = [
    "GatewayClient",
    "ignore",
]
