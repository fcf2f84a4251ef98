"""What every platform's section of the configuration has; each platform adds its own keys."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, field_validator

from adapters.durations import Duration, between

Lookback: TypeAlias = Annotated[Duration, between("0 s", "365 d")]
"""How long before a gap in the connection the messages are that are read again after it."""


class PlatformOptions(BaseModel):
    """Whom a platform's adapter archives, and how far back gaps are repaired.

    ``include`` and ``exclude`` hold the platform's ids of channels, or of what holds channels, as categories do.
    Without ``include`` every channel is archived that everyone may read; what ``exclude`` names is left out. It is for
    the adapter to heed both: what is left out is listed with SkipReason.EXCLUDED.
    ``repair_lookback`` is for this platform what sync.repair_lookback is for those that have none of their own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_create_tenants: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    repair_lookback: Lookback | None = None

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Take numbers for ids, too; an empty variable of the environment is no id."""
        if not isinstance(value, list):
            return value
        return [str(one) if type(one) is int else one for one in value if one != ""]
