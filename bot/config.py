"""The configuration: a TOML file, overridden by the environment; secrets by the environment or as credentials only."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, SerializeAsAny, ValidationError, model_validator

from adapters.options import PlatformOptions
from adapters.registry import PLATFORMS
from bot.credentials import misplaced, with_credentials
from bot.environment import FEWEST_CHARACTERS, LISTS, PREFIX, merge_environment, read_secret
from bot.sections import (
    DatabaseConfig,
    HttpConfig,
    LogConfig,
    PagesConfig,
    RetentionConfig,
    SearchConfig,
    Section,
    SyncConfig,
    TenantConfig,
)
from bot.tenant_sections import tenant_sections
from bot.wording import wrong_fields

DEFAULT_FILE = Path("config.toml")
_API_TOKEN = PREFIX + "API_TOKEN"
HASH_KEY = PREFIX + "HASH_KEY"
"""The variable of the key that users' ids are hashed with."""
MOVE_TO = PREFIX + "MOVE_TO"
"""The variable, or credential, of the database that the archive is moved to, which may hold a password."""
_DATABASE_URL = PREFIX + "DATABASE__URL"  # may hold a password
_SECRETS = {  # which variable holds a secret, by words in a misplaced key's name; the first match counts
    "hash": HASH_KEY,
    "api": _API_TOKEN,
    "http": _API_TOKEN,
    **{name: platform.token_variable for name, platform in PLATFORMS.items()},
    "": " or ".join(platform.token_variable for platform in PLATFORMS.values()),
}


class ConfigError(Exception):
    """The configuration is wrong; the message names every wrong key and what would be right."""


class PlatformConfig(Section):
    """A platform's section, and its token where one is set."""

    options: SerializeAsAny[PlatformOptions]
    token: SecretStr | None


class Config(Section):
    """Everything that the process takes from outside."""

    platforms: dict[str, PlatformConfig]
    database: DatabaseConfig = DatabaseConfig()
    http: HttpConfig = HttpConfig()
    pages: PagesConfig = PagesConfig()
    sync: SyncConfig = SyncConfig()
    search: SearchConfig = SearchConfig()
    retention: RetentionConfig = RetentionConfig()
    log: LogConfig = LogConfig()
    tenants: dict[str, TenantConfig] = Field(default_factory=dict)
    api_token: SecretStr | None = None
    hash_key: SecretStr | None = None

    @property
    def intervals(self) -> dict[str, timedelta]:
        """The time between two syncs of the tenants that have one of their own."""
        return {tenant_id: tenant.interval for tenant_id, tenant in self.tenants.items() if tenant.interval}

    @property
    def own_content_days(self) -> dict[str, int]:
        """For how many days content is kept in the tenants that have a time of their own; 0: for ever."""
        days = {tenant_id: tenant.content_days for tenant_id, tenant in self.tenants.items()}
        return {tenant_id: count for tenant_id, count in days.items() if count is not None}

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
    "pages": PagesConfig,
    "sync": SyncConfig,
    "search": SearchConfig,
    "retention": RetentionConfig,
    "log": LogConfig,
    **{name: platform.options for name, platform in PLATFORMS.items()},
}


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read a file (config.toml where there is one), credentials and the environment; the last wins.

    Raises:
        ConfigError: names every unknown or bad key at once.
    """
    values = _from_file(file)
    of_tenants, wrong_tenants = tenant_sections(values.pop("tenants", {}))
    wrong = [_no_such_section(name) for name in values if name not in _SECTIONS]
    tokens = [platform.token_variable for platform in PLATFORMS.values()]
    environment, bad_credentials = with_credentials(environment, [*tokens, _API_TOKEN, HASH_KEY, _DATABASE_URL])
    secrets, bad_secrets = _read_secrets(environment, tokens)
    wrong += [*wrong_tenants, *bad_credentials, *bad_secrets]
    wrong += merge_environment(values, environment, _SECTIONS, (_API_TOKEN, HASH_KEY, MOVE_TO), _SECRETS)
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
    ours = {"api_token": secrets[_API_TOKEN], "hash_key": secrets[HASH_KEY]}
    try:
        return Config.model_validate({"platforms": platforms, "tenants": of_tenants, **sections, **ours})
    except ValidationError as e:
        raise ConfigError(str(e.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")) from None


def target_of_move(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the database that the archive is to be moved to, where the environment or a credential names one.

    Raises:
        ConfigError: the credential cannot be read.
    """
    merged, wrong = with_credentials(environment, [MOVE_TO])
    if wrong:
        raise ConfigError("; ".join(wrong))
    return merged.get(MOVE_TO, "").strip() or None


def _no_such_section(name: str) -> str:
    secret = misplaced(name, _SECRETS)
    return f"{name}: " + (secret or f"no such section; there are {', '.join([*_SECTIONS, 'tenants'])}")


def _read_secrets(
    environment: Mapping[str, str], tokens: Iterable[str]
) -> tuple[dict[str, SecretStr | None], list[str]]:
    """Read the platforms' tokens and our own secrets from their variables; the second result lists the errors."""
    found = {name: read_secret(environment, name) for name in tokens}
    found[_API_TOKEN] = read_secret(environment, _API_TOKEN, fewest=FEWEST_CHARACTERS)
    found[HASH_KEY] = read_secret(environment, HASH_KEY, fewest=FEWEST_CHARACTERS)
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
