"""Custom emoji as pictures, where pages may load them: each platform has its own at addresses of its own."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from markupsafe import Markup

Pictures: TypeAlias = Callable[[str, bool], str | None]
"""Gives the address of a custom emoji's picture, by the platform's id and whether it moves; None where it has none."""

_CUSTOM = re.compile(r"<(?P<moving>a?):(?P<name>[^<>:\s]{1,101}):(?P<id>[0-9]{1,19})>")


def emoji_as_html(emoji: str, pictures: Pictures | None) -> Markup | None:
    """Return the picture of an emoji written as ``<:name:id>``, called by its name; None where none is shown."""
    found = _CUSTOM.fullmatch(emoji)
    address = pictures(found["id"], bool(found["moving"])) if found and pictures else None
    if found is None or address is None:
        return None
    name = f":{found['name']}:"
    picture = '<img class="emoji" src="{}" alt="{}" title="{}" loading="lazy" referrerpolicy="no-referrer">'
    return Markup(picture).format(address, name, name)  # noqa: S704 # a constant, whose blanks are filled escaped


def tag_of(emoji: Mapping[str, object]) -> str:
    """Write an emoji as texts do, of one that was stored with its id beside its name, as those of polls are."""
    name, emoji_id = emoji.get("name") or "", emoji.get("id")
    return f"<:{name}:{emoji_id}>" if emoji_id else str(name)
