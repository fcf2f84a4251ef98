"""The gateway connection: the events of guilds, channels and messages."""

from adapters.discord.gateway.client import (
    GatewayClient,
)
from adapters.discord.gateway.dispatcher import (
    ignore,
)
from adapters.discord.gateway.sharding import (
    division_of,
    part_name,
)

__all__ = [
    "GatewayClient",
    "division_of",
    "ignore",
    "part_name",
]
