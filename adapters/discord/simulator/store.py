"""Where a channel's messages are: the protocol, and the store of hand-made and living channels."""

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Payload: TypeAlias = dict[str, Any]


class MessageStore(Protocol):
    """The messages of one channel, as Discord's REST API would answer."""

    @property
    def last_id(self) -> int | None:
        """The newest message there is; None in an empty channel."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Payload]:
        """Return every message, oldest first."""
        ...

    def page(
        self, *, after: int | None = None, before: int | None = None, around: int | None = None, limit: int = 50
    ) -> list[Payload]:
        """Return a page, always newest first; ``after`` gives the oldest messages beyond it, as Discord does."""
        ...

    def page_json(self, *, after: int | None = None, before: int | None = None, limit: int = 50) -> bytes:
        """Return a page as ready bytes of JSON: what a benchmark's server sends."""
        ...

    def get(self, message_id: int) -> Payload | None:
        """Return one message; None where there is none."""
        ...

    def put(self, payload: Payload) -> None:
        """Add a message, or replace the one with its id."""
        ...

    def remove(self, message_id: int) -> bool:
        """Remove a message; return whether there was one. Replies to it then show null."""
        ...

    def forget_reference(self, message_id: int) -> None:
        """A message that replies or a thread's starter here show was deleted: they show null from now on."""
        ...

    def react(self, message_id: int, emoji: Payload, user: Payload, burst: bool = False) -> bool:
        """Add one user's reaction; False where it was there already or the message is not."""
        ...

    def unreact(self, message_id: int, emoji_key: str, user_id: int, burst: bool = False) -> bool:
        """Remove one user's reaction; return whether it was there."""
        ...

    def clear_reactions(self, message_id: int, emoji_key: str | None = None) -> None:
        """Take all reactions, or all of one emoji, away."""
        ...

    def reaction_users(
        self, message_id: int, emoji: str, kind: int = 0, after: int | None = None, limit: int = 25
    ) -> list[Payload] | None:
        """Return who gave this emoji (``🔥`` or ``name:id``), by rising user id; None where there is no such message.

        ``kind`` is Discord's ``type``: 0 for normal reactions, 1 for burst ones.
        """
        ...


def emoji_key_of(emoji: str) -> str:
    """Return what tells one emoji from another in a request's path: the id of a custom one, else the character."""
    _, colon, emoji_id = emoji.rpartition(":")
    return emoji_id if colon and emoji_id.isdigit() else emoji


def emoji_key(emoji: Payload) -> str:
    """Return what tells one emoji from another in a payload."""
    return str(emoji.get("id") or emoji.get("name") or "")


@dataclass(slots=True)
class Reactors:
    """Who gave one emoji to one message."""

    emoji: Payload
    users: tuple[dict[int, Payload], dict[int, Payload]] = field(default_factory=lambda: ({}, {}))

    def entry(self) -> Payload:
        """Return the element of a message's ``reactions`` that Discord would show."""
        normal, burst = (len(users) for users in self.users)
        return {
            "emoji": self.emoji,
            "count": normal + burst,
            "count_details": {"burst": burst, "normal": normal},
            "burst_colors": ["#ff6b35", "#2d3047"] if burst else [],
            "me_burst": False,
            "me": False,
        }

    def page(self, kind: int, after: int | None, limit: int) -> list[Payload]:
        """Return some of them, by rising user id."""
        wanted = sorted(user_id for user_id in self.users[kind] if after is None or user_id > after)
        return [self.users[kind][user_id] for user_id in wanted[:limit]]


class ListStore:
    """Messages made by hand or by people of a living world: a sorted list of ids beside the payloads."""

    def __init__(self, payloads: Iterable[Payload] = ()) -> None:
        self._ids: list[int] = []
        self._payloads: dict[int, Payload] = {}
        self._reactors: dict[int, dict[str, Reactors]] = {}
        self._replies: dict[int, set[int]] = {}  # by the message they show
        for payload in payloads:
            self.put(payload)

    @property
    def last_id(self) -> int | None:
        return self._ids[-1] if self._ids else None

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Payload]:
        return (self._payloads[message_id] for message_id in list(self._ids))

    def page(
        self, *, after: int | None = None, before: int | None = None, around: int | None = None, limit: int = 50
    ) -> list[Payload]:
        start, end = span(self._ids, after=after, before=before, around=around, limit=limit)
        return [self._payloads[message_id] for message_id in reversed(self._ids[start:end])]

    def page_json(self, *, after: int | None = None, before: int | None = None, limit: int = 50) -> bytes:
        return dump(self.page(after=after, before=before, limit=limit))

    def get(self, message_id: int) -> Payload | None:
        return self._payloads.get(message_id)

    def put(self, payload: Payload) -> None:
        message_id = int(payload["id"])
        if message_id not in self._payloads:
            insort(self._ids, message_id)
        self._payloads[message_id] = payload
        shown = payload.get("referenced_message")
        if shown:
            self._replies.setdefault(int(shown["id"]), set()).add(message_id)

    def remove(self, message_id: int) -> bool:
        if self._payloads.pop(message_id, None) is None:
            return False
        self._reactors.pop(message_id, None)
        del self._ids[bisect_left(self._ids, message_id)]
        self.forget_reference(message_id)
        return True

    def forget_reference(self, message_id: int) -> None:
        for reply_id in self._replies.pop(message_id, ()):
            if reply_id in self._payloads:
                self._payloads[reply_id] = self._payloads[reply_id] | {"referenced_message": None}

    def react(self, message_id: int, emoji: Payload, user: Payload, burst: bool = False) -> bool:
        payload = self._payloads.get(message_id)
        if payload is None:
            return False
        reactors = self._reactors.setdefault(message_id, {}).setdefault(emoji_key(emoji), Reactors(emoji))
        if int(user["id"]) in reactors.users[burst]:
            return False
        reactors.users[burst][int(user["id"])] = user
        self._show(payload)
        return True

    def unreact(self, message_id: int, emoji_key: str, user_id: int, burst: bool = False) -> bool:
        reactors = self._reactors.get(message_id, {}).get(emoji_key)
        if reactors is None or reactors.users[burst].pop(user_id, None) is None:
            return False
        if not any(reactors.users):
            del self._reactors[message_id][emoji_key]
        self._show(self._payloads[message_id])
        return True

    def clear_reactions(self, message_id: int, emoji_key: str | None = None) -> None:
        by_emoji = self._reactors.setdefault(message_id, {})
        if emoji_key is None:
            by_emoji.clear()
        else:
            by_emoji.pop(emoji_key, None)
        if message_id in self._payloads:
            self._show(self._payloads[message_id])

    def reaction_users(
        self, message_id: int, emoji: str, kind: int = 0, after: int | None = None, limit: int = 25
    ) -> list[Payload] | None:
        if message_id not in self._payloads:
            return None
        reactors = self._reactors.get(message_id, {}).get(emoji_key_of(emoji))
        return [] if reactors is None else reactors.page(kind, after, limit)

    def adopt(self, payload: Payload, reactors: Iterable[Reactors]) -> None:
        """Add a message together with who reacted to it."""
        self.put(payload)
        self._reactors[int(payload["id"])] = {emoji_key(one.emoji): one for one in reactors}

    def _show(self, payload: Payload) -> None:
        shown = {key: value for key, value in payload.items() if key != "reactions"}
        entries = [reactors.entry() for reactors in self._reactors[int(payload["id"])].values()]
        self._payloads[int(payload["id"])] = shown | {"reactions": entries} if entries else shown


def span(ids: list[int], *, after: int | None, before: int | None, around: int | None, limit: int) -> tuple[int, int]:
    """Return from where to where in ascending ids a page reaches; the newest where nothing is given."""
    if around is not None:
        start = max(0, bisect_left(ids, around) - limit // 2)
        return start, start + limit
    if after is not None:
        start = bisect_right(ids, after)
        return start, start + limit
    end = len(ids) if before is None else bisect_left(ids, before)
    return max(0, end - limit), end


def dump(payload: Any) -> bytes:
    """Write JSON as Discord sends it: ASCII, so that lone surrogates and NUL survive as escapes."""
    return json.dumps(payload, separators=(",", ":")).encode("ascii")
