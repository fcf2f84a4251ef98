"""Note each change of a message for the change feed, by triggers; what is stored already counts as one change a channel.

Revision ID: changes
Revises: search
"""

# ruff: noqa: S608 # no statement here holds a value

import sqlalchemy as sa
from alembic import op

revision = "changes"
down_revision = "search"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KIND = "created, edited, deleted (its mark was set or removed), attachments or reactions (their counts)."
ANEW = "The bound when messages were last deleted from the archive: who was told a place before starts anew."
WHAT = "The newest change of each kind to a message, or to messages that were stored together; not what it was."

SHOWN = ["author_hash", "author_kind", "content", "type", "sent_at", "edited_at", "metadata"]
SHOWN += [f"reply_to_{name}" for name in ("channel_platform_id", "message_platform_id", "author_hash")]
OF_FILES = ("filename", "size_bytes", "content_type", "metadata")
OF_TOTALS = ("count", "emoji")
QUEUED = "channel_id, kind, first_message_platform_id, last_message_platform_id"


def columns() -> list[sa.Column[object]]:
    """Create the columns that say which messages were changed, and how."""
    return [
        sa.Column("channel_id", ROW_ID, nullable=False, comment="The channel of the messages."),
        sa.Column("kind", sa.Text(), nullable=False, comment=KIND),
        sa.Column("first_message_platform_id", ID, nullable=False, comment="The first of the messages, by its id."),
        sa.Column("last_message_platform_id", ID, nullable=False, comment="The last of them."),
    ]


def upgrade() -> None:
    """Apply this revision."""
    create_tables()
    # The triggers first: making them waits for those who write, and keeps others from it.
    for statement in SQLITE if op.get_context().dialect.name == "sqlite" else POSTGRES:
        op.execute(statement)
    for statement in FILL:
        op.execute(statement)


def create_tables() -> None:
    """Create the feed, its state, and what waits for a position."""
    op.create_table(
        "change_feeds",
        sa.Column("tenant_id", ID, nullable=False, comment="The community."),
        sa.Column(
            "bound", sa.BigInteger(), nullable=False, comment="Nothing can appear any more at a position up to it."
        ),
        sa.Column(
            "starts_anew_below", sa.BigInteger(), server_default=sa.literal_column("0"), nullable=False, comment=ANEW
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_change_feeds_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_change_feeds")),
        comment="How far the changes of a community have positions.",
    )
    op.create_table(
        "message_changes",
        sa.Column("tenant_id", ID, nullable=False, comment="The community."),
        sa.Column(
            "position",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Its place in the feed of changes.",
        ),
        *columns(),
        sa.CheckConstraint(
            "kind IN ('created', 'edited', 'deleted', 'attachments', 'reactions')",
            name=op.f("ck_message_changes_kind"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "position", name=op.f("pk_message_changes")),
        sa.UniqueConstraint(
            "channel_id",
            "first_message_platform_id",
            "last_message_platform_id",
            "kind",
            name=op.f("uq_message_changes_messages"),
        ),
        sqlite_with_rowid=False,
        comment=WHAT,
    )
    op.create_table(
        "change_queue",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False, comment="Internal: our id of the entry."),
        *columns(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_queue")),
        comment="Internal: changes that have no position yet.",
    )


# Every id lies between these two: as text, too.
FILL = (
    "INSERT INTO message_changes (tenant_id, position, channel_id, kind, first_message_platform_id,"
    " last_message_platform_id) SELECT c.tenant_id, row_number() OVER (PARTITION BY c.tenant_id ORDER BY c.id), c.id,"
    f" 'created', '0', '{'9' * 19}' FROM channels c WHERE EXISTS (SELECT 1 FROM messages m WHERE m.channel_id = c.id)",
    "INSERT INTO change_feeds (tenant_id, bound, created_at, updated_at) SELECT t.id, max(c.position),"
    " t.updated_at, t.updated_at FROM tenants t JOIN message_changes c ON c.tenant_id = t.id GROUP BY t.id",
)


def one(row: str, kind: str, *, part: bool = False) -> str:
    """Note a change of one message."""
    message = f"{row}.{'message_platform_id' if part else 'platform_id'}"
    return f"INSERT INTO change_queue ({QUEUED}) VALUES ({row}.channel_id, '{kind}', {message}, {message});"


def changed(names: list[str] | tuple[str, ...], unlike: str) -> str:
    """Find out whether any of these columns has another value."""
    return " OR ".join(f"old.{name} {unlike} new.{name}" for name in names)


# On SQLite new messages are those with higher ids than this one; what hangs on them is shown with them.
SETTING = "name = 'changes_numbered_id'"
MARK = f"coalesce((SELECT CAST(value AS INTEGER) FROM archive_settings WHERE {SETTING}), 0)"
NEWEST = "coalesce((SELECT max(id) FROM messages), 0)"
IS_NEW = (
    "EXISTS (SELECT 1 FROM messages WHERE channel_id = new.channel_id AND platform_id = new.message_platform_id"
    f" AND id > {MARK})"
)
IS_LEFT = "EXISTS (SELECT 1 FROM messages WHERE channel_id = old.channel_id AND platform_id = old.message_platform_id)"
SQLITE = [
    "INSERT INTO archive_settings (name, value, created_at, updated_at)"
    " SELECT 'changes_numbered_id', CAST((SELECT max(id) FROM messages) AS TEXT), created_at, updated_at"
    " FROM archive_settings WHERE name = 'hash_choice' AND EXISTS (SELECT 1 FROM messages)",
    f"CREATE TRIGGER change_feed_message_edited AFTER UPDATE OF {', '.join(SHOWN)} ON messages"
    f" WHEN {changed(SHOWN, 'IS NOT')} BEGIN {one('new', 'edited')} END",
    "CREATE TRIGGER change_feed_message_deleted AFTER UPDATE OF deleted_at ON messages"
    f" WHEN old.deleted_at IS NOT new.deleted_at BEGIN {one('new', 'deleted')} END",
    "CREATE TRIGGER change_feed_message_gone AFTER DELETE ON messages BEGIN"
    " UPDATE change_feeds SET bound = bound + 1, starts_anew_below = bound + 1 WHERE tenant_id = old.tenant_id;"
    f" UPDATE archive_settings SET value = CAST({NEWEST} AS TEXT) WHERE {SETTING} AND CAST(value AS INTEGER) > {NEWEST};"
    " END",
]
for table, kind, columns_of, more in (
    (
        "attachments",
        "attachments",
        OF_FILES,
        " OR substr(old.url, 1, instr(old.url || '?', '?')) IS NOT substr(new.url, 1, instr(new.url || '?', '?'))",
    ),
    ("reaction_totals", "reactions", OF_TOTALS, ""),
):
    SQLITE += [
        f"CREATE TRIGGER change_feed_{kind}_added AFTER INSERT ON {table} WHEN NOT {IS_NEW}"
        f" BEGIN {one('new', kind, part=True)} END",
        f"CREATE TRIGGER change_feed_{kind}_changed AFTER UPDATE ON {table}"
        f" WHEN {changed(columns_of, 'IS NOT')}{more} BEGIN {one('new', kind, part=True)} END",
        f"CREATE TRIGGER change_feed_{kind}_removed AFTER DELETE ON {table} WHEN {IS_LEFT}"
        f" BEGIN {one('old', kind, part=True)} END",
    ]

# On PostgreSQL: what a statement inserts is noted by one more statement. Rows that go with their message (depth 1) are
# no change of it.
FUNCTION = "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
UNLIKE = "IS DISTINCT FROM"
POSTGRES = [
    FUNCTION.format(
        name="change_feed_messages_created",
        body=f"INSERT INTO change_queue ({QUEUED}) SELECT channel_id, 'created', min(platform_id), max(platform_id)"
        " FROM added GROUP BY channel_id, length(platform_id);",
    ),
    FUNCTION.format(
        name="change_feed_message_changed",
        body=f"INSERT INTO change_queue ({QUEUED})"
        " VALUES (new.channel_id, tg_argv[0], new.platform_id, new.platform_id);",
    ),
    FUNCTION.format(
        name="change_feed_messages_gone",
        body="UPDATE change_feeds SET bound = bound + 1, starts_anew_below = bound + 1"
        " WHERE tenant_id IN (SELECT tenant_id FROM gone);",
    ),
    # But not of a message that this transaction has inserted, and not updated since. Each is looked up by its key.
    FUNCTION.format(
        name="change_feed_parts_added",
        body=f"INSERT INTO change_queue ({QUEUED}) SELECT DISTINCT a.channel_id, tg_argv[0], a.message_platform_id,"
        " a.message_platform_id FROM added a WHERE (SELECT m.xmin = pg_current_xact_id()::xid"
        " AND m.created_at = a.created_at AND m.updated_at = a.created_at FROM messages m"
        " WHERE m.channel_id = a.channel_id AND m.platform_id = a.message_platform_id) IS NOT TRUE;",
    ),
    FUNCTION.format(
        name="change_feed_part_changed",
        body="IF tg_op = 'DELETE' THEN new := old; END IF;"
        f" INSERT INTO change_queue ({QUEUED})"
        " VALUES (new.channel_id, tg_argv[0], new.message_platform_id, new.message_platform_id);",
    ),
    "CREATE TRIGGER change_feed_message_created AFTER INSERT ON messages REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION change_feed_messages_created()",
    f"CREATE TRIGGER change_feed_message_edited AFTER UPDATE ON messages FOR EACH ROW"
    f" WHEN ({changed(SHOWN, UNLIKE)}) EXECUTE FUNCTION change_feed_message_changed('edited')",
    "CREATE TRIGGER change_feed_message_deleted AFTER UPDATE ON messages FOR EACH ROW"
    f" WHEN (old.deleted_at {UNLIKE} new.deleted_at) EXECUTE FUNCTION change_feed_message_changed('deleted')",
    "CREATE TRIGGER change_feed_message_gone AFTER DELETE ON messages REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION change_feed_messages_gone()",
]
for table, kind, columns_of, more in (
    (
        "attachments",
        "attachments",
        OF_FILES,
        f" OR split_part(old.url, '?', 1) {UNLIKE} split_part(new.url, '?', 1)",
    ),
    ("reaction_totals", "reactions", OF_TOTALS, ""),
):
    POSTGRES += [
        f"CREATE TRIGGER change_feed_{kind}_added AFTER INSERT ON {table} REFERENCING NEW TABLE AS added"
        f" FOR EACH STATEMENT EXECUTE FUNCTION change_feed_parts_added('{kind}')",
        f"CREATE TRIGGER change_feed_{kind}_changed AFTER UPDATE ON {table} FOR EACH ROW"
        f" WHEN ({changed(columns_of, UNLIKE)}{more}) EXECUTE FUNCTION change_feed_part_changed('{kind}')",
        f"CREATE TRIGGER change_feed_{kind}_removed AFTER DELETE ON {table} FOR EACH ROW"
        f" WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION change_feed_part_changed('{kind}')",
    ]
