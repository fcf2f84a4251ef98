"""Log at debug level what became of each live event, by the ids of its channel and message alone.

Nothing is looked up and no text is made unless that level is on.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.changes import ChannelKey, MessageChange
from storage.live.unwritten import kinds_of
from storage.sql import Id, dump_json, json_objects
from storage.tables import channels, tenants
from storage.unwritten import EventKind

log = logging.getLogger(__name__)

_UNKNOWN = "its channel is not known yet"
_SAYS_LITTLE = "it does not say how the message changed, which will be read"

_Key: TypeAlias = tuple[int, str]
_Changes: TypeAlias = Mapping[_Key, MessageChange]

_ref = json_objects("refs", tenant_id=Id(), platform_id=Id())
_is_channel = and_(channels.c.tenant_id == _ref.c.tenant_id, channels.c.platform_id == _ref.c.platform_id)
_PLACES = select(
    _ref.c.tenant_id, _ref.c.platform_id, tenants.c.stopped_at, channels.c.id, channels.c.skip_reason
).select_from(_ref.outerjoin(tenants, tenants.c.id == _ref.c.tenant_id).outerjoin(channels, _is_channel))


@dataclass(slots=True)
class Trace:
    """What became of the changes of one transaction."""

    _changes: Sequence[MessageChange]
    _is_on: bool
    _stored: dict[_Key, MessageChange] = field(default_factory=dict)
    _ignored: list[tuple[MessageChange, Iterable[EventKind], str]] = field(default_factory=list)

    async def note(self, connection: AsyncConnection, archived: _Changes, stored: _Changes) -> None:
        """Note what becomes of each change: those in archived channels, and those of them that have a row now."""
        if not self._is_on:
            return
        self._stored = dict(stored)
        in_archived = set(map(id, archived.values()))
        others = [change for change in self._changes if id(change) not in in_archived]
        places = await _why_not_archived(connection, others)
        for change in others:
            self._ignore(change, places.get((change.tenant_id, change.channel_platform_id), _UNKNOWN))
        for key, change in archived.items():
            if key not in stored:
                self._ignore(change, _why_not_stored(change))
            elif change.edited is not None and stored[key].edited is None:
                self._ignored.append((change, [EventKind.EDITED], "its edit is older than what is stored"))
            if change.is_invalidated and key in stored:
                self._stored[key] = replace(stored[key], is_invalidated=False)
                self._ignored.append((change, [EventKind.INVALIDATED], _SAYS_LITTLE))

    def refused(self, edits: Iterable[_Key]) -> None:
        """Note edits that cannot be stored."""
        for key in edits if self._is_on else ():
            change = self._stored[key]
            self._stored[key] = replace(change, edited=None)
            self._ignored.append((change, [EventKind.EDITED], "it cannot be stored, and its message will be read"))

    def _ignore(self, change: MessageChange, why: str) -> None:
        self._ignored.append((change, kinds_of(change), why))

    def write(self) -> None:
        """Log what was noted."""
        for change in self._stored.values():
            if kinds := list(kinds_of(change)):
                log.debug("live event stored", extra=_facts(change, kinds))
        for change, some, why in self._ignored:
            log.debug("live event ignored", extra={**_facts(change, some), "because": why})


@asynccontextmanager
async def traced(changes: Sequence[MessageChange]) -> AsyncIterator[Trace]:
    """Log what became of changes once the block, and with it the transaction inside, has ended well."""
    trace = Trace(changes, log.isEnabledFor(logging.DEBUG))
    yield trace
    trace.write()


def _facts(change: MessageChange, kinds: Iterable[EventKind]) -> dict[str, object]:
    ids = {"channel": change.channel_platform_id, "message_id": change.message_platform_id}
    return {**ids, "kinds": list(map(str, kinds))}


def _why_not_stored(change: MessageChange) -> str:
    if change.created is None:
        return "no message is stored that it could change"
    if change.is_deleted:
        return "the message was deleted before it was stored"
    return "its channel is being hidden, or the message was set aside"


async def _why_not_archived(connection: AsyncConnection, changes: Sequence[MessageChange]) -> dict[ChannelKey, str]:
    refs = {(change.tenant_id, change.channel_platform_id) for change in changes}
    if not refs:
        return {}
    given = dump_json([{"tenant_id": tenant, "platform_id": channel} for tenant, channel in refs])
    rows = await connection.execute(_PLACES, {"refs": given})
    return {
        (tenant, channel): _words(stopped_at, row_id, reason) for tenant, channel, stopped_at, row_id, reason in rows
    }


def _words(stopped_at: object, channel_id: int | None, skip_reason: str | None) -> str:
    if stopped_at is not None:
        return "the tenant is stopped"
    if channel_id is None:
        return _UNKNOWN
    return f"its channel is not archived: {skip_reason}"
