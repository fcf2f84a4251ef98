"""Find a channel's messages by when they were sent: pages of it, its days, its activity.

Revision ID: reading
Revises: file_links
"""

from alembic import op

revision = "reading"
down_revision = "file_links"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_index(op.f("ix_messages_channel_id_sent_at"), "messages", ["channel_id", "sent_at"])
