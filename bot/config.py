"""The configuration: a TOML file, overridden by the environment; secrets by the environment or as credentials only."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from adapters.base import PlatformOptions
from adapters.registry import PLATFORMS
from bot.credentials import misplaced, with_credentials
from bot.durations import Duration, between
from bot.environment import FEWEST_CHARACTERS, LISTS, PREFIX, merge_environment, read_secret
from bot.hosts import bare_address, is_loopback, normal_host
from bot.wording import wrong_fields
from storage.connection import parse_url, secrets_of_url
from storage.errors import BadDatabaseUrl

DEFAULT_FILE = Path("config.toml")
_API_TOKEN = PREFIX + "API_TOKEN"
_HASH_KEY = PREFIX + "HASH_KEY"
_DATABASE_URL = PREFIX + "DATABASE__URL"  # may hold a password
_URL_STARTS = ("sqlite+aiosqlite:///", "sqlite:///", "postgresql+psycopg://", "postgresql://")
_SECRETS = {  # which variable holds a secret, by words in a misplaced key's name; the first match counts
    "hash": _HASH_KEY,
    "api": _API_TOKEN,
    "http": _API_TOKEN,
    **{name: platform.token_variable for name, platform in PLATFORMS.items()},
    "": " or ".join(platform.token_variable for platform in PLATFORMS.values()),
}


class ConfigError(Exception):
    """The configuration is wrong; the message names every wrong key and what would be right."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseConfig(_Section):
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


class HttpConfig(_Section):
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


Hour = Annotated[int, Field(ge=0, le=24)]


class SyncConfig(_Section):
    """[sync]"""

    interval: Annotated[Duration, between("1 min", "30 d")] = timedelta(hours=1)
    batch_size: Annotated[int, Field(ge=100, le=10_000)] = 1000
    concurrent_tenants: Annotated[int, Field(ge=1, le=100)] = 4
    concurrent_channels: Annotated[int, Field(ge=1, le=500)] = 64
    reaction_users: bool = True
    time_slice: Annotated[Duration, between("1 s", "1 d")] = timedelta(minutes=5)
    keep_jobs: Annotated[Duration, between("0 s", "36500 d")] = timedelta(days=90)
    repair_lookback: Annotated[Duration, between("0 s", "365 d")] = timedelta(days=7)
    repair_request_budget: Annotated[int, Field(ge=1, le=1_000_000_000)] = 5000
    event_patience: Annotated[Duration, between("0 s", "10 min")] = timedelta(seconds=5)
    verify_interval: Annotated[Duration, between("0 s", "30 d")] = timedelta(days=1)
    audit_interval: Annotated[Duration, between("0 s", "3650 d")] = timedelta(days=30)
    audit_hours: tuple[Hour, Hour] = (2, 6)

    @field_validator("audit_hours")
    @classmethod
    def _is_a_time(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] % 24 == value[1] % 24 and value != (0, 24):
            raise ValueError(f"from {value[0]} to {value[1]} is no time at all; the whole day is 0 to 24")
        return value


class LogConfig(_Section):
    """[log]"""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class PlatformConfig(_Section):
    """A platform's section, and its token where one is set."""

    options: SerializeAsAny[PlatformOptions]
    token: SecretStr | None


class Config(_Section):
    """Everything that the process takes from outside."""

    platforms: dict[str, PlatformConfig]
    database: DatabaseConfig = DatabaseConfig()
    http: HttpConfig = HttpConfig()
    sync: SyncConfig = SyncConfig()
    log: LogConfig = LogConfig()
    api_token: SecretStr | None = None
    hash_key: SecretStr | None = None

    @property
    def secrets(self) -> list[str]:
        """Every value that must not show in a log."""
        held = [self.api_token, self.hash_key, *(platform.token for platform in self.platforms.values())]
        return [*(secret.get_secret_value() for secret in held if secret), *self.database.passwords]

    @model_validator(mode="after")
    def _guarded(self) -> "Config":
        if self.api_token is None and not self.http.is_loopback:
            raise ValueError(
                f'http.host "{self.http.host}" can be reached from other machines: set {_API_TOKEN}, '
                "or use a loopback address such as 127.0.0.1"
            )
        return self


_SECTIONS: dict[str, type[BaseModel]] = {
    "database": DatabaseConfig,
    "http": HttpConfig,
    "sync": SyncConfig,
    "log": LogConfig,
    **{name: platform.options for name, platform in PLATFORMS.items()},
}


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read a file (config.toml where there is one), credentials and the environment; the last wins.

    Raises:
        ConfigError: names every unknown or bad key at once.
    """
    values = _from_file(file)
    wrong = [_no_such_section(name) for name in values if name not in _SECTIONS]
    tokens = [platform.token_variable for platform in PLATFORMS.values()]
    environment, bad_credentials = with_credentials(environment, [*tokens, _API_TOKEN, _HASH_KEY, _DATABASE_URL])
    secrets, bad_secrets = _read_secrets(environment, tokens)
    wrong += [*bad_credentials, *bad_secrets]
    wrong += merge_environment(values, environment, _SECTIONS, (_API_TOKEN, _HASH_KEY), _SECRETS)
    sections: dict[str, BaseModel] = {}
    for name, section in _SECTIONS.items():
        try:
            sections[name] = section.model_validate(values.get(name, {}))
        except ValidationError as e:
            wrong += _explain(name, section, e)
    if wrong:
        raise ConfigError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    platforms = {
        name: PlatformConfig.model_construct(options=sections.pop(name), token=secrets[platform.token_variable])
        for name, platform in PLATFORMS.items()
    }
    ours = {"api_token": secrets[_API_TOKEN], "hash_key": secrets[_HASH_KEY]}
    try:
        return Config.model_validate({"platforms": platforms, **sections, **ours})
    except ValidationError as e:
        raise ConfigError(str(e.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")) from None


def _no_such_section(name: str) -> str:
    secret = misplaced(name, _SECRETS)
    return f"{name}: " + (secret or f"no such section; there are {', '.join(_SECTIONS)}")


def _read_secrets(
    environment: Mapping[str, str], tokens: Iterable[str]
) -> tuple[dict[str, SecretStr | None], list[str]]:
    """Read the platforms' tokens and our own secrets from their variables; the second result lists the errors."""
    found = {name: read_secret(environment, name) for name in tokens}
    found[_API_TOKEN] = read_secret(environment, _API_TOKEN, fewest=FEWEST_CHARACTERS)
    found[_HASH_KEY] = read_secret(environment, _HASH_KEY, fewest=FEWEST_CHARACTERS)
    return {name: secret for name, (secret, _) in found.items()}, [wrong for _, wrong in found.values() if wrong]


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None and not os.path.lexists(DEFAULT_FILE):  # a dangling link is an error, too
        return {}
    file = file or DEFAULT_FILE
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as e:
        raise ConfigError(f"cannot read the configuration file {file}: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"the configuration file {file} is not TOML: {e}") from e


def _explain(section_name: str, section: type[BaseModel], error: ValidationError) -> list[str]:
    lines = []
    for key, words in wrong_fields(section, error, whole=f"a table: [{section_name}], and below it the keys"):
        where = f"{section_name}.{key}" if key else section_name
        secret = misplaced(where, _SECRETS) if key not in section.model_fields else None
        lines.append(f"{where}: {secret or words}{'; in the environment with commas' if key in LISTS else ''}")
    return lines
