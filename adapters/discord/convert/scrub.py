"""Remove user ids, names and avatars from text (docs/discord-mapping.md, section 4)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.discord.convert.names import LONGEST_NAME, Names, names_of
from adapters.discord.convert.payload import readable
from adapters.privacy import HashUser

_URL_REST = r"[^\s<>\"')\]]*"
_CDN = r"https?://(?:cdn\.discordapp\.com|media\.discordapp\.net)"
_NAME = r"(?:(?![0-9]{17})[^<>:\n])+"  # a name that is not an id in disguise

# One pass from the left; the first alternative that matches counts. Unnamed groups are kept, named ones replaced. No
# alternative may begin with a repetition: retried at each of many letters it would take quadratic time.
_TOKENS = re.compile(
    rf"""
      <(?:\#|@&|@\$)[0-9]+>
    | <a?:{_NAME}:[0-9]+>
    | </{_NAME}:[0-9]+>
    | <id:[a-z]+>
    | https?://(?:ptb\.|canary\.)?discord(?:app)?\.com/channels/(?:[0-9]+|@me)/[0-9]+(?:/[0-9]+)?
    | {_CDN}/(?:attachments|ephemeral-attachments)/[0-9]+/[0-9]+/
    | {_CDN}/(?:emojis|stickers)/[0-9]+
    | {_CDN}/(?:icons|splashes|role-icons|channel-icons)/[0-9]+/
    | [?&]hm=[0-9a-f]{{64}}(?![0-9a-f])
    | <@!?(?P<mention>[0-9]+)>
    | %3[Cc]%40(?:!|%21)?(?P<encoded>[0-9]+)%3[Ee]
    | {_CDN}/(?:avatars|banners)/(?P<avatar>[0-9]+)/{_URL_REST}
    | {_CDN}/guilds/[0-9]+/users/(?P<member>[0-9]+)/(?:avatars|banners)/{_URL_REST}
    | (?P<default>{_CDN}/embed/avatars/[0-9]+{_URL_REST})
    | discord(?:app)?\.com/users/(?P<profile>[0-9]+)
    | discord://-/users/(?P<app>[0-9]+)
    | %(?:40|21)(?P<at>[0-9]{{17,}})
    | (?P<bare>[0-9]{{17,}})
    """,
    re.VERBOSE,
)
# Matches, read backwards, the scheme and subdomains in front of a profile's host.
_SUBDOMAINS_AND_SCHEME = re.compile(r"(?:\.[a-z]+)*(?://:[a-z]+)?")
_ENCODED_RUN = re.compile(r"(?:[0-9]|%3[0-9]){17,}")
_RUN = re.compile("[0-9][0-9]{16}")  # searched for twice as fast as what begins with a repetition
_TWO_DIGITS = re.compile("[0-9][0-9]")
_MENTION = re.compile("<@!?([0-9]+)>")
# A file as Discord links to it: apart from a run of digits in its name, there is nothing to replace.
_FILE = re.compile(
    rf"{_CDN}/(?:ephemeral-)?attachments/[0-9]+/[0-9]+/([\w.-]*)"
    r"(?:\?ex=[0-9a-f]{1,16}&is=[0-9a-f]{1,16}&hm=[0-9a-f]{64}&?)?",
    re.ASCII,
)


def _has_run(text: str) -> bool:
    """Find out whether 17 digits follow each other. Where they do, two of each eighth character are digits."""
    return len(text) > 16 and _TWO_DIGITS.search(text[7::8]) is not None and _RUN.search(text) is not None


Users = Callable[[], Iterable[Mapping[str, Any]]]


class Scrubber:
    """Scrub the texts of one payload. Its users, whose names must go, are collected only if a text may hold one."""

    __slots__ = ("_hash", "_known", "_users")

    def __init__(self, hash_user: HashUser, users: Users = tuple, *, names: Names | None = None) -> None:
        self._hash = hash_user
        self._users = users
        self._known = names

    def __call__(self, text: str) -> str:
        """Return the text with every user id hashed in place, and the names of the payload's users gone."""
        if "\x00" in text or not text.isascii():
            text = readable(text)  # first, so that such characters cannot hide an id or a name
        if len(text) <= LONGEST_NAME and (owner := (self._known or self._names).owners.get(text)):
            return self._mention(owner)
        # In nearly all text no replacement can start anywhere. A single character is found faster than two.
        if "@" in text or "#" in text:
            if self._names.may_stand_in(text):
                return self._without_names(text)
            if "<@" in text:
                return self._without_ids(text)
        if ("%" in text and "%3" in text) or ("/" in text and "embed/avatars/" in text) or _has_run(text):
            return self._without_ids(text)
        return text

    @property
    def _names(self) -> Names:
        if self._known is None:
            self._known = names_of(self._users())
        return self._known

    def _mention(self, user_id: str) -> str:
        return f"<@{self._hash(user_id)}>"

    def _without_names(self, text: str) -> str:
        clean, done = list[str](), 0
        for name in self._names.find(text):
            clean += (self._without_ids(text[done : name.start]), self._mention(name.user_id))
            done = name.end
        return "".join([*clean, self._without_ids(text[done:])])

    def _without_ids(self, text: str) -> str:
        if (file := _FILE.fullmatch(text)) and not _has_run(file[1]):
            return text
        if "/" not in text and "%" not in text and "=" not in text:
            # There can be mentions, and runs of digits outside of them, and nothing else to replace.
            pieces = _MENTION.split(text)
            if not any(map(_has_run, pieces[::2])):
                pieces[1::2] = map(self._mention, pieces[1::2])
                return "".join(pieces)
        if "%3" in text:
            text = _ENCODED_RUN.sub(lambda run: re.sub("%3([0-9])", r"\1", run[0]), text)
        clean, done, free = list[str](), 0, 0  # the end of the copied part, and of the part searched for tokens
        for token in _TOKENS.finditer(text):
            if kind := token.lastgroup:
                start = token.start()
                if kind == "profile" and (before := _SUBDOMAINS_AND_SCHEME.match(text[free:start][::-1])):
                    start -= before.end()
                clean += (text[done:start], self._replacement(token, kind))
                done = token.end()
            free = token.end()
        return "".join([*clean, text[done:]])

    def _replacement(self, token: re.Match[str], kind: str) -> str:
        if kind == "default":
            return "user:default"
        hashed = self._hash(token[kind])
        if kind in ("mention", "encoded"):
            return f"<@{hashed}>"
        if kind in ("avatar", "member", "profile", "app"):
            return f"user:{hashed}"
        return token[0].replace(token[kind], hashed)
