"""The adapters of the platforms that are configured."""

from collections.abc import Mapping
from typing import Any

from adapters.base import PlatformAdapter
from adapters.health import RequestObserver
from adapters.platform import Platform, TenantToken
from adapters.privacy import UserHasher
from bot.config import PlatformConfig


def make_adapters(
    given: Mapping[str, PlatformConfig],
    platforms: Mapping[str, Platform],
    hasher: UserHasher,
    observer: RequestObserver | None = None,
) -> dict[str, PlatformAdapter]:
    """Make the adapters of the platforms that have a token, or one of any community.

    Args:
        given: what is configured, by the platform's name.
        platforms: how each is made.
        hasher: hashes the ids of users.
        observer: gets told of requests.
    """
    return {
        name: platforms[name].make(
            **_tokens(platforms[name], one), options=one.options, hasher=hasher, observer=observer
        )
        for name, one in given.items()
        if one.secrets
    }


def _tokens(platform: Platform, given: PlatformConfig) -> dict[str, Any]:
    if given.token is not None:
        return {"token": given.token.get_secret_value()}
    return {
        "tokens": {
            platform_id: TenantToken(token.get_secret_value(), platform.token_setting(platform_id))
            for platform_id, token in given.tenant_tokens.items()
        }
    }
