"""Of which tenants a worker can run jobs: those whose platform, or part of it, its process is connected to."""

from dataclasses import dataclass

from sqlalchemy import Boolean, ColumnElement, FromClause, and_, bindparam, or_, select

from storage.sql import Id, dump_json, json_objects, json_strings


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimable:
    """The tenants whose jobs may be claimed.

    Of a whole platform it does not matter by which part of its connection a tenant's events come, or whether that is
    known at all.
    """

    platforms: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()  # of other platforms: the platform and the part
    is_all: bool = False

    def as_values(self) -> dict[str, object]:
        """Return the parameters of ``is_claimable``."""
        parts = [{"platform": platform, "part": part} for platform, part in self.parts]
        return {
            "of_any": self.is_all,
            "claimable_platforms": dump_json(list(self.platforms)),
            "claimable_parts": dump_json(parts),
        }


OF_ALL = Claimable(is_all=True)
_parts = json_objects("claimable_parts", platform=Id(), part=Id())


def is_claimable(tenant: FromClause) -> ColumnElement[bool]:
    """SQL condition: a tenant's jobs may be claimed."""
    part = and_(_parts.c.platform == tenant.c.platform, _parts.c.part == tenant.c.part)
    return or_(
        bindparam("of_any", type_=Boolean),
        tenant.c.platform.in_(select(json_strings("claimable_platforms"))),
        select(_parts.c.part).where(part).exists(),
    )
