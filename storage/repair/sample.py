"""A sample of a tenant's newest messages, and which of them the platform shows otherwise than they are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam, false, func, select
from sqlalchemy.types import Integer

from adapters.ids import number
from adapters.records import MessageRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages import StoredMessage, prepare, stored_messages
from storage.sql import CHANNEL_ID, LIMIT, TENANT_ID, Id, all_rows, one_row
from storage.tables import channels, messages, sync_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The newest messages of the channel of a tenant that has the newest one of all."""

    channel_id: int  # channels.id
    message_ids: tuple[str, ...]  # ascending; up to the checkpoint, without those that are deleted

    @property
    def after(self) -> str:
        """The cursor of the page that begins with the sample."""
        return str(number(self.message_ids[0]) - 1)


class Difference(StrEnum):
    """How a message is otherwise than stored, where each such change has an event."""

    MISSING = "missing"
    EDIT = "edits"
    DELETION = "deletions"
    REACTION = "reactions"


_checkpoint = sync_progress.c.last_message_platform_id
_NEWEST_CHANNEL = (
    select(channels.c.id, _checkpoint.label("checkpoint_id"))
    .select_from(channels.join(sync_progress, sync_progress.c.channel_id == channels.c.id))
    .where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_(None), _checkpoint.is_not(None))
    .where(func.coalesce(sync_progress.c.is_read_to_end, false()))
    .where(sync_progress.c.set_aside.is_(None))  # else it would stay otherwise for ever
    .order_by(func.length(_checkpoint, type_=Integer).desc(), _checkpoint.desc())
    .limit(1)
)
_UNTIL = bindparam("until", type_=Id)
# Ids of another length than the checkpoint's are left out, so that the index gives the order.
_NEWEST_MESSAGES = (
    select(messages.c.platform_id)
    .where(messages.c.channel_id == CHANNEL_ID, messages.c.platform_id <= _UNTIL, messages.c.deleted_at.is_(None))
    .where(func.length(messages.c.platform_id, type_=Integer) == func.length(_UNTIL, type_=Integer))
    .order_by(messages.c.platform_id.desc())
    .limit(LIMIT)
)


@finish_before_cancel
async def newest_sample(db: Database, tenant_id: str, size: int) -> Sample | None:
    """Choose the newest messages of the channel with the newest one, at most ``size``; None where there are none."""
    async with db.reading() as connection:
        channel = await one_row(connection, _NEWEST_CHANNEL, {"tenant": tenant_id})
        if channel is None:
            return None
        values = {"channel": channel["id"], "until": channel["checkpoint_id"], "limit": size}
        rows = await all_rows(connection, _NEWEST_MESSAGES, values)
    if not rows:
        return None
    return Sample(
        channel_id=channel["id"],
        message_ids=tuple(row["platform_id"] for row in reversed(rows)),
    )


@finish_before_cancel
async def differences(
    db: Database,
    tenant_id: str,
    sample: Sample,
    shown: Sequence[MessageRecord],
    until: str,
    *,
    visible_since: datetime | None = None,
) -> set[tuple[Difference, str]]:
    """Compare a sample, up to a message, with what the platform shows of its channel.

    Only what an event says of a message is compared: that it is there, its last edit, its reactions. What was sent
    before ``visible_since`` may be hidden.

    Returns:
        The kinds of difference, each with the message's id.
    """
    async with db.reading() as connection:
        prepared = await prepare(connection, {(tenant_id, sample.channel_id): shown})
        to_compare = {record.platform_id: record for _, record in prepared.rows()}
        wanted = {*sample.message_ids, *to_compare}
        stored = await stored_messages(connection, sample.channel_id, wanted)
    left_out = {*sample.message_ids} - {record.platform_id for record in shown}
    found = {
        (Difference.DELETION, i)
        for i in left_out
        if i in stored and not stored[i].is_deleted
        if visible_since is None or stored[i].record.sent_at >= visible_since
    }
    for message_id, new in to_compare.items():
        old = stored.get(message_id)
        if old is None:
            found.add((Difference.MISSING, message_id))
        elif not old.is_deleted:
            found |= {(difference, message_id) for difference in _differences(old, new)}
    return {(difference, i) for difference, i in found if number(sample.after) < number(i) <= number(until)}


def _differences(old: StoredMessage, new: MessageRecord) -> set[Difference]:
    found = set[Difference]()
    edited_at = old.record.edited_at
    if new.edited_at is not None and (edited_at is None or new.edited_at > edited_at):
        found.add(Difference.EDIT)
    if _totals(new) != _totals(old.record):
        found.add(Difference.REACTION)
    return found


def _totals(message: MessageRecord) -> set[tuple[str, bool, int]]:
    return {(total.emoji_key, total.burst, total.count) for total in message.reaction_totals}
