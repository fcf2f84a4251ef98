"""Find a file by its id alone, as the links to it do.

Revision ID: file_links
Revises: unwritten
"""

from alembic import op

revision = "file_links"
down_revision = "unwritten"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this revision."""
    op.create_index("ix_attachments_platform_id", "attachments", ["platform_id"])
