"""Views for reading with a SQL client: names in place of our ids, the same columns on both databases."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view with the meaning of its columns, in their order."""

    name: str
    comment: str
    columns: Mapping[str, str]
    query: str  # with {day} for the day of a message in UTC, which the databases write differently

    def create(self, dialect: str) -> str:
        """Return the statement that creates the view on a dialect."""
        return f"CREATE VIEW {self.name} AS {self.query.format(day=_DAY[dialect])}"


_DAY = {"sqlite": "substr(m.sent_at, 1, 10)", "postgresql": "to_char(m.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}

_CHANNEL = """
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread"""
_JOIN_CHANNEL = """
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id"""
_CHANNEL_COLUMNS = {
    "tenant": "The community's name, or its id where it has none.",
    "channel": "The channel's name; of a thread that of the channel it belongs to.",
    "thread": "The thread's name; null outside of threads.",
}
_AUTHOR = "The first eight digits of the author's pseudonym."

readable_messages = View(
    name="readable_messages",
    comment="Every message with where it was written, what it answers, and how many reactions and files it has.",
    columns=_CHANNEL_COLUMNS
    | {
        "message_platform_id": "The platform's id of the message.",
        "author": _AUTHOR,
        "author_kind": "user, bot, webhook or system.",
        "content": "Its text.",
        "sent_at": "When it was sent.",
        "edited_at": "When its author last edited it.",
        "deleted_at": "Since when it is known to be deleted on the platform.",
        "reply_to_message_platform_id": "The message that it answers.",
        "reply_to_author": "The first eight digits of the pseudonym of that one's author.",
        "reactions": "How often people reacted to it, with whatever emoji.",
        "files": "How many files hang on it.",
    },
    query=f"""SELECT{_CHANNEL},
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    m.author_kind,
    m.content,
    m.sent_at,
    m.edited_at,
    m.deleted_at,
    m.reply_to_message_platform_id,
    substr(m.reply_to_author_hash, 1, 8) AS reply_to_author,
    (SELECT coalesce(sum(r.count), 0) FROM reaction_totals r
      WHERE r.channel_id = m.channel_id AND r.message_platform_id = m.platform_id) AS reactions,
    (SELECT count(*) FROM attachments a
      WHERE a.channel_id = m.channel_id AND a.message_platform_id = m.platform_id) AS files
  FROM messages m{_JOIN_CHANNEL}""",  # noqa: S608 # made of constants
)

readable_threads = View(
    name="readable_threads",
    comment="Every thread that has messages, with how many by how many people, from when to when.",
    columns=_CHANNEL_COLUMNS
    | {
        "thread_platform_id": "The platform's id of the thread.",
        "messages": "How many messages it has; deleted ones do not count.",
        "authors": "How many people wrote them.",
        "first_message_at": "When the first one was sent.",
        "last_message_at": "When the last one was sent.",
    },
    query=f"""SELECT{_CHANNEL},
    c.platform_id AS thread_platform_id,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors,
    min(m.sent_at) AS first_message_at,
    max(m.sent_at) AS last_message_at
  FROM messages m{_JOIN_CHANNEL}
  WHERE c.type = 'thread' AND m.deleted_at IS NULL
  GROUP BY c.id, c.platform_id, c.type, c.name, p.name, t.name, t.platform_id""",
)

readable_reactions = View(
    name="readable_reactions",
    comment="Who gave which emoji to whose message.",
    columns=_CHANNEL_COLUMNS
    | {
        "message_platform_id": "The platform's id of the message.",
        "author": _AUTHOR,
        "emoji": "The character, or <:name:id>, <a:name:id> where animated.",
        "burst": "Whether it was given as a burst (a super reaction).",
        "given_by": "The first eight digits of the pseudonym of who gave it.",
        "first_seen_at": "When the archive learnt of it.",
    },
    query=f"""SELECT{_CHANNEL},
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    r.emoji,
    r.burst,
    substr(r.user_hash, 1, 8) AS given_by,
    r.created_at AS first_seen_at
  FROM reactions r
    JOIN messages m ON m.channel_id = r.channel_id AND m.platform_id = r.message_platform_id{_JOIN_CHANNEL}""",
)

daily_activity = View(
    name="daily_activity",
    comment="How many messages by how many people on each day, channel by channel.",
    columns={
        "tenant": _CHANNEL_COLUMNS["tenant"],
        "channel": "The channel's name; messages of its threads count as its own.",
        "day": "The day in UTC, as 2026-11-26.",
        "messages": "How many messages were sent; deleted ones do not count.",
        "authors": "How many people sent them.",
    },
    query=f"""SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    {{day}} AS day,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors
  FROM messages m{_JOIN_CHANNEL}
  WHERE m.deleted_at IS NULL
  GROUP BY t.id, t.name, t.platform_id, CASE WHEN c.type = 'thread' THEN p.id ELSE c.id END,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END, {{day}}""",  # noqa: S608 # made of constants
)

VIEWS = (readable_messages, readable_threads, readable_reactions, daily_activity)
