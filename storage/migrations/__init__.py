"""The history of the schema, and running it. Imported where it is needed: Alembic takes half a second."""

from storage.migrations.runner import current_revision, known_revisions, upgrade

__all__ = ["current_revision", "known_revisions", "upgrade"]
