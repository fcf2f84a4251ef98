"""Turn reaction payloads into totals per emoji, as every message carries them."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from msgspec import Raw

from adapters.discord.convert.payload import Payload, as_count, as_object, as_objects, snowflake
from adapters.discord.convert.scrub import Scrubber
from adapters.discord.convert.typed import plain
from adapters.privacy import HashUser
from adapters.records import ReactionTotalRecord

_LONGEST_NAME = 100
"""In characters. A longer name is cut: no emoji is so long, and the name is an indexed key."""

_Totals: TypeAlias = tuple[str, tuple[ReactionTotalRecord, ...]]
"""An emoji's key, and its totals."""

_CUSTOM = re.compile(r"<a?:(.+:\d+)>")


def reaction_totals(value: object, hash_user: HashUser) -> tuple[ReactionTotalRecord, ...]:
    """Return how often each emoji was given to a message, each kind by itself."""
    if not value:
        return ()
    scrub = Scrubber(hash_user)
    return _of_each_emoji(_totals_of(payload, scrub) for payload in as_objects(value))


def sent_totals(reactions: Iterable[Raw], hash_user: HashUser) -> tuple[ReactionTotalRecord, ...]:
    """Return what ``reaction_totals`` returns, of reactions as they were sent: few differ, so each is read once."""
    return _of_each_emoji([_sent_totals_of(bytes(reaction), hash_user) for reaction in reactions])


def _of_each_emoji(totals: Iterable[_Totals | None]) -> tuple[ReactionTotalRecord, ...]:
    """Put the totals together; of two reactions with one emoji the last counts."""
    found: dict[str, tuple[ReactionTotalRecord, ...]] = {}
    for each in totals:
        if each:
            found[each[0]] = each[1]
    return tuple(chain.from_iterable(found.values()))


@lru_cache(maxsize=4096)
def _sent_totals_of(sent: bytes, hash_user: HashUser) -> _Totals | None:
    reaction = plain(Raw(sent))
    return _totals_of(reaction, Scrubber(hash_user)) if isinstance(reaction, dict) else None


def _totals_of(payload: Payload, scrub: Scrubber) -> _Totals | None:
    emoji = emoji_of(payload.get("emoji"), scrub)
    return (emoji[0], tuple(_kinds(*emoji, payload))) if emoji else None


def _kinds(key: str, shown: str, payload: Payload) -> Iterator[ReactionTotalRecord]:
    """Return the totals of the two kinds that were given. Discord's ``count`` is that of both."""
    burst = as_count(as_object(payload.get("count_details")).get("burst"))
    normal = as_count(payload.get("count")) - burst
    for is_burst, count in ((False, normal), (True, burst)):
        if count > 0:
            yield ReactionTotalRecord(emoji_key=key, burst=is_burst, emoji=shown, count=count)


def emoji_of(value: object, scrub: Scrubber) -> tuple[str, str] | None:
    """Return the key of an emoji and what shows it; None where neither id nor name is given.

    ``scrub`` has no users: an emoji that is called like the author has one key in all messages.
    """
    emoji = as_object(value)
    emoji_id, name = snowflake(emoji.get("id")), emoji.get("name")
    if emoji_id is None and not (name and isinstance(name, str)):
        return None
    # Discord leaves the name of a deleted custom emoji out.
    shown = _bounded(scrub(name)) if name and isinstance(name, str) else "_"
    if not shown and emoji_id is None:
        return None  # it held only characters that no database stores
    custom = f"<{'a' if emoji.get('animated') else ''}:{shown}:{emoji_id}>"
    return (emoji_id, custom) if emoji_id else (shown, shown)


def _bounded(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def url_emoji(emoji: str) -> str:
    """Return an emoji as a URL names it: the character, or ``name:id``."""
    custom = _CUSTOM.fullmatch(emoji)
    return custom[1] if custom else emoji
