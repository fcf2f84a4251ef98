"""What becomes of a stored row of a message, an attachment or a total when it comes again."""

from collections.abc import Iterable

from sqlalchemy import case, false, func, null

from storage.sql import Insert, update_changed
from storage.tables import messages, reaction_totals


def update_message(statement: Insert, columns: Iterable[str]) -> Insert:
    """Keep a replied-to author who is known: platforms stop naming them once the original is deleted."""
    author = func.coalesce(statement.excluded.reply_to_author_hash, messages.c.reply_to_author_hash)
    return update_changed(statement, ("channel_id", "platform_id"), columns, revised={"reply_to_author_hash": author})


def update_attachment(statement: Insert, columns: Iterable[str]) -> Insert:
    """Take the new values."""
    return update_changed(statement, ("channel_id", "message_platform_id", "platform_id"), columns)


def update_total(statement: Insert, columns: Iterable[str]) -> Insert:
    """Trust the count of a total that was stale, and have its users fetched."""
    total = reaction_totals.c
    markers = (total.fetched_count, total.fetched_burst_count)
    return update_changed(
        statement,
        ("channel_id", "message_platform_id", "emoji_key"),
        columns,
        revised={"is_stale": false()},
        along={marker.name: case((total.is_stale, null()), else_=marker) for marker in markers},
    )
