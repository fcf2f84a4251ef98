"""What later releases add to the baseline so that nothing is believed without proof.

Revision ID: proofs
Revises: baseline
"""

revision = "proofs"
down_revision = "baseline"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision brings."""
