"""Parlour as an entry of the registry: each workspace has a token of its own."""

from collections.abc import Mapping

from adapters.health import RequestObserver
from adapters.options import PlatformOptions
from adapters.platform import Platform, TenantToken
from adapters.privacy import UserHasher
from tests.support.parlour.adapter import ParlourAdapter
from tests.support.parlour.house import House


def parlour_platform(house: House) -> Platform:
    """Return the entry, whose adapters connect to ``house``."""

    def make(
        *,
        tokens: Mapping[str, TenantToken],
        options: PlatformOptions,
        hasher: UserHasher,
        observer: RequestObserver | None,
    ) -> ParlourAdapter:
        return ParlourAdapter(house, hasher.of, tokens)

    return Platform(
        options=PlatformOptions,
        token_variable="PARLOUR_TOKEN",
        id_pattern=ParlourAdapter.id_pattern,
        user_id_pattern=ParlourAdapter.user_id_pattern,
        words=ParlourAdapter.words,
        make=make,
        message_url=lambda *ids: "/".join(ids),
        has_tenant_tokens=True,
    )
