"""The tables, each with the meaning of its columns."""

from storage.tables.archive import IS_PENDING, attachments, channels, messages, reaction_totals, reactions, tenants
from storage.tables.changes import change_feeds, change_queue, message_changes
from storage.tables.common import metadata
from storage.tables.processes import processes, turns
from storage.tables.retention import content_retention
from storage.tables.search import MESSAGE_SEARCH, SEARCH_QUEUE, search_index
from storage.tables.settings import IS_OPTED_OUT, archive_settings, erased_users, message_copies, opt_outs
from storage.tables.sync import (
    IS_OPEN,
    IS_UNFINISHED,
    channel_audits,
    live_state,
    refetch_ranges,
    sync_gaps,
    sync_jobs,
    sync_progress,
    unfinished,
)
from storage.tables.unwritten import IS_UNRESOLVED, unwritten_events

__all__ = [
    "IS_OPEN",
    "IS_OPTED_OUT",
    "IS_PENDING",
    "IS_UNFINISHED",
    "IS_UNRESOLVED",
    "MESSAGE_SEARCH",
    "SEARCH_QUEUE",
    "archive_settings",
    "attachments",
    "change_feeds",
    "change_queue",
    "channel_audits",
    "channels",
    "content_retention",
    "erased_users",
    "live_state",
    "message_changes",
    "message_copies",
    "messages",
    "metadata",
    "opt_outs",
    "processes",
    "reaction_totals",
    "reactions",
    "refetch_ranges",
    "search_index",
    "sync_gaps",
    "sync_jobs",
    "sync_progress",
    "tenants",
    "turns",
    "unfinished",
    "unwritten_events",
]
