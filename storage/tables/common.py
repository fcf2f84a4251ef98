"""What all tables share: the metadata, names of constraints, columns that several have.

Analysts query the names of tables and columns: a rename is a break. Each has a comment that says what it means, from
which docs/data-dictionary.md and the comments in PostgreSQL are made. Every change needs a migration; a test compares.
"""

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, literal_column

from storage.sql import UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def timestamp_columns(created: str = "When this row was first written.") -> tuple[Column[object], Column[object]]:
    """Create the columns for when a row was written; an upsert that changes nothing leaves both alone."""
    return (
        Column("created_at", UtcDateTime, nullable=False, comment=created),
        Column("updated_at", UtcDateTime, nullable=False, comment="When this row was last changed."),
    )


def one_of(column: str, *values: str) -> CheckConstraint:
    """Let a column hold one of some words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=column)


_OUTCOME = {
    "seen": "How many messages the platform listed.",
    "missing": "How many of them were not stored.",
    "changed": "How many of them were stored otherwise.",
    "deleted": "How many stored messages the platform no longer has.",
}


def outcome_columns() -> tuple[Column[object], ...]:
    """Create the columns for the result of refetching messages."""
    return tuple(
        Column(name, Integer, nullable=False, server_default=literal_column("0"), comment=comment)
        for name, comment in _OUTCOME.items()
    )
