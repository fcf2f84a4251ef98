"""The users behind the reactions to messages, and how many messages' users are loaded at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.reading import ShownMessage, ShownReaction
from storage.sql import as_keys, joined_by_key, rows_in_slices
from storage.tables import reactions

_USERS_AT_ONCE = 20_000  # some MiB of pseudonyms

_KEY = ("channel_id", "message_platform_id")
_USERS = select(*(reactions.c[name] for name in (*_KEY, "emoji_key", "burst", "user_hash"))).select_from(
    joined_by_key(reactions, _KEY)
)

_Kind = tuple[int, str, str, bool]


def parts_by_reactions(shown: Sequence[ShownMessage]) -> Iterator[list[ShownMessage]]:
    """Divide messages, in their order, so that a part has few enough reactions; one message may have more by itself."""
    part: list[ShownMessage] = []
    users = 0
    for message in shown:
        given = sum(reaction.count for reaction in message.reactions)
        if part and users + given > _USERS_AT_ONCE:
            yield part
            part, users = [], 0
        part.append(message)
        users += given
    if part:
        yield part


async def with_reaction_users(connection: AsyncConnection, shown: Sequence[ShownMessage]) -> list[ShownMessage]:
    """Return messages with the pseudonyms of who reacted, in ascending order."""
    keys = [(one.channel_id, one.platform_id) for one in shown if one.reactions]
    if not keys:
        return list(shown)
    users: defaultdict[_Kind, list[str]] = defaultdict(list)
    async for rows in rows_in_slices(connection, _USERS, {"keys": as_keys(_KEY, keys)}):
        for row in rows:
            kind = row["channel_id"], row["message_platform_id"], row["emoji_key"], bool(row["burst"])
            users[kind].append(row["user_hash"])
    return [_with_users(one, users) if one.reactions else one for one in shown]


def _with_users(message: ShownMessage, users: defaultdict[_Kind, list[str]]) -> ShownMessage:
    def of(reaction: ShownReaction) -> tuple[str, ...]:
        kind = message.channel_id, message.platform_id, reaction.emoji_key, bool(reaction.burst)
        return tuple(sorted(users.get(kind, ())))

    return replace(message, reactions=tuple(replace(one, user_hashes=of(one)) for one in message.reactions))
