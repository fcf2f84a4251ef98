"""Remove user ids, names and avatars from text (docs/discord-mapping.md, section 4)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters.privacy import HashUser

_URL_REST = r"[^\s<>\"')\]]*"
_CDN = r"https?://(?:cdn\.discordapp\.com|media\.discordapp\.net)"
_NAME = r"(?:(?![0-9]{17})[^<>:\n])+"  # a name that is not an id in disguise

# One pass from the left, first alternative that fits. Unnamed: kept as it is. Named: replaced.
_TOKENS = re.compile(
    rf"""
      <(?:\#|@&)[0-9]+>
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
    | (?:[a-z]+://)?(?:[a-z]+\.)*discord(?:app)?\.com/users/(?P<profile>[0-9]+)
    | discord://-/users/(?P<app>[0-9]+)
    | %(?:40|21)(?P<at>[0-9]{{17,}})
    | (?P<bare>[0-9]{{17,}})
    """,
    re.VERBOSE,
)
_ENCODED_RUN = re.compile(r"(?:[0-9]|%3[0-9]){17,}")
_RUN = re.compile("[0-9]{17}")


def _is_harmless(text: str) -> bool:
    """Return whether no replacement can start anywhere in the text, as in nearly all text, by a few quick searches."""
    return not (_RUN.search(text) or "<@" in text or "%3" in text or "embed/avatars/" in text)


_LONGEST_NAME = 32  # Discord's limit, for every kind of name
Users = Callable[[], Iterable[Mapping[str, Any]]]


class Scrubber:
    """Scrub the texts of one payload. Its users, whose names must go, are collected only if a text may hold one."""

    __slots__ = ("_hash", "_known", "_users")

    def __init__(self, hash_user: HashUser, users: Users = tuple) -> None:
        self._hash = hash_user
        self._users = users
        self._known: dict[str, str] | None = None

    def __call__(self, text: str) -> str:
        """Return the text with every user id hashed in place, and the names of the payload's users gone."""
        if "\x00" in text or not text.isascii():
            # What a database cannot hold goes first: an id or a name must not hide behind it.
            text = text.replace("\x00", "").encode("utf-8", "replace").decode()
        if len(text) <= _LONGEST_NAME and text in self._names:
            return self._mention(self._names[text])
        if ("@" in text or "#" in text) and self._names:
            return self._without_names(text)
        return text if _is_harmless(text) else self._without_ids(text)

    @property
    def _names(self) -> dict[str, str]:
        if self._known is None:
            self._known = _names(self._users())
        return self._known

    def _mention(self, user_id: str) -> str:
        return f"<@{self._hash(user_id)}>"

    def _without_names(self, text: str) -> str:
        present = [name for name in self._names if "@" + name in text or name + "#" in text]
        if not present:
            return self._without_ids(text)
        present.sort(key=len, reverse=True)
        either = "|".join(re.escape(name) for name in present)
        pieces = re.split(f"@(?:{either})|(?:{either})#[0-9]{{4}}", text)
        found = re.findall(f"@({either})|({either})#[0-9]{{4}}", text)
        clean = [self._without_ids(pieces[0])]
        for (at, tag), piece in zip(found, pieces[1:], strict=True):
            clean += (self._mention(self._names[at or tag]), self._without_ids(piece))
        return "".join(clean)

    def _without_ids(self, text: str) -> str:
        if "%3" in text:
            text = _ENCODED_RUN.sub(lambda run: re.sub("%3([0-9])", r"\1", run[0]), text)
        return _TOKENS.sub(self._replace, text)

    def _replace(self, token: re.Match[str]) -> str:
        kind = token.lastgroup
        if kind is None:
            return token[0]
        if kind == "default":
            return "user:default"
        hashed = self._hash(token[kind])
        if kind in ("mention", "encoded"):
            return f"<@{hashed}>"
        if kind in ("avatar", "member", "profile", "app"):
            return f"user:{hashed}"
        return token[0].replace(token[kind], hashed)


def _names(users: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for user in users:
        user_id = user.get("id")
        if not user_id:
            continue
        for key in ("username", "global_name", "nick"):
            name = user.get(key)
            if name and isinstance(name, str) and len(name) > 1:
                names.setdefault(name, str(user_id))
    return names
