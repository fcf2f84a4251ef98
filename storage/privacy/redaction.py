"""Erased people: nothing about them is stored again, whatever the platform sends. Nor is content that had its time.

An erasure request is recorded once for each tenant, or once for all. Every transaction that stores a platform's
records takes a lock (see ``barrier``) and then reads the requests, so that an erasure can wait for those that began
before its request was recorded.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, null, or_, select, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import AttachmentRecord, ChannelRecord, MessageRecord, Metadata
from storage.privacy.barrier import enter
from storage.sql import TENANT_ID, Id, UtcDateTime, dump_json
from storage.tables import channels, content_retention, erased_users

FORGOTTEN = "forgotten"
"""What stands in the place of an erased person's hash, and the mark in the metadata of what is left of a message."""

EVERY_TENANT = ""
"""The tenant id of an erasure request for all tenants."""

_HASH = re.compile("[0-9a-f]{64}")
_RUNS = re.compile("[0-9a-f]{64,}")  # an id in the middle of a word leaves its hash in the middle of one


def require_hash(user_hash: str) -> None:
    """Refuse what is no person's hash.

    Raises:
        ValueError: it is not 64 hexadecimal digits.
    """
    if not _HASH.fullmatch(user_hash):
        raise ValueError("a person is named by 64 hexadecimal digits")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes erased people out of records. False where there are none."""

    hashes: frozenset[str] = frozenset()
    content_before: datetime | None = None  # nothing that was said before is stored, whoever said it

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def is_erased(self, user_hash: str | None) -> bool:
        """Find out whether a person is erased."""
        return user_hash in self.hashes

    def message(self, record: MessageRecord) -> MessageRecord:
        """Empty an erased person's message; take their names out of another's."""
        if self.is_erased(record.author_hash):
            return _tombstone(record)
        if self.is_erased(record.reply_to_author_hash):
            record = replace(record, reply_to_author_hash=None)
        if not self._is_named_in([record.content, record.metadata, record.attachments]):
            return record
        return replace(
            record,
            content=self._text(record.content),
            metadata=self._metadata(record.metadata),
            attachments=tuple(map(self._attachment, record.attachments)),
        )

    def channel(self, record: ChannelRecord) -> ChannelRecord:
        """Take the names of erased people out of a channel."""
        if not self._is_named_in([record.name, record.metadata]):
            return record
        name = None if record.name is None else self._text(record.name)
        return replace(record, name=name, metadata=self._metadata(record.metadata))

    def _attachment(self, record: AttachmentRecord) -> AttachmentRecord:
        return replace(
            record,
            filename=self._text(record.filename),
            url=self._text(record.url),
            metadata=self._metadata(record.metadata),
        )

    def _is_named_in(self, value: object) -> bool:
        text = dump_json(value)
        return self._text(text) != text

    def _metadata(self, metadata: Metadata) -> Metadata:
        replaced: Mapping[str, Any] = orjson.loads(self._text(dump_json(metadata)))
        return replaced

    def _text(self, text: str) -> str:
        return _RUNS.sub(self._without_hashes, text)

    def _without_hashes(self, run: re.Match[str]) -> str:
        text = run[0]
        windows = {text[start : start + 64] for start in range(len(text) - 63)}
        for known in sorted(windows & self.hashes):
            text = text.replace(known, FORGOTTEN)
        return text


def _tombstone(record: MessageRecord) -> MessageRecord:
    """Leave where and when something was written, and what it answered, so that replies can be walked."""
    return replace(
        record,
        author_hash=None,
        content="",
        edited_at=None,
        reply_to_author_hash=None,
        metadata={FORGOTTEN: True},
        attachments=(),
        copies=(),
    )


def _erased_in(tenant_id: ColumnElement[str]) -> Select[Any]:
    requests = erased_users.c
    return select(requests.user_hash).where(or_(requests.tenant_id == EVERY_TENANT, requests.tenant_id == tenant_id))


_ERASED = _erased_in(TENANT_ID)
_tenants: BindParameter[str] = bindparam("tenants", expanding=True)
_RULES_OF_EACH = union_all(
    select(erased_users.c.tenant_id, erased_users.c.user_hash, type_coerce(null(), UtcDateTime)).where(
        erased_users.c.tenant_id.in_(_tenants)
    ),
    select(content_retention.c.tenant_id, type_coerce(null(), Id), content_retention.c.content_before).where(
        content_retention.c.tenant_id.in_(_tenants)
    ),
)


async def redactor_for(connection: AsyncConnection, tenant_id: str) -> Redactor:
    """Read who is erased in a tenant. Read before anything is stored, it stays true until the transaction ends."""
    await enter(connection)
    return Redactor(frozenset((await connection.execute(_ERASED, {"tenant": tenant_id})).scalars()))


async def redactors_for(connection: AsyncConnection, tenant_ids: Collection[str]) -> dict[str, Redactor]:
    """Read who is erased in each of several tenants, and up to when nothing that was said there is stored."""
    await enter(connection)
    known: dict[str, set[str]] = {EVERY_TENANT: set(), **{tenant_id: set() for tenant_id in tenant_ids}}
    content_before: dict[str, datetime] = {}
    for tenant_id, user_hash, before in await connection.execute(_RULES_OF_EACH, {"tenants": list(known)}):
        if user_hash is not None:
            known[tenant_id].add(user_hash)
        elif before is not None:
            content_before[tenant_id] = before
    everywhere = known[EVERY_TENANT]
    return {each: Redactor(frozenset(everywhere | known[each]), content_before.get(each)) for each in tenant_ids}


_ERASED_IN_CHANNELS = select(channels.c.id, erased_users.c.user_hash).where(
    channels.c.id.in_(bindparam("channels", expanding=True)),
    or_(erased_users.c.tenant_id == EVERY_TENANT, erased_users.c.tenant_id == channels.c.tenant_id),
)


async def erased_in_channels(connection: AsyncConnection, channel_ids: Collection[int]) -> set[tuple[int, str]]:
    """Find who is erased in which of some channels (``channels.id``)."""
    await enter(connection)
    rows = await connection.execute(_ERASED_IN_CHANNELS, {"channels": list(channel_ids)})
    return {(channel_id, user_hash) for channel_id, user_hash in rows}
