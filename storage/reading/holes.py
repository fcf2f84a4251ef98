"""Where a channel's archive is known to be incomplete, or not up to date, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping, select

from storage.channels import set_aside_ids
from storage.connection import Readable, finish_before_cancel
from storage.reading.model import ShownChannel
from storage.sql import CHANNEL_ID, TENANT_ID, all_rows, one_row
from storage.tables import refetch_ranges, sync_gaps, sync_progress

_MOST = 200  # of each kind


class HoleKind(StrEnum):
    """What is missing."""

    UNREAD = "unread"  # messages behind a place were not read yet
    SKIPPED = "skipped"  # the channel is not read any more
    SET_ASIDE = "set_aside"  # a message that the database cannot hold
    GAP = "gap"  # changes of this time may be missing: no events came in
    TO_READ_AGAIN = "to_read_again"  # what is stored of these messages may be out of date


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Something that is missing of a channel; ids are the platform's, of messages, and need not be stored."""

    kind: HoleKind
    reason: str | None = None  # of a gap, a skipped channel or an error, as a code
    after_id: str | None = None  # exclusive
    until_id: str | None = None  # inclusive
    since: datetime | None = None
    until: datetime | None = None


_PROGRESS = select(
    sync_progress.c.last_message_platform_id,
    sync_progress.c.last_message_at,
    sync_progress.c.state,
    sync_progress.c.is_read_to_end,
    sync_progress.c.last_error,
    sync_progress.c.set_aside,
).where(sync_progress.c.channel_id == CHANNEL_ID)
_GAPS = (
    select(sync_gaps.c.reason, sync_gaps.c.began_at, sync_gaps.c.ended_at)
    .where(sync_gaps.c.tenant_id == TENANT_ID, sync_gaps.c.repaired_at.is_(None))
    .order_by(sync_gaps.c.began_at)
    .limit(_MOST)
)
_RANGES = (
    select(refetch_ranges.c.kind, refetch_ranges.c.after_platform_id, refetch_ranges.c.until_platform_id)
    .where(refetch_ranges.c.channel_id == CHANNEL_ID, refetch_ranges.c.kind != "audit")
    .order_by(refetch_ranges.c.id)
    .limit(_MOST)
)


@finish_before_cancel
async def holes_of(db: Readable, channel: ShownChannel) -> list[Hole]:
    """List what is missing of a channel, or may be: of messages, or of what was changed of them.

    An audit under way is none: it only compares.
    """
    async with db.asking() as connection:
        progress = await one_row(connection, _PROGRESS, {"channel": channel.id})
        gaps = await all_rows(connection, _GAPS, {"tenant": channel.tenant_id})
        ranges = await all_rows(connection, _RANGES, {"channel": channel.id})
    return [*_of_progress(channel, progress), *map(_gap, gaps), *map(_range, ranges)]


def _of_progress(channel: ShownChannel, progress: RowMapping | None) -> Iterator[Hole]:
    place = {
        "after_id": progress["last_message_platform_id"] if progress else None,
        "since": progress["last_message_at"] if progress else None,
    }
    if channel.skip_reason is not None:
        yield Hole(kind=HoleKind.SKIPPED, reason=channel.skip_reason, since=channel.skipped_since)
    elif channel.type in ("text", "thread") and not (progress and progress["is_read_to_end"]):
        error = progress["last_error"] if progress else None
        yield Hole(kind=HoleKind.UNREAD, reason=error.get("code") if error else None, **place)
    for message_id in set_aside_ids(progress["set_aside"]) if progress else ():
        yield Hole(kind=HoleKind.SET_ASIDE, after_id=message_id, until_id=message_id)


def _gap(row: RowMapping) -> Hole:
    return Hole(kind=HoleKind.GAP, reason=row["reason"], since=row["began_at"], until=row["ended_at"])


def _range(row: RowMapping) -> Hole:
    places = {"after_id": row["after_platform_id"], "until_id": row["until_platform_id"]}
    return Hole(kind=HoleKind.TO_READ_AGAIN, reason=row["kind"], **places)
