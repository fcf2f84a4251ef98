"""A search for many words at once: for what no stored byte may hold."""

import re
from collections import defaultdict
from collections.abc import Iterable


def any_of(words: Iterable[str]) -> re.Pattern[bytes]:
    """Return what finds any of the words, in one pass over the bytes; a pass for each word takes minutes."""
    wanted = {word.encode() for word in words}
    assert all(wanted), "an empty word is everywhere"
    found = re.compile(_tree(wanted))
    assert all(found.search(word) for word in wanted)
    return found


def _tree(endings: set[bytes]) -> bytes:
    """Words with a common beginning share it, so that at no place more than one is tried."""
    if b"" in endings:
        return b""
    by_first: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for ending in endings:
        by_first[ending[:1]].add(ending[1:])
    branches = [re.escape(first) + _tree(rest) for first, rest in sorted(by_first.items())]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
