"""A mirror of a tenant's messages that is kept by the feed of changes alone, and the archive as it should mirror it."""

from dataclasses import asdict
from typing import Any, TypeAlias

from storage.changes import Change, ChangePlace, changes_after, number_changes
from storage.database import Database
from storage.reading import SHOWN_MESSAGES, ShownMessage, load_hanging
from storage.sql import all_rows
from storage.tables import messages
from tests.support.builders import NOW

Mirror: TypeAlias = dict[tuple[int, str], dict[str, Any]]


class ChangeFollower:
    """Reads the feed page by page, from the beginning on."""

    def __init__(self, db: Database, tenant_id: str, limit: int = 3) -> None:
        self.db, self.tenant_id, self.limit = db, tenant_id, limit
        self.place = ChangePlace(position=0)
        self.mirror: Mirror = {}

    async def follow(self) -> list[tuple[str, str]]:
        """Read all that there is. Returns the kinds of changes, and of which messages they were."""
        while await number_changes(self.db, NOW, step=5):
            pass
        told: list[Change] = []
        has_more = True
        while has_more:
            page = await changes_after(self.db, self.tenant_id, self.place, self.limit)
            assert len(page.changes) <= self.limit
            assert page.has_more or page.next == page.bound
            told += page.changes
            self.place, has_more = page.next, page.has_more
        self.mirror |= {(c.message.channel_id, c.message.platform_id): shown(c.message) for c in told}
        return [(change.kind, change.message.platform_id) for change in told]


def shown(message: ShownMessage) -> dict[str, Any]:
    """A message as a mirror keeps it: without the signatures of links, which are no part of it."""
    files = [asdict(file) | {"url": file.url.partition("?")[0], "url_expires_at": None} for file in message.attachments]
    return asdict(message) | {"attachments": files}


async def archived(db: Database, tenant_id: str) -> Mirror:
    """Read what the archive holds."""
    async with db.reading() as connection:
        rows = await all_rows(connection, SHOWN_MESSAGES.where(messages.c.tenant_id == tenant_id))
        found = await load_hanging(connection, rows)
    return {(message.channel_id, message.platform_id): shown(message) for message in found}
