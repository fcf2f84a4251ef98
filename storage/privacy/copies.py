"""What others hold of an erased person's words, and how it is taken out of a message.

A forward, and an announcement that another channel follows, carry a copy of the original; what a poll ended with
repeats its question; bots quote by an embed with a link to the original. All name the original by its ids, as
docs/discord-mapping.md lists them. A copy whose original was emptied is emptied, and so is a copy of that copy.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.records import MessageRecord, Metadata
from storage.privacy.redaction import FORGOTTEN
from storage.sql import dump_json

_CROSSPOST = 1 << 1
_LINK = re.compile(r"/channels/([0-9]{1,20})/([0-9]{1,20})/([0-9]{1,20})(?![0-9])")  # longer ones are no ids
_QUOTING = ("embeds", "components")
_TELLING = frozenset(("reference", "forward", *_QUOTING))
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Original:
    """The message that something was copied from, by the platform's ids."""

    tenant_platform_id: str | None  # None: of the same community
    channel_platform_id: str
    message_platform_id: str


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a message without the copies."""

    content: str
    metadata: Metadata
    keeps_files: bool


def originals_of(kind: str, metadata: Metadata) -> set[Original]:
    """Find the messages that one of this type and metadata repeats something of."""
    if _TELLING.isdisjoint(metadata):
        return set()
    found = set() if (source := _source(kind, metadata)) is None else {source}
    for part in (*_parts(metadata), *_parts(_forward(metadata))):
        found |= _linked(part)
    return found


def is_emptied(metadata: Metadata) -> bool:
    """Find out whether this is left of an erased person's message, or of a copy of one."""
    return FORGOTTEN in metadata or ("forward" in metadata and FORGOTTEN in _forward(metadata))


def without_copies(kind: str, content: str, metadata: Metadata, emptied: Collection[Original]) -> Rest | None:
    """Take out what is copied of emptied messages; None where there is nothing of the kind."""
    kept = dict(metadata)
    if _source(kind, metadata) in emptied:
        if _is_crosspost(metadata):
            rest = {name: kept[name] for name in ("flags", "reference")} | {FORGOTTEN: True}
            return None if kept == rest and not content else Rest("", rest, False)
        kept |= {"forward": {FORGOTTEN: True}} if "forward" in kept else {"embeds": [{FORGOTTEN: True}]}
    elif "forward" in kept:
        kept["forward"] = {**_forward(kept), **_unquoted(_forward(kept), emptied)}
    kept |= _unquoted(kept, emptied)
    return None if kept == metadata else Rest(content, kept, True)


def emptied_again(stored: Metadata, kind: str, metadata: Metadata) -> set[Original]:
    """Return the original of a forward that is stored without its copy, whatever the reason was."""
    source = _source(kind, metadata)
    return {source} if source is not None and is_emptied(stored) else set()


def forwarded_text(record: MessageRecord) -> str:
    """Return the text that a forward carries; empty where it is none."""
    return str(_forward(record.metadata).get("content") or "")


def _source(kind: str, metadata: Metadata) -> Original | None:
    named: Any = metadata.get("reference")
    if not isinstance(named, Mapping) or not (named.get("message_id") and named.get("channel_id")):
        return None
    if "forward" in metadata or _is_crosspost(metadata) or kind == "poll_result":
        guild = named.get("guild_id")
        return Original(str(guild) if guild else None, str(named["channel_id"]), str(named["message_id"]))
    return None


def _is_crosspost(metadata: Metadata) -> bool:
    flags = metadata.get("flags")
    return isinstance(flags, int) and bool(flags & _CROSSPOST) and "reference" in metadata


def _forward(metadata: Metadata) -> Mapping[str, Any]:
    forward = metadata.get("forward")
    return forward if isinstance(forward, Mapping) else _NOTHING


def _parts(metadata: Mapping[str, Any]) -> list[Any]:
    return [part for name in _QUOTING for part in _listed(metadata.get(name))]


def _unquoted(metadata: Mapping[str, Any], emptied: Collection[Original]) -> dict[str, Any]:
    return {
        name: [{FORGOTTEN: True} if not _linked(part).isdisjoint(emptied) else part for part in parts]
        for name in _QUOTING
        if (parts := _listed(metadata.get(name)))
    }


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _linked(part: object) -> set[Original]:
    text = dump_json(part)
    return {Original(*ids) for ids in _LINK.findall(text)} if "/channels/" in text else set()
