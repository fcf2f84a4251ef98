"""Which communities the bot is in, as the platform says at a new connection, and of which it says nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from adapters.events import LiveEvent, PlatformEvent, TenantsReady, everything
from adapters.records import TenantRecord

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The communities that the bot is in; where its connection is a part of several, those that this part is told of.

    ``parts`` say of a community's platform id whether they would have been told of it.
    """

    tenants: Sequence[TenantRecord]
    parts: Sequence[Callable[[str], bool]]

    def covers(self, platform_id: str) -> bool:
        """Whether a community would be among ``tenants`` if the bot were in it."""
        return any(covers(platform_id) for covers in self.parts)


@asynccontextmanager
async def connected(adapter: PlatformAdapter, seconds: float) -> AsyncIterator[Membership]:
    """Yield the communities that the bot is in; connect for that where the platform tells them in no other way.

    Raises:
        CredentialRefused: the platform will not have this bot.
        TimeoutError: it cannot be reached.
    """
    if (listed := await adapter.communities()) is not None:
        yield Membership(tenants=listed, parts=[everything])
        return
    found: dict[str, TenantRecord] = {}
    parts: list[Callable[[str], bool]] = []
    deadline = asyncio.timeout(seconds)

    async def listen(event: PlatformEvent) -> None:
        if isinstance(event, TenantsReady):
            found.update((tenant.platform_id, tenant) for tenant in event.tenants)
            parts.append(event.covers)
            deadline.reschedule(asyncio.get_running_loop().time() + seconds)  # the next part may take as long

    running = asyncio.create_task(adapter.run(listen, _ignore), name="check connection")
    try:
        async with deadline:
            while not _is_ready(adapter) and not running.done():
                await asyncio.wait({running}, timeout=_LOOK_SECONDS)
        if running.done():
            running.result()
        yield Membership(tenants=tuple(found.values()), parts=parts)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _is_ready(adapter: PlatformAdapter) -> bool:
    """Return whether the platform can be used; where processes divide its parts, hold them all for this look."""
    if adapter.shares_parts:
        if adapter.division is None:
            return False
        if adapter.held != frozenset(adapter.division.parts):
            adapter.hold(frozenset(adapter.division.parts))
    return adapter.unready_reason is None


def _ignore(_: LiveEvent) -> None: ...
