"""What a text looks like without anyone in it, as docs/discord-mapping.md, section 4, says it.

Written from that page alone and in another way than the adapter's: a cursor walks over the text, and wherever
something could begin, each rule in turn is tried there.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import TypeAlias

Hash: TypeAlias = Callable[[str], str]
Name: TypeAlias = tuple[str, str]
"""A name, and the hash of whose it is."""

Rule: TypeAlias = Callable[[str, int, Hash], tuple[int, str] | None]
"""Whether a rule applies at a place: up to where, and what stands there instead."""


@cache
def hash_with(key: bytes | None) -> Hash:
    """Return the author hash: SHA-256 of the digits, keyed where there is a key."""
    if key is None:
        return lambda digits: hashlib.sha256(digits.encode()).hexdigest()
    return lambda digits: hmac.new(key, digits.encode(), hashlib.sha256).hexdigest()


def scrub(text: str, names: Iterable[Name], hash_of: Hash) -> str:
    """Return the text as it may be stored."""
    readable = _SURROGATE.sub("?", text.replace("\0", ""))
    pieces = _without_names(readable, sorted(names, key=lambda name: -len(name[0])))
    return "".join(piece if is_done else _without_ids(piece, hash_of) for is_done, piece in pieces)


# Names

_SURROGATE = re.compile("[\ud800-\udfff]")


def _without_names(text: str, names: list[Name]) -> Iterator[tuple[bool, str]]:
    """Return pieces of the text, and of each whether it is what a name became."""
    for name, author in names:
        if text == name:
            yield True, f"<@{author}>"
            return
    if "@" not in text and "#" not in text:
        names = []
    start = place = 0
    beginnings = {"@", *(name[:1] for name, _ in names)}
    while names and place < len(text):
        found = _name_at(text, place, names) if text[place] in beginnings else None
        if found is None:
            place += 1
            continue
        yield False, text[start:place]
        place += found[0]
        yield True, f"<@{found[1]}>"
        start = place
    yield False, text[start:]


def _name_at(text: str, place: int, names: list[Name]) -> tuple[int, str] | None:
    for name, author in names:
        end = place + len(name)
        if text.startswith(f"@{name}", place) and not _is_letter(text, place - 1) and _is_border(text, end + 1):
            return len(name) + 1, author
        is_tag = re.fullmatch("#[0-9]{4}", text[end : end + 5]) and not _is_letter(text, end + 5)
        if is_tag and text.startswith(name, place) and _is_border(text, place):
            return len(name) + 5, author
    return None


def _is_border(text: str, place: int) -> bool:
    """Return whether no word extends across a place; a dot between two letters does not end one."""
    before, after = _is_letter(text, place - 1), _is_letter(text, place)
    if before and after:
        return False
    if before and text[place : place + 1] == "." and _is_letter(text, place + 1):
        return False
    return not (after and place > 0 and text[place - 1] == "." and _is_letter(text, place - 2))


def _is_letter(text: str, place: int) -> bool:
    """Return whether a letter stands there; Chinese, Japanese and Korean characters each count as a word."""
    if not 0 <= place < len(text):
        return False
    letter = text[place]
    is_east_asian = any(low <= letter <= high for low, high in _EAST_ASIAN)
    return (letter.isalnum() or letter == "_") and not is_east_asian


_EAST_ASIAN = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))


# Ids

_LONG = re.compile("[0-9]{17}")
_SUSPECT = re.compile("[0-9]{17}|<@|%3|/avatars/|/users/")
_BEGINNINGS = re.compile("[<%?&0-9a-zA-Z]")

_BRACKETED = re.compile(r"<(?:#|@&|@\$|a?:[^<>:\s]+:|/[^<>:]+:)(?P<id>[0-9]+)>|<id:[^<>]*>")
_LINK = re.compile(r"https?://(?:ptb\.|canary\.)?discord(?:app)?\.com/channels/(?:@me|[0-9]+)/[0-9]+(?:/[0-9]+)?")
_HOST = r"https?://(?:cdn\.discordapp\.com|media\.discordapp\.net)"
_THING = re.compile(
    _HOST + r"/(?:(?:ephemeral-)?attachments/[0-9]+/[0-9]+/|(?:emojis|stickers)/[0-9]+"
    r"|(?:icons|splashes|role-icons|channel-icons)/[0-9]+/)"
)
_SIGNATURE = re.compile("[?&]hm=[0-9a-f]{64}(?![0-9a-f])")
_MENTION = re.compile(r"<@!?(?P<id>[0-9]+)>")
_ENCODED_MENTION = re.compile(r"%3C%40(?:%21|!)?(?P<id>[0-9]+)%3E", re.IGNORECASE)
_REST = r"""[^\s<>"')\]]*"""
_FACE = re.compile(
    _HOST + r"/(?:(?:avatars|banners)/(?P<own>[0-9]+)/"
    r"|guilds/[0-9]+/users/(?P<member>[0-9]+)/(?:avatars|banners)/|embed/avatars/[0-9])" + _REST
)
_PROFILE = re.compile(r"(?:discord://-|(?:[a-z]+://)?(?:[a-z0-9-]+\.)*discord(?:app)?\.com)/users/(?P<id>[0-9]+)")
_RUN = re.compile("[0-9]+")
_ENCODED_RUN = re.compile("(?:[0-9]|%3[0-9]){17,}")


@lru_cache(maxsize=20_000)  # a guild is compared with its archive many times
def _without_ids(text: str, hash_of: Hash) -> str:
    if not _SUSPECT.search(text):
        return text
    text = _ENCODED_RUN.sub(lambda run: re.sub("%3([0-9])", r"\1", run[0]), text)
    done: list[str] = []
    place = 0
    while place < len(text):
        end, instead = _step(text, place, hash_of)
        done.append(instead)
        place = end
    return "".join(done)


def _step(text: str, place: int, hash_of: Hash) -> tuple[int, str]:
    """Return what stands at a place: what a rule makes of it, or one character as it is."""
    if _BEGINNINGS.match(text, place):
        for rule in _RULES:
            found = rule(text, place, hash_of)
            if found is not None:
                return found
    return place + 1, text[place]


def _thing(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    """Return what names a thing by its id as it is, unless a long number hides elsewhere in it."""
    for pattern in (_BRACKETED, _LINK, _THING):
        found = pattern.match(text, place)
        if found and not _LONG.search(_outside_ids(pattern, found)):
            return found.end(), found[0]
    return None


def _outside_ids(pattern: re.Pattern[str], found: re.Match[str]) -> str:
    if pattern is _BRACKETED and found["id"]:
        return text_around(found, "id")
    if pattern is _BRACKETED:
        return found[0]
    return re.sub("/[0-9]+", "/", found[0])


def text_around(found: re.Match[str], group: str) -> str:
    """Return what was found but for one group, which leaves a gap."""
    start, end = found.span(group)
    return f"{found.string[found.start() : start]} {found.string[end : found.end()]}"


def _signature(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    found = _SIGNATURE.match(text, place)
    return (found.end(), found[0]) if found else None


def _mention(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    found = _MENTION.match(text, place) or _ENCODED_MENTION.match(text, place)
    return (found.end(), f"<@{hash_of(found['id'])}>") if found else None


def _face(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    found = _FACE.match(text, place)
    if found is None:
        return None
    owner = found["own"] or found["member"]
    return found.end(), f"user:{hash_of(owner)}" if owner else "user:default"


def _profile(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    found = _PROFILE.match(text, place)
    return (found.end(), f"user:{hash_of(found['id'])}") if found else None


def _escape(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    """Split an encoded @ or ! off the number after it."""
    return (place + 3, text[place : place + 3]) if text[place : place + 3] in ("%40", "%21") else None


def _run(text: str, place: int, hash_of: Hash) -> tuple[int, str] | None:
    found = _RUN.match(text, place)
    if found is None:
        return None
    return found.end(), hash_of(found[0]) if len(found[0]) >= 17 else found[0]


_RULES: tuple[Rule, ...] = (_thing, _signature, _mention, _face, _profile, _escape, _run)
