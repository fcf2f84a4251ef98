"""What later releases add to the baseline so that nothing is believed without proof.

Revision ID: proofs
Revises: baseline
"""

import sqlalchemy as sa
from alembic import op

revision = "proofs"
down_revision = "baseline"
branch_labels = None
depends_on = None

TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add what this revision brings."""
    _add_hiding_of_channels()


def _add_hiding_of_channels() -> None:
    """Add when a channel was last hidden, and let threads follow their channels that one refusal had hidden for ever."""
    comment = "Internal: when it was last told to be hidden or gone: only a listing that began later shows it again."
    op.add_column("channels", sa.Column("hidden_at", TIME, comment=comment))
    op.execute(
        "UPDATE channels SET own_skip_reason = NULL WHERE type = 'thread' AND own_skip_reason = 'bot_lacks_access'"
    )
