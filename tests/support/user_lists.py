"""Storing the users behind one total."""

from collections.abc import Collection
from datetime import datetime

from storage.database import Database
from storage.errors import ChannelSkipped
from storage.jobs import JobLease
from storage.reactions import PendingTotal, UserList, save_users


async def save_list(
    db: Database, total: PendingTotal, *, user_hashes: Collection[str], job: JobLease, now: datetime
) -> bool:
    """Store the users of a total; return whether it was still as it was read.

    Raises:
        ChannelSkipped: the channel is not archived.
    """
    unsaved = await save_users(db, [UserList(total, frozenset(user_hashes))], job=job, now=now)
    if unsaved.skipped:
        raise ChannelSkipped
    return not unsaved.changed
