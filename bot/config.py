"""The configuration: a TOML file, overridden by the environment; secrets by the environment or as credentials only."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, SerializeAsAny, ValidationError, model_validator

from adapters.options import PlatformOptions
from adapters.platform import Platform
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot.credentials import misplaced, names_of_credentials, with_credentials
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
from bot.tokens import read_tokens, token_variables
from bot.wording import wrong_fields

DEFAULT_FILE = Path("config.toml")
_API_TOKEN = PREFIX + "API_TOKEN"
HASH_KEY = PREFIX + "HASH_KEY"
"""The variable of the key that users' ids are hashed with."""
MOVE_TO = PREFIX + "MOVE_TO"
"""The variable, or credential, of the database that the archive is moved to, which may hold a password."""
_DATABASE_URL = PREFIX + "DATABASE__URL"  # may hold a password


class ConfigError(Exception):
    """The configuration is wrong; the message names every wrong key and what would be right."""


class PlatformConfig(Section):
    """A platform's section, and its token where one is set, or those of its communities by their ids there."""

    options: SerializeAsAny[PlatformOptions]
    token: SecretStr | None
    tenant_tokens: dict[str, SecretStr] = Field(default_factory=dict)

    @property
    def secrets(self) -> list[SecretStr]:
        """Every token."""
        return [*([self.token] if self.token else []), *self.tenant_tokens.values()]


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
    def hasher(self) -> UserHasher:
        """What turns user ids into pseudonyms."""
        return UserHasher(self.hash_key.get_secret_value().encode() if self.hash_key else None)

    @property
    def intervals(self) -> dict[str, timedelta]:
        """The time between two syncs of the tenants that have one of their own."""
        return {tenant_id: tenant.interval for tenant_id, tenant in self.tenants.items() if tenant.interval}

    @property
    def repair_lookbacks(self) -> dict[str, timedelta]:
        """How far back gaps are repaired on the platforms that have a time of their own, by the platform's name."""
        lookbacks = {name: platform.options.repair_lookback for name, platform in self.platforms.items()}
        return {name: lookback for name, lookback in lookbacks.items() if lookback is not None}

    @property
    def own_content_days(self) -> dict[str, int]:
        """For how many days content is kept in the tenants that have a time of their own; 0: for ever."""
        days = {tenant_id: tenant.content_days for tenant_id, tenant in self.tenants.items()}
        return {tenant_id: count for tenant_id, count in days.items() if count is not None}

    @property
    def secrets(self) -> list[str]:
        """Every value that must not show in a log."""
        tokens = [token for platform in self.platforms.values() for token in platform.secrets]
        held = [self.api_token, self.hash_key, *tokens]
        return [*(secret.get_secret_value() for secret in held if secret), *self.database.passwords]

    @model_validator(mode="after")
    def _guarded(self) -> "Config":
        if self.api_token is None and not self.http.is_loopback:
            raise ValueError(
                f'http.host "{self.http.host}" can be reached from other machines: set {_API_TOKEN}, '
                "or use a loopback address such as 127.0.0.1"
            )
        return self


_OURS: dict[str, type[BaseModel]] = {
    "database": DatabaseConfig,
    "http": HttpConfig,
    "pages": PagesConfig,
    "sync": SyncConfig,
    "search": SearchConfig,
    "retention": RetentionConfig,
    "log": LogConfig,
}


def load(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    platforms: Mapping[str, Platform] = PLATFORMS,
) -> Config:
    """Read a file (config.toml where there is one), credentials and the environment; the last wins.

    Raises:
        ConfigError: names every unknown or bad key at once.
    """
    values = _from_file(file)
    known = sections_of(platforms)
    places = _places_of_secrets(platforms)
    of_tenants, wrong = tenant_sections(values.pop("tenants", {}), platforms)
    wrong = [*(_no_such_section(name, known, places) for name in values if name not in known), *wrong]
    handed_over, unlisted = names_of_credentials(environment)
    variables = token_variables(platforms, [*environment, *handed_over])
    environment, unread = with_credentials(environment, [*variables, _API_TOKEN, HASH_KEY, _DATABASE_URL])
    tokens, bad_tokens = read_tokens(environment, platforms, variables)
    ours, bad_secrets = _read_secrets(environment)
    wrong += [*unlisted, *unread, *bad_tokens, *bad_secrets]
    wrong += merge_environment(values, environment, known, (_API_TOKEN, HASH_KEY, MOVE_TO), places)
    sections: dict[str, BaseModel] = {}
    for name, section in known.items():
        try:
            sections[name] = section.model_validate(values.get(name, {}))
        except ValidationError as e:
            wrong += _explain(name, section, e, places)
    if wrong:
        raise ConfigError("the configuration is wrong:\n" + "\n".join(f"  {line}" for line in wrong))
    of_platforms = {
        name: PlatformConfig.model_construct(
            options=sections.pop(name), token=tokens[name].token, tenant_tokens=dict(tokens[name].of_tenants)
        )
        for name in platforms
    }
    try:
        return Config.model_validate({"platforms": of_platforms, "tenants": of_tenants, **sections, **ours})
    except ValidationError as e:
        raise ConfigError(str(e.errors(include_input=False)[0]["msg"]).removeprefix("Value error, ")) from None


def sections_of(platforms: Mapping[str, Platform]) -> dict[str, type[BaseModel]]:
    """Return every section that there is, by its name."""
    return {**_OURS, **{name: platform.options for name, platform in platforms.items()}}


def _places_of_secrets(platforms: Mapping[str, Platform]) -> dict[str, str]:
    """Return which variable holds a secret, by words in a misplaced key's name; the first match counts."""
    tokens = {name: platform.token_setting() for name, platform in platforms.items()}
    return {"hash": HASH_KEY, "api": _API_TOKEN, "http": _API_TOKEN, **tokens, "": " or ".join(tokens.values())}


def target_of_move(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the database that the archive is to be moved to, where the environment or a credential names one.

    Raises:
        ConfigError: the credential cannot be read.
    """
    merged, wrong = with_credentials(environment, [MOVE_TO])
    if wrong:
        raise ConfigError("; ".join(wrong))
    return merged.get(MOVE_TO, "").strip() or None


def _no_such_section(name: str, known: Iterable[str], places: Mapping[str, str]) -> str:
    secret = misplaced(name, places)
    return f"{name}: " + (secret or f"no such section; there are {', '.join([*known, 'tenants'])}")


def _read_secrets(environment: Mapping[str, str]) -> tuple[dict[str, SecretStr | None], list[str]]:
    """Read our own secrets from their variables; the second result lists the errors."""
    api_token, wrong_token = read_secret(environment, _API_TOKEN, fewest=FEWEST_CHARACTERS)
    hash_key, wrong_key = read_secret(environment, HASH_KEY, fewest=FEWEST_CHARACTERS)
    return {"api_token": api_token, "hash_key": hash_key}, [wrong for wrong in (wrong_token, wrong_key) if wrong]


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


def _explain(
    section_name: str, section: type[BaseModel], error: ValidationError, places: Mapping[str, str]
) -> list[str]:
    lines = []
    for key, words in wrong_fields(section, error, whole=f"a table: [{section_name}], and below it the keys"):
        where = f"{section_name}.{key}" if key else section_name
        secret = misplaced(where, places) if key not in section.model_fields else None
        lines.append(f"{where}: {secret or words}{'; in the environment with commas' if key in LISTS else ''}")
    return lines
