"""What the configuration names that is not there: channels to include or exclude, tenants with keys of their own."""

from collections.abc import Collection, Iterable, Iterator

from adapters.options import PlatformOptions
from adapters.records import ChannelRecord, ChannelType


def strange_channels(platform: str, options: PlatformOptions, listed: Iterable[ChannelRecord]) -> Iterator[str]:
    """Say of each id in include and exclude that it names nothing, or a thread, which goes with its channel.

    ``listed`` are the channels and open threads of all communities that the bot is in.
    """
    types = {channel.platform_id: channel.type for channel in listed}
    for key, ids in (("include", options.include), ("exclude", options.exclude)):
        for one in ids:
            if one not in types:
                yield f"{platform}.{key}: {one} is no channel or category of any community the bot is in"
            elif types[one] is ChannelType.THREAD:
                yield f"{platform}.{key}: {one} is a thread or post: name its channel, with which it goes"


def strange_tenants(configured: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Say of each tenant of the configuration that there is no such one."""
    for tenant_id in configured:
        if tenant_id not in known:
            yield f'tenants."{tenant_id}": there is no such tenant, nor a community of this id that the bot is in'
