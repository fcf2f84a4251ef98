"""The history of the schema, and running it. Imported where it is needed: Alembic takes half a second."""

from storage.migrations.runner import BEFORE_THE_BASELINE, current_revision, known_revisions, upgrade

__all__ = ["BEFORE_THE_BASELINE", "current_revision", "known_revisions", "upgrade"]
