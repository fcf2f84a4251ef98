"""JSON and text that both databases accept.

PostgreSQL holds no NUL character and neither database holds a lone surrogate. Platforms send both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import orjson

T = TypeVar("T")

_INTEGERS = range(-(2**63), 2**64)  # what orjson writes


def dump_json(value: Any) -> str:
    """Write JSON text, cleaned where it has to be. Dataclasses become objects.

    Raises:
        TypeError: the value has no JSON form.
    """
    if value == {}:  # as most messages' metadata
        return "{}"
    try:
        text = orjson.dumps(value, default=as_plain)
    except TypeError:  # a lone surrogate, or an integer of more than 64 bits
        return orjson.dumps(clean(value), default=as_plain).decode()
    if b"\\u0000" in text:  # or the six characters themselves, which cleaning leaves alone
        text = orjson.dumps(clean(value), default=as_plain)
    return text.decode()


def is_clean(value: Any) -> bool:
    """Find out whether no text inside needs cleaning. May say no of one that holds a backslash before "u0000"."""
    try:
        return b"\\u0000" not in orjson.dumps(value, default=as_plain)
    except TypeError:
        return False


def clean(value: T) -> T:
    """Take NUL characters out of a value; lone surrogates become "?", too large integers text."""
    cleaned: Any = value
    if isinstance(value, str):
        cleaned = clean_text(value)
    elif isinstance(value, int) and value not in _INTEGERS:
        cleaned = str(value)
    elif is_dataclass(value) and not isinstance(value, type):
        cleaned = replace(value, **{f.name: clean(getattr(value, f.name)) for f in fields(value)})
    elif isinstance(value, Mapping):
        cleaned = {clean(k): clean(v) for k, v in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        cleaned = tuple(clean(v) for v in value)
    return cleaned  # type: ignore[no-any-return] # of the same type but for the two exotic cases


def clean_text(text: str) -> str:
    """Take NUL characters out of a text; lone surrogates become "?"."""
    if text.isascii() and "\0" not in text:
        return text  # keeps a StrEnum what it is
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def as_plain(value: object) -> object:
    """Make dicts and lists of other mappings and sequences, for orjson, which knows no others."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(type(value).__name__)
