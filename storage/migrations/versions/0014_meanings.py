"""Say what the reasons of gaps mean, and that a tenant which begins anew was created then.

Revision ID: meanings
Revises: processes
"""

import sqlalchemy as sa
from alembic import op

revision = "meanings"
down_revision = "processes"
branch_labels = None
depends_on = None

COMMENTS = {
    "sync_gaps.reason": "Why no events came in: process_down (no process was connected), session_lost (the platform began "
    "a new session), takeover (another process took over), outage (the platform had one), left (the bot was not in the "
    "community) or stopped (its syncs were).",
    "tenants.created_at": "When it was first stored, or created again after it was purged.",
}


def upgrade() -> None:
    """Apply this revision."""
    if op.get_bind().dialect.name == "postgresql":
        for place, comment in COMMENTS.items():
            op.execute(sa.text(f"COMMENT ON COLUMN {place} IS '{comment}'"))
