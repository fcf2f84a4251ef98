"""Links to archived files that work: an expired one is renewed by reading its message once, and stored."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from adapters.base import PlatformAdapter, PlatformSession
from adapters.errors import RateLimited
from adapters.ids import number
from adapters.pages import MessagePage
from bot.persistence import persist_wait
from storage import messages
from storage.database import Database
from storage.messages import FileLink
from storage.tenants import Tenant

log = logging.getLogger(__name__)

_SPARE = timedelta(minutes=1)
"""How long a link has to work still, so that whoever is sent to it arrives in time."""


class FileUnavailable(Exception):
    """The platform does not serve this file any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLinks:
    """Finds links, and renews them one request at a time in each channel.

    The request is for the page that begins with the message, which costs what the message alone would: the files of
    the messages behind it are renewed with it.
    """

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]
    turns: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def link(self, tenant: Tenant, file_id: str) -> FileLink | None:
        """Return a file's link that works for a minute at least; None where no such file is archived.

        Raises:
            FileUnavailable: its link has expired and cannot be renewed; the message says why.
            PlatformError: the platform cannot be asked, or refused.
            StorageError: the database cannot be used.
        """
        found = await messages.find_link(self.db, tenant.id, file_id)
        if found is None or self._works(found):
            return found
        async with self.turns.setdefault(found.channel_id, asyncio.Lock()):
            # Whoever had the turn before may have renewed this one, too.
            found = await messages.find_link(self.db, tenant.id, file_id)
            if found is None or self._works(found):
                return found
            await self._renew(tenant, found)
            found = await messages.find_link(self.db, tenant.id, file_id)
        if found is not None and not self._works(found):
            raise FileUnavailable("the platform gives no link to it that works")
        return found

    def _works(self, link: FileLink) -> bool:
        return link.url_expires_at is None or link.url_expires_at > self.clock() + _SPARE

    async def _renew(self, tenant: Tenant, link: FileLink) -> None:
        if link.deleted_at is not None:
            raise FileUnavailable("its message was deleted, and its link had expired")
        if link.skip_reason is not None:
            raise FileUnavailable(f"its channel is not read any more ({link.skip_reason}), and its link had expired")
        self._require_no_wait(tenant)
        requested_at = self.clock()
        page = await self.adapters[tenant.platform].sync(
            tenant.platform_id, partial(_read, link=link), partial(self._hold_back, tenant)
        )
        if all(record.platform_id != link.message_platform_id for record in page.messages):
            raise FileUnavailable("the platform shows its message no more")
        await messages.renew_links(self.db, tenant.id, link.channel_id, page.messages, requested_at)
        log.info("links of files were renewed", extra={"tenant": tenant.id, "messages": len(page.messages)})

    def _require_no_wait(self, tenant: Tenant) -> None:
        now = self.clock()
        if tenant.not_before is not None and tenant.not_before > now:
            raise RateLimited(retry_after_seconds=(tenant.not_before - now).total_seconds(), scope="user")

    async def _hold_back(self, tenant: Tenant, limit: RateLimited) -> None:
        await persist_wait(self.db, tenant, limit, self.clock())


async def _read(session: PlatformSession, *, link: FileLink) -> MessagePage:
    before = str(number(link.message_platform_id) - 1)
    return await session.messages(link.channel_platform_id, before, parent_id=link.parent_platform_id)
