"""Which shards of the bot a process connects, as the configuration says."""

import re
from dataclasses import dataclass

MOST_SHARDS = 100_000
_ONE = re.compile(r"(\d{1,6})(?:\s*-\s*(\d{1,6}))?", re.ASCII)
_EXAMPLES = '"all", "auto", or numbers and ranges such as "0-15" or "0-3,8-11"'


@dataclass(frozen=True, slots=True)
class ShardChoice:
    """``count`` is None where Discord's recommendation is followed, ``ids`` where all are connected, or shared ones."""

    count: int | None = None
    ids: frozenset[int] | None = None
    is_shared: bool = False  # the bot's processes divide the shards among themselves


ALL_SHARDS = ShardChoice()


def shard_choice(shards: str, count: int | None) -> ShardChoice:
    """Parse ``shards``, of so many.

    Raises:
        ValueError: it says nothing that can be; the text says what would be right.
    """
    if shards in ("all", "auto"):
        return ShardChoice(count, is_shared=shards == "auto")
    ids: set[int] = set()
    for one in shards.split(","):
        span = _span(one.strip(), count)
        if doubled := ids.intersection(span):
            raise ValueError(f"shard {min(doubled)} is named twice: write {_written(ids.union(span))}")
        ids.update(span)
    if count is None:
        raise ValueError(
            f"{_written(ids)} are some of how many? Set shard_count as well, to the same number in each process, "
            "for a guild belongs to another shard where there are more or fewer"
        )
    return ShardChoice(count, frozenset(ids))


def _span(text: str, count: int | None) -> range:
    found = _ONE.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" names no shards: write {_EXAMPLES}')
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f'"{text}" goes backwards: write "{last}-{first}"')
    if last >= (count or MOST_SHARDS):
        raise ValueError(
            f'"{text}": shards are counted from 0, and the last one of {count or MOST_SHARDS} is '
            f"{(count or MOST_SHARDS) - 1}"
        )
    return range(first, last + 1)


def _written(ids: set[int]) -> str:
    """Write shards as the configuration has them."""
    spans: list[list[int]] = []
    for shard_id in sorted(ids):
        if spans and spans[-1][-1] == shard_id - 1:
            spans[-1][1:] = [shard_id]
        else:
            spans.append([shard_id])
    return '"' + ",".join("-".join(map(str, span)) for span in spans) + '"'
