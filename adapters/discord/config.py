"""Discord's section of the configuration."""

import re
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator, model_validator

from adapters.discord.shard_choice import MOST_SHARDS, ShardChoice, shard_choice
from adapters.options import PlatformOptions

_ID = re.compile("[1-9][0-9]{0,19}", re.ASCII)


class DiscordOptions(PlatformOptions):
    """Hold the keys of ``[discord]``, with their defaults.

    The addresses are for a proxy or the simulator; without them discord.py's own are used. The defaults of the first
    two paces stay below Discord's limits (50 requests a second for a bot, 5 in 5 s for a channel); no limit is
    documented for the lists of who reacted.
    """

    rest_url: str | None = None
    gateway_url: str | None = None
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 40.0
    channel_requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 0.9
    reaction_requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 4.0
    shard_count: Annotated[int, Field(ge=1, le=MOST_SHARDS)] | None = None
    shards: str = "all"  # behind the number that it has to fit

    @property
    def shard_choice(self) -> ShardChoice:
        """Which shards this process connects."""
        return shard_choice(self.shards, self.shard_count)

    @field_validator("shards", mode="before")
    @classmethod
    def _one_as_text(cls, value: object) -> object:
        """Take a number for the one shard that it is."""
        return str(value) if type(value) is int else value

    @field_validator("shards")
    @classmethod
    def _names_shards(cls, value: str, info: ValidationInfo) -> str:
        if "shard_count" in info.data:  # else that is wrong
            shard_choice(value, info.data["shard_count"])
        return value

    @field_validator("include", "exclude")
    @classmethod
    def _are_ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [one for one in value if not _ID.fullmatch(one)]
        if wrong:
            raise ValueError(
                f'{", ".join(wrong)}: list the ids of channels or categories, as in ["1098765432109876543"]'
            )
        return value

    @model_validator(mode="after")
    def _include_or_exclude(self) -> "DiscordOptions":
        if both := set(self.include) & set(self.exclude):
            raise ValueError(f"{', '.join(sorted(both))}: stands in include and in exclude; leave it in one of them")
        return self

    @field_validator("rest_url", "gateway_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError("must be a URL such as https://discord.com/api/v10 or wss://gateway.discord.gg/")
        return value
