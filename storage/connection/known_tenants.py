"""The tenants of an archive that is only looked at, of whatever revision it is."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, column, inspect, literal, select, table

_NAME = "tenants"
_ALWAYS = ("id", "platform", "platform_id", "name")
_STOPPED = "stopped_at"  # since revision 0002


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTenant:
    """A community that an archive has rows of."""

    id: str
    platform: str
    platform_id: str
    name: str | None
    is_stopped: bool  # on its administrator's request


def known_tenants(connection: Connection) -> tuple[KnownTenant, ...]:
    """Every tenant by id; none where there are no such tables."""
    inspector = inspect(connection)
    if not inspector.has_table(_NAME):
        return ()
    columns = {found["name"] for found in inspector.get_columns(_NAME)}
    if not columns.issuperset(_ALWAYS):
        return ()  # another program's
    is_stopped = column(_STOPPED).is_not(None) if _STOPPED in columns else literal(value=False)
    told: list[ColumnElement[Any]] = [*map(column, _ALWAYS), is_stopped.label("is_stopped")]
    rows = connection.execute(select(*told).select_from(table(_NAME)).order_by("id")).mappings()
    return tuple(KnownTenant(**{**row, "is_stopped": bool(row["is_stopped"])}) for row in rows)
