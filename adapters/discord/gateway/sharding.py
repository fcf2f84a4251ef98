"""Which guild belongs to which shard, and the shards' names: https://discord.com/developers/docs/events/gateway#sharding"""

from adapters.parts import Division


def shard_of(guild_id: int | str, shards: int) -> int:
    """Return the shard that receives a guild's events, of so many."""
    return (int(guild_id) >> 22) % shards


def part_name(shard_id: int, shards: int) -> str:
    """Return a shard's name as a part of the connection: it is another one where there are more or fewer shards."""
    return f"{shard_id}/{shards}"


def shard_named(part: str, shards: int) -> int | None:
    """Return the shard of a name; None where it is not one of so many."""
    shard_id = part.partition("/")[0]
    is_one = shard_id.isdecimal() and part == part_name(int(shard_id), shards) and int(shard_id) < shards
    return int(shard_id) if is_one else None


def division_of(shards: int) -> Division:
    """Return how the guilds are divided among so many shards."""
    parts = tuple(part_name(shard_id, shards) for shard_id in range(shards))
    return Division(parts, lambda guild_id: parts[shard_of(guild_id, shards)])
