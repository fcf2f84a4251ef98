"""Find which messages a message repeats, and where in its metadata (docs/discord-mapping.md).

A forward, and an announcement that another channel follows, carry a copy of the original; a poll's result repeats its
question; bots quote by an embed or a component with a link to the original.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from adapters.records import Copy, MetadataPath, Original

_CROSSPOST = 1 << 1  # of the flags: an announcement of a channel that this one follows
_LINK = re.compile(r"/channels/([0-9]{1,20})/([0-9]{1,20})/([0-9]{1,20})(?![0-9])")  # longer ones are no ids
_QUOTING = ("embeds", "components")
_TELLING = frozenset(("reference", "forward", *_QUOTING))


def copies(kind: str, metadata: Mapping[str, Any]) -> tuple[Copy, ...]:
    """Return what a message of this type and metadata repeats of other messages."""
    if _TELLING.isdisjoint(metadata):
        return ()
    found = [*_referred(kind, metadata), *_quoted(metadata, ())]
    if isinstance(forward := metadata.get("forward"), Mapping):
        found += _quoted(forward, ("forward",))
    return tuple(dict.fromkeys(found))


def _referred(kind: str, metadata: Mapping[str, Any]) -> Iterator[Copy]:
    """Yield the message that this one refers to, if it carries a copy of it."""
    named = metadata.get("reference")
    if not isinstance(named, Mapping) or not (named.get("message_id") and named.get("channel_id")):
        return
    path: MetadataPath
    if (metadata.get("flags") or 0) & _CROSSPOST:
        path = ()
    elif "forward" in metadata:
        path = ("forward",)
    elif kind == "poll_result":
        path = ("embeds",)
    else:
        return
    yield Copy(Original(named.get("guild_id"), named["channel_id"], named["message_id"]), path)


def _quoted(holder: Mapping[str, Any], path: MetadataPath) -> Iterator[Copy]:
    """Yield the messages that embeds and components link to."""
    for name in _QUOTING:
        parts = holder.get(name)
        for number, part in enumerate(parts if isinstance(parts, Sequence) else ()):
            for ids in _LINK.findall(str(part)) if b"/channels/" in orjson.dumps(part) else ():
                yield Copy(Original(*ids), (*path, name, number))
