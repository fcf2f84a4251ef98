"""Changes of a live connection, applied to one channel and to the reactions of one message."""

from datetime import datetime
from typing import Any

from adapters.records import ReactionTotalRecord
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease
from storage.live import apply_changes
from storage.messages import MessageBatch, save_batch
from storage.reactions import PendingTotal, pending_totals
from storage.tables import attachments, channels, messages, reaction_totals, reactions, refetch_ranges, sync_progress
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, change, message
from tests.support.repair_steps import Way
from tests.support.tables_of import Rows, rows_of
from tests.support.user_lists import save_list

LATER = NOW + MINUTE
MUCH_LATER = NOW + HOUR
GONE: dict[str, Any] = {"is_given": False}

OF_ARCHIVE = (messages, attachments, reaction_totals, reactions, sync_progress, refetch_ranges, channels)


class LiveChannel(Way):
    """The channel ``5``, changed by a live connection."""

    async def apply(self, message_id: int, *, now: datetime = LATER, **what: Any) -> None:
        await apply_changes(self.db, [change(self.tenant.id, "5", str(message_id), **what)], now)

    async def rows(self) -> list[Rows]:
        return [await rows_of(self.db, table) for table in OF_ARCHIVE]


class Board:
    """The reactions to one message."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def save_page(self, *totals: ReactionTotalRecord, now: datetime = NOW) -> None:
        """Store the message with its totals, as a page brings it."""
        records = [message(7, reaction_totals=totals)]
        batch = MessageBatch(tenant_id=self.tenant.id, channel_id=self.channel.id, messages=records, job=self.lease)
        await save_batch(self.db, batch, now)

    async def apply(self, *states: Any, now: datetime = LATER, **what: Any) -> None:
        await apply_changes(self.db, [change(self.tenant.id, "5", "7", reactions=states, **what)], now)

    async def fetch(self, normal: str = "", burst: str = "", now: datetime = LATER) -> None:
        """Fetch the users of what is pending; each is a letter."""
        for pending in await self.pending():
            await self.save(pending, burst if pending.burst else normal, now=now)

    async def save(self, pending: PendingTotal, users: str, *, now: datetime = LATER) -> None:
        await save_list(self.db, pending, user_hashes=list(users), job=self.lease, now=now)

    async def pending(self) -> list[PendingTotal]:
        return await pending_totals(self.db, self.channel.id, None, 100)

    async def rows(self) -> list[Rows]:
        return [await rows_of(self.db, table) for table in (reaction_totals, reactions)]

    async def totals(self) -> list[tuple[Any, ...]]:
        names = ("emoji_key", "burst", "count", "fetched_count", "uncounted_events")
        return [tuple(row[name] for name in names) for row in await rows_of(self.db, reaction_totals)]

    async def users(self, *, burst: bool = False) -> str:
        return "".join(row["user_hash"] for row in await rows_of(self.db, reactions) if row["burst"] is burst)
