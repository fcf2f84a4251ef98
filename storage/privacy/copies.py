"""Remove copies of emptied messages from the messages that repeat them.

A record lists the messages that it repeats, and where in its metadata. A copy of an emptied original is emptied, and so
is a copy of that copy.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.records import Copy, Metadata, MetadataPath, Original
from storage.privacy.redaction import FORGOTTEN

FORWARD: MetadataPath = ("forward",)
_KEPT = ("flags", "reference")  # what stays of a message that is a copy as a whole: that it is one, and its original
_GONE = {FORGOTTEN: True}


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a message without the copies."""

    content: str
    metadata: Metadata
    keeps_files: bool


def is_emptied(metadata: Metadata) -> bool:
    """Return whether the metadata are those of an emptied message, or of an emptied copy."""
    forward = metadata.get("forward")
    return FORGOTTEN in metadata or (isinstance(forward, Mapping) and FORGOTTEN in forward)


def without_copies(content: str, metadata: Metadata, paths: Collection[MetadataPath]) -> Rest | None:
    """Remove the copies at these paths; None where there is nothing to remove."""
    if () in paths:
        rest = {name: metadata[name] for name in _KEPT if name in metadata} | _GONE
        return None if metadata == rest and not content else Rest("", rest, keeps_files=False)
    kept: Any = metadata
    for path in sorted(paths, key=len):
        kept = _emptied_at(kept, path)
    return None if kept is metadata else Rest(content, kept, keeps_files=True)


def emptied_again(stored: Metadata, copies: Iterable[Copy]) -> set[Original]:
    """Return the originals of a message that is stored without its copy, whatever the reason; except quotes."""
    return {copy.original for copy in copies if len(copy.path) < 2} if is_emptied(stored) else set()


def _emptied_at(value: Any, path: MetadataPath) -> Any:
    """Replace the value at a path by the mark; return the value itself where nothing is there or it is emptied."""
    if not path:
        gone: Any = [_GONE] if isinstance(value, (list, tuple)) else _GONE
        return value if value == gone else gone
    key, *rest = path
    if isinstance(value, Mapping) and key in value:
        inner = _emptied_at(value[str(key)], tuple(rest))
        return value if inner is value[str(key)] else {**value, str(key): inner}
    if isinstance(value, Sequence) and isinstance(key, int) and key < len(value):
        inner = _emptied_at(value[key], tuple(rest))
        return value if inner is value[key] else [*value[:key], inner, *value[key + 1 :]]
    return value
