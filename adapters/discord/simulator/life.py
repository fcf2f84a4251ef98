"""A community that goes on living while it is archived: people post, answer, edit, react, open posts."""

from datetime import datetime, timedelta
from typing import Final

from adapters.discord.simulator.changes import Changes
from adapters.discord.simulator.chatter import speaker
from adapters.discord.simulator.ids import TICK, mix
from adapters.discord.simulator.model import POST_TYPES, Channel, Guild, User
from adapters.discord.simulator.permissions import can_read
from adapters.discord.simulator.words import title, utterance

_MOST_DRAWS: Final = 1_000
_EMOJI: Final = ("👍", "❤️", "😂", "🔥", "🎉", "🌱")


class Life:
    """Makes one thing happen at a time, the same things in the same order for the same seed."""

    def __init__(self, changes: Changes, seed: int = 1) -> None:
        self._changes = changes
        self._bits = mix(seed)
        self._guild: Guild = next(iter(changes.world.guilds.values()))
        self._people = [user for user in self._guild.users.values() if not user.bot]

    def _draw(self, sides: int) -> int:
        self._bits = mix(self._bits)
        return self._bits % sides

    def step(self, at: datetime | None = None) -> str:
        """Make one random change; return its kind.

        ``at`` is when it happens; the world's clock is moved forward to it.
        """
        ids = self._changes.world.ids
        if at is not None:  # the change moves the clock by one tick
            ids.advance(max(timedelta(0), at - TICK - ids.now))
        what = self._draw(100)
        if what < 48:
            return self._post()
        if what < 62:
            return self._answer()
        if what < 84:
            return self._react()
        if what < 90:
            return self._edit()
        if what < 94:
            return self._delete()
        return self._open_post() if what < 98 else self._rest()

    def _someone(self) -> User:
        return speaker(self._people, self._draw(1 << 40))

    def _somewhere(self) -> Channel:
        # Channels that had more to say have more to say.
        return max(self._place(), self._place(), key=lambda one: len(one.messages))

    def _place(self) -> Channel:
        """Return a random text channel or thread, by drawing until one comes: far cheaper than filtering them all."""
        places = (*self._guild.channels.values(), *self._guild.threads.values())
        for _ in range(_MOST_DRAWS):
            place = places[self._draw(len(places))]
            if place.last_message_id and place.type not in POST_TYPES and can_read(self._guild, place):
                return place
        raise LookupError("there is no channel that holds messages")

    def _recent(self, channel: Channel) -> int | None:
        page = channel.messages.page(limit=25)
        return int(page[self._draw(len(page))]["id"]) if page else None

    def _post(self) -> str:
        self._changes.post(self._somewhere().id, utterance(self._draw(1 << 60)), self._someone().id)
        return "post"

    def _answer(self) -> str:
        channel = self._somewhere()
        original = self._recent(channel)
        text = utterance(self._draw(1 << 60))
        self._changes.post(channel.id, text, self._someone().id, reply_to=original)
        return "answer"

    def _react(self) -> str:
        channel = self._somewhere()
        message_id = self._recent(channel)
        if message_id is not None:
            self._changes.react(channel.id, message_id, _EMOJI[self._draw(len(_EMOJI))], self._someone().id)
        return "react"

    def _edit(self) -> str:
        channel = self._somewhere()
        message_id = self._recent(channel)
        if message_id is not None:
            self._changes.edit(channel.id, message_id, f"{utterance(self._draw(1 << 60))} (edited)")
        return "edit"

    def _delete(self) -> str:
        channel = self._somewhere()
        message_id = self._recent(channel)
        if message_id is not None and len(channel.messages) > 50:
            self._changes.delete(channel.id, message_id)
        return "delete"

    def _open_post(self) -> str:
        forums = [channel for channel in self._guild.channels.values() if channel.type in POST_TYPES]
        if forums:
            forum = forums[self._draw(len(forums))]
            tags = [tag.id for tag in forum.available_tags[:1]]
            text = utterance(self._draw(1 << 60))
            name = title(self._draw(1 << 60))
            self._changes.create_thread(forum.id, name, text, self._someone().id, tags=tags)
        return "open post"

    def _rest(self) -> str:
        active = [thread for thread in self._guild.threads.values() if not thread.archived]
        if len(active) > 10:
            self._changes.archive_thread(active[self._draw(len(active))].id)
        return "archive"
