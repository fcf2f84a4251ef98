"""The configuration: a TOML file, overridden by the environment; secrets by the environment only."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

PREFIX = "PLATFORM_SYNC_"
DEFAULT_FILE = Path("config.toml")
_SECRETS = {
    "discord_bot_token": "DISCORD_BOT_TOKEN",
    "api_token": "PLATFORM_SYNC_API_TOKEN",
    "hash_key": "PLATFORM_SYNC_HASH_KEY",
}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConfigError(Exception):
    """The configuration is wrong; the message names every wrong key and what would be right."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DiscordConfig(_Section):
    """[discord]"""

    rest_url: str | None = None
    gateway_url: str | None = None
    requests_per_second: Annotated[float, Field(gt=0)] = 40.0
    channel_requests_per_second: Annotated[float, Field(gt=0)] = 0.9
    auto_create_tenants: bool = True

    @field_validator("rest_url", "gateway_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError("must be a URL such as https://discord.com/api/v10 or wss://gateway.discord.gg/")
        return value


class DatabaseConfig(_Section):
    """[database]"""

    url: str = "sqlite+aiosqlite:///data/archive.db"

    @field_validator("url")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite+aiosqlite:/// or postgresql+psycopg://")
        return value


class HttpConfig(_Section):
    """[http]"""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    allowed_hosts: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in _LOOPBACK or self.host.startswith("127.")


class SyncConfig(_Section):
    """[sync]"""

    interval: Annotated[int, Field(ge=60, le=30 * 86_400)] = 3600
    batch_size: Annotated[int, Field(ge=100, le=10_000)] = 1000
    concurrent_tenants: Annotated[int, Field(ge=1, le=100)] = 4
    concurrent_channels: Annotated[int, Field(ge=1, le=500)] = 64


class LogConfig(_Section):
    """[log]"""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"


class Config(_Section):
    """Everything the process is told from outside."""

    discord: DiscordConfig = DiscordConfig()
    database: DatabaseConfig = DatabaseConfig()
    http: HttpConfig = HttpConfig()
    sync: SyncConfig = SyncConfig()
    log: LogConfig = LogConfig()
    discord_bot_token: SecretStr | None = None
    api_token: SecretStr | None = None
    hash_key: SecretStr | None = None

    @field_validator("discord_bot_token", "api_token", "hash_key")
    @classmethod
    def _is_said(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value().strip() else None

    @model_validator(mode="after")
    def _guarded(self) -> "Config":
        if self.api_token is None and not self.http.is_loopback:
            raise ValueError(
                f"http.host {self.http.host} can be reached from other machines: set PLATFORM_SYNC_API_TOKEN, "
                "or use a loopback address such as 127.0.0.1"
            )
        return self


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration from a file (config.toml where there is one) and the environment.

    Raises:
        ConfigError: names every unknown or bad key at once.
    """
    values = _from_file(file)
    wrong = [f"{name}: a secret belongs into the environment ({_SECRETS[name]})" for name in _SECRETS if name in values]
    wrong += _merge_environment(values, environment)
    for name, variable in _SECRETS.items():
        values[name] = environment.get(variable)
    try:
        config = Config.model_validate(values)
    except ValidationError as e:
        wrong += [_explain(error) for error in e.errors(include_input=False, include_url=False)]
    if wrong:
        raise ConfigError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    return config


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None and not DEFAULT_FILE.exists():
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
        if not variable.startswith(PREFIX) or variable in _SECRETS.values():
            continue
        section, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        known = _sections().get(section)
        if known is None or key not in known.model_fields:
            wrong.append(f"{variable}: no such setting; the form is {PREFIX}<SECTION>__<KEY>, as in {PREFIX}HTTP__PORT")
            continue
        inside = values.setdefault(section, {})
        if isinstance(inside, dict):
            inside[key] = [part.strip() for part in text.split(",")] if key == "allowed_hosts" else text
    return wrong


def _sections() -> dict[str, type[_Section]]:
    annotated = {name: field.annotation for name, field in Config.model_fields.items()}
    return {n: kind for n, kind in annotated.items() if isinstance(kind, type) and issubclass(kind, _Section)}


def _explain(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "configuration"
    if error["type"] == "extra_forbidden":
        section = _sections().get(str(error["loc"][0])) if len(error["loc"]) > 1 else None
        known = section.model_fields if section else _sections()
        return f"{where}: no such key; there are {', '.join(known)}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"
