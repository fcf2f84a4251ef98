"""The configuration: a TOML file, overridden by the environment; secrets by the environment or as credentials only."""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

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
from bot.wording import wrong_fields

PREFIX = "PLATFORM_SYNC_"
DEFAULT_FILE = Path("config.toml")
_API_TOKEN = PREFIX + "API_TOKEN"
_HASH_KEY = PREFIX + "HASH_KEY"
_DATABASE_URL = PREFIX + "DATABASE__URL"  # may hold a password
_SECRETS = {  # by the words in the name of a key that somebody may have put one under; the first that fits
    "hash": _HASH_KEY,
    "api": _API_TOKEN,
    "http": _API_TOKEN,
    **{name: platform.token_variable for name, platform in PLATFORMS.items()},
    "": " or ".join(platform.token_variable for platform in PLATFORMS.values()),
}
_LISTS = ("allowed_hosts", "audit_hours")  # in the environment with commas
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


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
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+psycopg://")
        return value

    @property
    def passwords(self) -> list[str]:
        """The secrets in the URL, as written there and as meant."""
        parts = urlsplit(self.url)
        written = [parts.password or "", *(pair.partition("=")[2] for pair in parts.query.split("&") if "pass" in pair)]
        return [form for text in written if text for form in (text, unquote(text))]


class HttpConfig(_Section):
    """[http]"""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    allowed_hosts: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in _LOOPBACK or self.host.startswith("127.")


Hour = Annotated[int, Field(ge=0, le=24)]


class SyncConfig(_Section):
    """[sync]"""

    interval: Annotated[Duration, between("1 min", "30 d")] = timedelta(hours=1)
    batch_size: Annotated[int, Field(ge=100, le=10_000)] = 1000
    concurrent_tenants: Annotated[int, Field(ge=1, le=100)] = 4
    concurrent_channels: Annotated[int, Field(ge=1, le=500)] = 64
    reaction_users: bool = True
    time_slice: Annotated[Duration, between("1 s", "1 d")] = timedelta(minutes=5)
    repair_lookback: Annotated[Duration, between("0 s", "365 d")] = timedelta(days=7)
    repair_request_budget: Annotated[int, Field(ge=1, le=1_000_000_000)] = 5000
    audit_interval: Annotated[Duration, between("0 s", "3650 d")] = timedelta(days=30)
    audit_hours: tuple[Hour, Hour] = (2, 6)


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
    wrong += [*bad_credentials, *_merge_environment(values, environment)]
    sections: dict[str, BaseModel] = {}
    for name, section in _SECTIONS.items():
        try:
            sections[name] = section.model_validate(values.get(name, {}))
        except ValidationError as e:
            wrong += _explain(name, section, e)
    if wrong:
        raise ConfigError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    platforms = {
        name: PlatformConfig.model_construct(
            options=sections.pop(name), token=_secret(environment, platform.token_variable)
        )
        for name, platform in PLATFORMS.items()
    }
    secrets = {"api_token": _secret(environment, _API_TOKEN), "hash_key": _secret(environment, _HASH_KEY)}
    try:
        return Config.model_validate({"platforms": platforms, **sections, **secrets})
    except ValidationError as e:
        raise ConfigError(str(e.errors()[0]["msg"]).removeprefix("Value error, ")) from e


def _no_such_section(name: str) -> str:
    secret = _about_secret("", name)
    return f"{name}: " + (secret or f"no such section; there are {', '.join(_SECTIONS)}")


def _secret(environment: Mapping[str, str], variable: str) -> SecretStr | None:
    text = environment.get(variable, "").strip()
    return SecretStr(text) if text else None


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None and not os.path.lexists(DEFAULT_FILE):  # a link to nowhere is a mistake, too
        return {}
    file = file or DEFAULT_FILE
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise ConfigError(f"cannot read the configuration file {file}: {e.strerror}") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"the configuration file {file} is not TOML: {e}") from e


def _merge_environment(values: dict[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Put PLATFORM_SYNC_<SECTION>__<KEY> over the file's values; returns what names no key."""
    wrong = []
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in (_API_TOKEN, _HASH_KEY):
            continue
        name, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        section = _SECTIONS.get(name)
        if section is None or key not in section.model_fields:
            form = f"the form is {PREFIX}<SECTION>__<KEY>, as in {PREFIX}HTTP__PORT"
            wrong.append(f"{variable}: no such setting; {misplaced(variable, _SECRETS) or form}")
            continue
        inside = values.setdefault(name, {})
        if isinstance(inside, dict):
            inside[key] = [part.strip() for part in text.split(",")] if key in _LISTS else text
    return wrong


def _explain(section_name: str, section: type[BaseModel], error: ValidationError) -> list[str]:
    lines = []
    for key, words in wrong_fields(section, error, whole=f"a table: [{section_name}], and below it the keys"):
        if key in _LISTS:
            words += "; in the environment with commas"
        where = f"{section_name}.{key}" if key else section_name
        lines.append(f"{where}: {_about_secret(section_name, key) or words}")
    return lines


def _about_secret(section: str, key: str) -> str | None:
    """Say where a secret belongs, of a key that seems to hold one; None of any other."""
    if section in _SECTIONS and key in _SECTIONS[section].model_fields:
        return None
    return misplaced(f"{section}.{key}", _SECRETS)
