"""People who are erased or have opted out: nothing about them is stored again, whatever the platform sends.

What a message says of them is judged by the time when it was sent, and the one when it was last edited. Reactions and
threads have no time at which somebody gave or named them: nothing of a person is stored there if the message, or the
thread, is from before the end of their absence.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import AttachmentRecord, ChannelRecord, MessageRecord, Metadata
from storage.privacy.absences import Absences, rules_for
from storage.sql import dump_json

FORGOTTEN = "forgotten"
"""What stands in the place of an absent person's hash, and the mark in the metadata of what is left of a message."""

OPTED_OUT = "opted_out"
"""The second mark of a message that is withheld because its author had opted out."""

_RUNS = re.compile("[0-9a-f]{64,}")  # an id in the middle of a word leaves its hash in the middle of one

_IsAbsent: TypeAlias = Callable[[str], bool]


def mark_of(*, is_opt_out: bool) -> dict[str, Any]:
    """Return the metadata of a message that is emptied, by the reason."""
    return {FORGOTTEN: True, OPTED_OUT: True} if is_opt_out else {FORGOTTEN: True}


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes absent people out of records. False where nobody is or was absent."""

    absences: Absences = field(default_factory=dict)
    content_before: datetime | None = None  # nothing that was said before is stored, whoever said it

    def __bool__(self) -> bool:
        return bool(self.absences)

    def is_absent_at(self, user_hash: str | None, *times: datetime | None) -> bool:
        """Find out whether nothing of what a person did at one of these times is stored."""
        return any(absence.covers(*times) for absence in self.absences.get(user_hash or "", ()))

    def is_absent_before(self, user_hash: str | None, time: datetime | None) -> bool:
        """Find out whether a person is absent now, or was after a time; None: an unknown time."""
        return any(not absence.is_ended_at(time) for absence in self.absences.get(user_hash or "", ()))

    def was_absent(self, user_hash: str | None) -> bool:
        """Find out whether a person is or was absent at any time."""
        return user_hash in self.absences

    def message(self, record: MessageRecord) -> MessageRecord:
        """Empty an absent person's message; take their names out of another's."""
        times = record.sent_at, record.edited_at
        reasons = [a for a in self.absences.get(record.author_hash or "", ()) if a.covers(*times)]
        if reasons:
            return _tombstone(record, is_opt_out=all(reason.is_opt_out for reason in reasons))

        def is_absent(user_hash: str) -> bool:
            return self.is_absent_at(user_hash, *times)

        if record.reply_to_author_hash is not None and is_absent(record.reply_to_author_hash):
            record = replace(record, reply_to_author_hash=None)
        if not self._is_named_in([record.content, record.metadata, record.attachments], is_absent):
            return record
        return replace(
            record,
            content=self._text(record.content, is_absent),
            metadata=self._metadata(record.metadata, is_absent),
            attachments=tuple(self._attachment(file, is_absent) for file in record.attachments),
        )

    def channel(self, record: ChannelRecord) -> ChannelRecord:
        """Take the names of absent people out of a channel."""

        def is_absent(user_hash: str) -> bool:
            return self.is_absent_before(user_hash, record.created_at)

        if not self._is_named_in([record.name, record.metadata], is_absent):
            return record
        name = None if record.name is None else self._text(record.name, is_absent)
        return replace(record, name=name, metadata=self._metadata(record.metadata, is_absent))

    def _attachment(self, record: AttachmentRecord, is_absent: _IsAbsent) -> AttachmentRecord:
        return replace(
            record,
            filename=self._text(record.filename, is_absent),
            url=self._text(record.url, is_absent),
            metadata=self._metadata(record.metadata, is_absent),
        )

    def _is_named_in(self, value: object, is_absent: _IsAbsent) -> bool:
        text = dump_json(value)
        return self._text(text, is_absent) != text

    def _metadata(self, metadata: Metadata, is_absent: _IsAbsent) -> Metadata:
        replaced: Mapping[str, Any] = orjson.loads(self._text(dump_json(metadata), is_absent))
        return replaced

    def _text(self, text: str, is_absent: _IsAbsent) -> str:
        def without_hashes(run: re.Match[str]) -> str:
            kept = run[0]
            windows = {kept[start : start + 64] for start in range(len(kept) - 63)}
            for known in sorted(filter(is_absent, windows & self.absences.keys())):
                kept = kept.replace(known, FORGOTTEN)
            return kept

        return _RUNS.sub(without_hashes, text)


def _tombstone(record: MessageRecord, *, is_opt_out: bool) -> MessageRecord:
    """Leave where and when something was written, and what it answered, so that replies can be walked."""
    return replace(
        record,
        author_hash=None,
        content="",
        edited_at=None,
        reply_to_author_hash=None,
        metadata=mark_of(is_opt_out=is_opt_out),
        attachments=(),
        copies=(),
    )


async def redactor_for(connection: AsyncConnection, tenant_id: str) -> Redactor:
    """Read who is absent from a tenant. Read before anything is stored, it stays true until the transaction ends."""
    return (await redactors_for(connection, [tenant_id]))[tenant_id]


async def redactors_for(connection: AsyncConnection, tenant_ids: Collection[str]) -> dict[str, Redactor]:
    """Read who is absent from each of several tenants, and up to when nothing that was said there is stored."""
    found = await rules_for(connection, tenant_ids)
    return {tenant_id: Redactor(rules.absences, rules.content_before) for tenant_id, rules in found.items()}
