"""The tables [tenants."<platform>-<platform id>"] of the configuration: one for each tenant that is to differ."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from adapters.platform import Platform
from bot.sections import TenantConfig
from bot.wording import wrong_fields

_EXAMPLE = 'as in [tenants."discord-1098765432109876543"]'


def tenant_sections(given: object, platforms: Mapping[str, Platform]) -> tuple[dict[str, TenantConfig], list[str]]:
    """Read the tables; the second result names each wrong key with what would be right."""
    if not isinstance(given, dict):
        return {}, [f"tenants: must be tables, {_EXAMPLE}"]
    found: dict[str, TenantConfig] = {}
    wrong: list[str] = []
    for tenant_id, values in given.items():
        where = f'tenants."{tenant_id}"'
        if (fault := _fault_of(str(tenant_id), platforms)) is not None:
            wrong.append(f"{where}: {fault}")
            continue
        try:
            found[tenant_id] = TenantConfig.model_validate(values)
        except ValidationError as e:
            fields = wrong_fields(TenantConfig, e, whole=f"a table, {_EXAMPLE}")
            wrong += [f"{where}{f'.{key}' if key else ''}: {words}" for key, words in fields]
    return found, wrong


def _fault_of(tenant_id: str, platforms: Mapping[str, Platform]) -> str | None:
    """Return why no tenant can have an id; None where one can."""
    platform, _, platform_id = tenant_id.partition("-")
    if platform not in platforms:
        return f"names no platform that there is ({', '.join(platforms)}); a tenant is written {_EXAMPLE}"
    if not re.fullmatch(platforms[platform].id_pattern, platform_id):
        return f"{platform_id!r} is no id of {platform}; a tenant is written {_EXAMPLE}"
    return None
