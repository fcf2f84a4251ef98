"""What every platform's section of the configuration has; each platform adds its own keys."""

from pydantic import BaseModel, ConfigDict, field_validator


class PlatformOptions(BaseModel):
    """Whom a platform's adapter archives.

    ``include`` and ``exclude`` hold the platform's ids of channels, or of what holds channels, as categories do.
    Without ``include`` every channel is archived that everyone may read; what ``exclude`` names is left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_create_tenants: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """Take numbers for ids, too; an empty variable of the environment is no id."""
        if not isinstance(value, list):
            return value
        return [str(one) if type(one) is int else one for one in value if one != ""]
