"""The parameters of statements, each spelt once.

None is named like a column: SQLAlchemy takes the name of a column for a value to write.
"""

from sqlalchemy import BindParameter, bindparam
from sqlalchemy.types import Integer

from storage.sql.types import Id, RowId, UtcDateTime

NOW = bindparam("now", type_=UtcDateTime)
"""The time of a row's change."""

TENANT_ID = bindparam("tenant", type_=Id)
"""``tenants.id``."""

TENANT_IDS: BindParameter[str] = bindparam("tenants", type_=Id, expanding=True)
"""``tenants.id`` of several."""

CHANNEL_ID = bindparam("channel", type_=RowId)
"""``channels.id``."""

CHANNEL_PLATFORM_ID = bindparam("channel_platform", type_=Id)
"""The platform's id of a channel."""

MESSAGE_PLATFORM_ID = bindparam("message", type_=Id)
"""The platform's id of a message."""

USER_HASH = bindparam("user", type_=Id)
"""The pseudonym of a person."""

JOB_ID = bindparam("job", type_=Id)
"""``sync_jobs.id``."""

RANGE_ID = bindparam("range", type_=RowId)
"""``refetch_ranges.id``."""

AFTER_ID = bindparam("after", type_=RowId)
"""The id behind which a page begins."""

PLATFORM = bindparam("of_platform", type_=Id)
"""The name of a platform."""

LIMIT = bindparam("limit", type_=Integer)
"""How many rows at most."""
