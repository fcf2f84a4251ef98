"""Read the platforms' tokens: one for the bot or, where a platform has it so, one for each community."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from adapters.platform import Platform
from bot.environment import read_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformTokens:
    """The tokens of one platform: the bot's, or the communities' by the platform's ids."""

    token: SecretStr | None = None
    of_tenants: Mapping[str, SecretStr] = field(default_factory=dict)


def token_variables(platforms: Mapping[str, Platform], given: Collection[str]) -> list[str]:
    """List the variables that may hold tokens; those of communities are known only by what was given."""
    beginnings = tuple(platform.token_setting("") for platform in platforms.values() if platform.has_tenant_tokens)
    of_tenants = sorted({name for name in given if name.startswith(beginnings)}) if beginnings else []
    return [*(platform.token_variable for platform in platforms.values()), *of_tenants]


def read_tokens(
    environment: Mapping[str, str], platforms: Mapping[str, Platform], variables: Collection[str]
) -> tuple[dict[str, PlatformTokens], list[str]]:
    """Read the tokens by platform; the second result lists the errors, and quotes no token.

    Args:
        environment: the environment variables, and the credentials.
        platforms: the platforms by name.
        variables: as ``token_variables`` gave them.
    """
    found: dict[str, PlatformTokens] = {}
    wrong: list[str] = []
    for name, platform in platforms.items():
        token, fault = read_secret(environment, platform.token_variable)
        if platform.has_tenant_tokens:
            if token or fault:
                wrong.append(
                    f"{platform.token_variable}: each community of {name} has a token of its own: put it into "
                    f"{platform.token_setting()}, with the community's id"
                )
            of_tenants, faults = _of_tenants(name, platform, environment, variables)
            found[name] = PlatformTokens(of_tenants=of_tenants)
            wrong += faults
        else:
            found[name] = PlatformTokens(token=token)
            wrong += [fault] if fault else []
    return found, wrong


def _of_tenants(
    name: str, platform: Platform, environment: Mapping[str, str], variables: Collection[str]
) -> tuple[dict[str, SecretStr], list[str]]:
    beginning = platform.token_setting("")
    found: dict[str, SecretStr] = {}
    wrong: list[str] = []
    holder: dict[str, str] = {}  # the variable of each token
    for variable in variables:
        platform_id = variable.removeprefix(beginning)
        if platform_id == variable:
            continue
        token, fault = read_secret(environment, variable)
        if not re.fullmatch(platform.id_pattern, platform_id):
            wrong.append(f"{variable}: {platform_id!r} is no id of {name}; the form is {platform.token_setting()}")
        elif token is None:
            wrong.append(fault or f"{variable}: is empty: put the community's token there, or take the variable out")
        elif (other := holder.setdefault(token.get_secret_value(), variable)) != variable:
            wrong.append(f"{variable}: holds the token that {other} holds, and each community has one of its own")
        else:
            found[platform_id] = token
    return found, wrong
