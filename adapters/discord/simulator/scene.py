"""One channel being filled by hand: who says what, a while after the one before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from adapters.discord.simulator.ids import WORLD_NOW, milliseconds, mix, snowflake, time_of
from adapters.discord.simulator.message_payloads import (
    REPLY,
    attachment,
    message,
    nested,
    reaction_emoji,
    reference,
)
from adapters.discord.simulator.model import Channel, Guild, User, World
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.store import Payload

START = WORLD_NOW - timedelta(days=400)


@dataclass(slots=True)
class Scene:
    """A channel, its people and its clock."""

    world: World
    guild: Guild
    channel: Channel
    people: Sequence[User]
    start: datetime = START
    pace: timedelta = timedelta(minutes=20)
    _moment_ms: int = field(init=False)
    _taken: int = 0

    def __post_init__(self) -> None:
        self._moment_ms = milliseconds(self.start)

    def take_id(self) -> int:
        """Return an id some time after the last one."""
        self._taken += 1
        bits = mix(self.world.seed ^ self.channel.id + self._taken)
        self._moment_ms += 1 + bits % max(1, self.pace // timedelta(milliseconds=1) * 2)
        return snowflake(self._moment_ms, bits >> 44)

    def any_id(self) -> int:
        """Return the id of something else of this moment: a file, an interaction, a webhook."""
        self._taken += 1
        return snowflake(self._moment_ms, mix(self.channel.id * 31 + self._taken) >> 44)

    def pick(self, number: int) -> User:
        """Return someone, the same for the same number."""
        return self.people[mix(self.channel.id + number) % len(self.people)]

    def say(
        self,
        content: str = "",
        author: User | Payload | None = None,
        *,
        kind: int = 0,
        message_id: int | None = None,
        edited_after: timedelta | None = None,
        **parts: Any,
    ) -> Payload:
        """Write a message; ``parts`` are further fields of its payload."""
        message_id = self.take_id() if message_id is None else message_id
        who = self.pick(message_id) if author is None else author
        edited = None if edited_after is None else time_of(message_id) + edited_after
        payload = message(message_id, self.channel.id, who, content, kind=kind, edited=edited, **parts)
        self.channel.messages.put(payload)
        self.channel.last_message_id = max(message_id, self.channel.last_message_id or 0)
        if self.channel.is_thread:
            self.channel.total_message_sent += 1
            self.channel.message_count += 1
        return payload

    def reply(self, original: Payload, content: str = "", author: User | None = None, **parts: Any) -> Payload:
        """Answer a message, with Discord's mention of its author."""
        given: Payload = {
            "kind": REPLY,
            "message_reference": reference(int(original["channel_id"]), int(original["id"]), self.guild.id),
            "referenced_message": nested(original),
            "mentions": [original["author"]],
        }
        return self.say(content, author, **given | parts)

    def react(self, payload: Payload, emoji: str, users: Iterable[User], burst: Iterable[User] = ()) -> None:
        """Let people react to a message."""
        for kind, group in enumerate((users, burst)):
            for user in group:
                self.channel.messages.react(int(payload["id"]), reaction_emoji(emoji), user_payload(user), bool(kind))

    def file(self, name: str, size: int, content_type: str | None = None, **parts: Any) -> Payload:
        """Return a file for the next message."""
        return attachment(self.channel.id, self.any_id(), name, size, content_type, **parts)
