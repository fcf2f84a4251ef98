"""The HTTP API: shows how the archive stands and takes requests for syncs. It enqueues; it never syncs."""

from bot.api.server import (
    AddressInUse,
    Api,
    serve,
)

__all__ = [
    "AddressInUse",
    "Api",
    "serve",
]
