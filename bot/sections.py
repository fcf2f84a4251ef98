"""The sections of the configuration that belong to no platform: their keys, defaults and limits."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator

from adapters.durations import Duration, between
from adapters.options import Lookback
from bot.hosts import bare_address, is_loopback, normal_host
from storage.connection import parse_url, secrets_of_url
from storage.errors import BadDatabaseUrl
from storage.search import IndexKind

_URL_STARTS = ("sqlite+aiosqlite:///", "sqlite:///", "postgresql+psycopg://", "postgresql://")


class Section(BaseModel):
    """Knows no other keys than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseConfig(Section):
    """[database]"""

    url: str = "sqlite+aiosqlite:///data/archive.db"

    @field_validator("url")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if not value.strip().startswith(_URL_STARTS):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+psycopg://")
        try:
            parse_url(value)
        except BadDatabaseUrl as e:
            raise ValueError(str(e)) from None
        return value.strip()

    @property
    def passwords(self) -> list[str]:
        """The secrets in the URL, as written there and as meant."""
        return secrets_of_url(self.url)


class HttpConfig(Section):
    """[http]"""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    allowed_hosts: tuple[str, ...] = ()

    @field_validator("host")
    @classmethod
    def _without_brackets(cls, value: str) -> str:
        return bare_address(value) or value.strip()

    @field_validator("allowed_hosts")
    @classmethod
    def _as_hosts_are_sent(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        hosts = {given: normal_host(given) for given in value if given.strip()}
        wrong = [given for given, host in hosts.items() if host is None]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: write the host's name alone, as in archive.example.org")
        return tuple(host for host in hosts.values() if host)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)


class PagesConfig(Section):
    """[pages]"""

    enabled: bool = True
    load_media: bool = False


Hour = Annotated[int, Field(ge=0, le=24)]


class SyncConfig(Section):
    """[sync]"""

    interval: Annotated[Duration, between("1 min", "30 d")] = timedelta(hours=1)
    batch_size: Annotated[int, Field(ge=100, le=10_000)] = 1000
    concurrent_tenants: Annotated[int, Field(ge=1, le=100)] = 4
    concurrent_channels: Annotated[int, Field(ge=1, le=500)] = 64
    reaction_users: bool = True
    time_slice: Annotated[Duration, between("1 s", "1 d")] = timedelta(minutes=5)
    keep_jobs: Annotated[Duration, between("0 s", "36500 d")] = timedelta(days=90)
    repair_lookback: Lookback = timedelta(days=7)
    repair_request_budget: Annotated[int, Field(ge=1, le=1_000_000_000)] = 5000
    event_patience: Annotated[Duration, between("0 s", "10 min")] = timedelta(seconds=5)
    verify_interval: Annotated[Duration, between("0 s", "30 d")] = timedelta(days=1)
    audit_interval: Annotated[Duration, between("0 s", "3650 d")] = timedelta(days=30)
    audit_hours: tuple[Hour, Hour] = (2, 6)
    # By the platform's name: from the platforms' own sections, and never a key of this one.
    _lookbacks: Mapping[str, timedelta] = PrivateAttr(default_factory=dict)

    def with_lookbacks(self, of_platforms: Mapping[str, timedelta]) -> "SyncConfig":
        """Return the same with the lookbacks of the platforms that have one of their own."""
        found = self.model_copy()
        found._lookbacks = of_platforms  # noqa: SLF001 (its own)
        return found

    def lookback_of(self, tenant_id: str) -> timedelta:
        """Return how long before a gap the messages of a tenant are that are read again after it."""
        platform, _, _ = tenant_id.partition("-")
        return self._lookbacks.get(platform, self.repair_lookback)

    @field_validator("audit_hours")
    @classmethod
    def _is_a_time(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] % 24 == value[1] % 24 and value != (0, 24):
            raise ValueError(f"from {value[0]} to {value[1]} is no time at all; the whole day is 0 to 24")
        return value


ContentDays = Annotated[int, Field(ge=0, le=36_500)]


class RetentionConfig(Section):
    """[retention]"""

    content_days: ContentDays = 0


class SearchConfig(Section):
    """[search]"""

    enabled: bool = True
    index: IndexKind = "words"

    @property
    def kind(self) -> IndexKind | None:
        """The index that there is to be; None: none at all."""
        return self.index if self.enabled else None


class LogConfig(Section):
    """[log]"""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class TenantConfig(Section):
    """[tenants."<platform>-<platform id>"]: what is otherwise for one tenant."""

    interval: Annotated[Duration, between("1 min", "30 d")] | None = None
    content_days: ContentDays | None = None
