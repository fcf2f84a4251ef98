"""A channel of any length that takes no memory: message number i is arithmetic on (seed, channel, i).

What tests change in it (edits, deletions, posts, reactions) lies over it, in a store that holds only the changes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import orjson

from adapters.discord.simulator.ids import DISCORD_EPOCH, DISCORD_EPOCH_MS, milliseconds, mix
from adapters.discord.simulator.lazy_templates import (
    POOL_SIZE,
    TEXTS,
    Template,
    people_payloads,
    templates,
    texts,
)
from adapters.discord.simulator.store import ListStore, Payload, Reactors, dump, emoji_key_of

_PAGE: Final = 100
_FARTHEST_REPLY: Final = 30


class LazyStore:
    """``size`` messages, one every ``step_ms`` on the average, the first at ``start``."""

    def __init__(self, seed: int, channel_id: int, size: int, start: datetime, step_ms: int = 30_000) -> None:
        self._channel_id, self._size = channel_id, size
        self._first_ms, self._step_ms = milliseconds(start) - DISCORD_EPOCH_MS, step_ms
        self._salt = mix(mix(seed) ^ channel_id)
        self._templates, self._texts, self._people = templates(seed), texts(seed), people_payloads(seed)
        self._changed = ListStore()  # what was edited, reacted to or posted since
        self._gone: set[int] = set()

    # The arithmetic

    def _bits(self, index: int) -> int:
        return mix(self._salt + index)

    def id_at(self, index: int) -> int:
        """Return the id of message number ``index`` of the untouched channel."""
        bits = self._bits(index)
        return self._first_ms + index * self._step_ms + bits % self._step_ms << 22 | bits >> 42

    def _first_beyond(self, message_id: int) -> int:
        """Return the number of the first untouched message with a larger id."""
        elapsed = (message_id >> 22) - self._first_ms
        index = min(max(elapsed // self._step_ms, 0), self._size)
        if index < self._size and self.id_at(index) <= message_id:
            index += 1
        return index

    def _index_of(self, message_id: int) -> int | None:
        index = self._first_beyond(message_id - 1)
        return index if index < self._size and self.id_at(index) == message_id else None

    def _template(self, index: int) -> Template:
        return self._templates[self._bits(index) >> 20 & POOL_SIZE - 1]

    def _render(self, index: int) -> str:
        bits = mix(self._salt + index)
        elapsed = index * self._step_ms + bits % self._step_ms
        message_id = self._first_ms + elapsed << 22 | bits >> 42
        template = self._templates[bits >> 20 & POOL_SIZE - 1]
        holes = self._holes(message_id, bits)
        if template.has_file:
            holes["file"] = message_id + 1
        if template.is_reply:
            self._reply(holes, max(index - 1 - bits % _FARTHEST_REPLY, 0))
        return template.whole % holes

    def _holes(self, message_id: int, bits: int) -> dict[str, object]:
        text = f"{self._texts[bits >> 4 & TEXTS - 1]} {self._texts[bits >> 16 & TEXTS - 1]}"
        moment = (DISCORD_EPOCH + timedelta(0, 0, 0, message_id >> 22)).isoformat()
        return {"id": message_id, "channel": self._channel_id, "time": moment, "text": text}

    def _reply(self, holes: dict[str, object], index: int) -> None:
        bits, message_id = self._bits(index), self.id_at(index)
        holes["replied"], holes["shown"] = message_id, "null"
        if message_id not in self._gone:
            inner = self._holes(message_id, bits) | {"file": message_id + 1}
            holes["shown"] = self._template(index).nested % inner

    # Reading

    @property
    def last_id(self) -> int | None:
        newest = self.page(limit=1)
        return int(newest[0]["id"]) if newest else None

    def __len__(self) -> int:
        beyond = sum(1 for payload in self._changed if self._index_of(int(payload["id"])) is None)
        return self._size - len(self._gone) + beyond

    def __iter__(self) -> Iterator[Payload]:
        page = self.page(after=0, limit=_PAGE)
        while page:
            yield from reversed(page)
            page = self.page(after=int(page[0]["id"]), limit=_PAGE)

    def page(
        self, *, after: int | None = None, before: int | None = None, around: int | None = None, limit: int = 50
    ) -> list[Payload]:
        if around is not None:
            newer = self.page(after=around - 1, limit=limit - limit // 2)
            return newer + self.page(before=around, limit=limit // 2)
        found: list[Payload] = orjson.loads(self.page_json(after=after, before=before, limit=limit))
        return found

    def page_json(self, *, after: int | None = None, before: int | None = None, limit: int = 50) -> bytes:
        pieces = self._downward(before, limit) if after is None else self._upward(after, limit)[::-1]
        return f"[{','.join(pieces)}]".encode("ascii")

    def _upward(self, after: int, limit: int) -> list[str]:
        index = self._first_beyond(after)
        if not self._gone and not len(self._changed):
            return [self._render(number) for number in range(index, min(index + limit, self._size))]
        pieces: list[str] = []
        while len(pieces) < limit and index < self._size:
            pieces += self._piece(index)
            index += 1
        posted_after = max(after, self.id_at(self._size - 1)) if self._size else after
        return pieces + self._posted(self._changed.page(after=posted_after, limit=limit - len(pieces))[::-1])

    def _downward(self, before: int | None, limit: int) -> list[str]:
        last = self.id_at(self._size - 1) if self._size else 0
        newest = self._changed.page(before=before, limit=limit)
        pieces = self._posted([payload for payload in newest if int(payload["id"]) > last])
        index = self._size if before is None else self._first_beyond(before - 1)
        while len(pieces) < limit and index > 0:
            index -= 1
            pieces += self._piece(index)
        return pieces

    def _piece(self, index: int) -> list[str]:
        message_id = self.id_at(index)
        if message_id in self._gone:
            return []
        changed = self._changed.get(message_id)
        return [self._render(index)] if changed is None else self._posted([changed])

    def _posted(self, payloads: list[Payload]) -> list[str]:
        return [dump(payload).decode("ascii") for payload in payloads]

    def get(self, message_id: int) -> Payload | None:
        changed = self._changed.get(message_id)
        index = self._index_of(message_id)
        if changed is not None or index is None or message_id in self._gone:
            return changed
        found: Payload = orjson.loads(self._render(index))
        return found

    def reaction_users(
        self, message_id: int, emoji: str, kind: int = 0, after: int | None = None, limit: int = 25
    ) -> list[Payload] | None:
        index = self._index_of(message_id)
        if self._changed.get(message_id) is not None or index is None or message_id in self._gone:
            return self._changed.reaction_users(message_id, emoji, kind, after, limit)
        by_key = {str(one.emoji["id"] or one.emoji["name"]): one for one in self._reactors(index)}
        reactors = by_key.get(emoji_key_of(emoji))
        return [] if reactors is None else reactors.page(kind, after, limit)

    def _reactors(self, index: int) -> list[Reactors]:
        bits, number = self._bits(index), len(self._people)
        found = []
        for emoji, normal, burst in self._template(index).reactions:
            bits = mix(bits)
            chosen = [self._people[(bits + step * 7) % number] for step in range(normal + burst)]
            by_id = [(int(user["id"]), user) for user in chosen]
            found.append(Reactors(emoji, (dict(by_id[:normal]), dict(by_id[normal:]))))
        return found

    # Changing

    def _touch(self, message_id: int) -> bool:
        """Lift a message out of the arithmetic, so that it can be changed; return whether there is one."""
        index = self._index_of(message_id)
        if self._changed.get(message_id) is None and index is not None and message_id not in self._gone:
            self._changed.adopt(orjson.loads(self._render(index)), self._reactors(index))
        return self._changed.get(message_id) is not None

    def put(self, payload: Payload) -> None:
        self._touch(int(payload["id"]))
        self._gone.discard(int(payload["id"]))
        self._changed.put(payload)

    def remove(self, message_id: int) -> bool:
        if not self._touch(message_id):
            return False
        if self._index_of(message_id) is not None:
            self._gone.add(message_id)
        return self._changed.remove(message_id)

    def forget_reference(self, message_id: int) -> None:
        self._changed.forget_reference(message_id)

    def react(self, message_id: int, emoji: Payload, user: Payload, burst: bool = False) -> bool:
        return self._touch(message_id) and self._changed.react(message_id, emoji, user, burst)

    def unreact(self, message_id: int, emoji_key: str, user_id: int, burst: bool = False) -> bool:
        return self._touch(message_id) and self._changed.unreact(message_id, emoji_key, user_id, burst)

    def clear_reactions(self, message_id: int, emoji_key: str | None = None) -> None:
        if self._touch(message_id):
            self._changed.clear_reactions(message_id, emoji_key)
