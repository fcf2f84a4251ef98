"""A guild of all kinds of channels in which everything happens that people do, told by events alone."""

import asyncio
import time
from datetime import UTC, datetime

from adapters.discord.simulator import Simulator, World, uniform_world
from adapters.discord.simulator.model import Channel, Guild
from adapters.discord.simulator.store import ListStore
from adapters.discord.simulator.uniform import add_thread
from tests.support.unrest import KINDS, Unrest

_SLICES = 20  # a second
_TEXT, _VOICE, _NEWS, _FORUM = 0, 2, 5, 15
_OF_TWENTY = {0: _FORUM, 1: _VOICE, 2: _NEWS}
_MOST_HIDDEN = 8


def living_world(channels: int, messages: int, threads: int) -> World:
    """Return a guild of text, voice and announcement channels and forums, with threads that are active or archived."""
    world = uniform_world(channels, messages, now=datetime.now(UTC))
    (guild,) = world.guilds.values()
    for number, channel in enumerate(guild.channels.values()):
        channel.type = _OF_TWENTY.get(number % 20, _TEXT)
    parents = [channel for channel in guild.channels.values() if channel.type != _VOICE]
    for number in range(threads):
        parent = parents[number % len(parents)]
        thread = add_thread(world, guild, parent.id, number, archived=bool(number % 2))
        thread.type = 10 if parent.type == _NEWS else 11
    for forum in (channel for channel in parents if channel.type == _FORUM):
        forum.messages = ListStore()
        forum.last_message_id = max((thread.id for thread in guild.children(forum.id)), default=None)
    return world


class Living(Unrest):
    """Make changes of which Discord's events say everything, so that none of them needs a request.

    Nothing that was hidden is shown again: what happened there meanwhile has to be read.
    """

    kinds = {kind: weight for kind, weight in KINDS.items() if kind != "show"} | {
        "thread": 3,
        "thread_on_message": 1,
        "forum_post": 3,
        "delete_thread": 0.5,
        "make_channel": 0.3,
        "delete_channel": 0.2,
        "rename": 2,
        "rename_guild": 0.3,
    }

    def __init__(self, sim: Simulator, guild: Guild, seed: int) -> None:
        super().__init__(sim, guild, seed)
        self._of_guild = guild
        self.hidden: dict[str, int] = {}
        """By channel, an id that is older than every message written in it since it was hidden."""

    async def go_on(self, seconds: float, messages_a_second: int) -> int:
        """Let people write so many messages a second, with all else that they do; return how many there were."""
        began, start = time.monotonic(), self.done.get("post", 0)
        for number in range(int(seconds * _SLICES)):
            wanted = start + messages_a_second * (number + 1) // _SLICES
            while self.done.get("post", 0) < wanted:
                self.change_once(silent=False)
            await asyncio.sleep(max(began + (number + 1) / _SLICES - time.monotonic(), 0))
        return self.done["post"] - start

    def _channels(self, *types: int) -> list[Channel]:
        return [channel for channel in self._of_guild.channels.values() if channel.type in types]

    def _unfurl(self, silent: bool) -> None:
        if found := self._message():
            embed = {"type": "link", "url": "https://example.org/a", "title": f"preview {self._chance.random()}"}
            self._change.unfurl(*found, [embed], whole=True, silent=silent)

    def _thread_on_message(self, silent: bool) -> None:
        channel = self._chance.choice(self._channels(_TEXT, _NEWS))
        page = channel.messages.page(limit=20)
        free = [int(message["id"]) for message in page if int(message["id"]) not in self._of_guild.threads]
        if free:
            self._change.create_thread(
                channel.id, "on it", "", self._someone(), from_message=self._chance.choice(free), silent=silent
            )

    def _forum_post(self, silent: bool) -> None:
        forum = self._chance.choice(self._channels(_FORUM))
        self._change.create_thread(forum.id, "a post", "its first words", self._someone(), silent=silent)

    def _delete_thread(self, silent: bool) -> None:
        if threads := list(self._of_guild.threads):
            self._change.delete_thread(self._chance.choice(threads), silent=silent)

    def _make_channel(self, silent: bool) -> None:
        kind = self._chance.choice((_TEXT, _TEXT, _VOICE, _NEWS, _FORUM))
        self._change.create_channel(self._of_guild.id, "made just now", kind, silent=silent)

    def _delete_channel(self, silent: bool) -> None:
        self._change.delete_channel(self._chance.choice(self._channels(_TEXT, _VOICE)).id, silent=silent)

    def _rename(self, silent: bool) -> None:
        places = [*self._of_guild.channels, *self._of_guild.threads]
        self._change.rename_channel(self._chance.choice(places), f"renamed {self._chance.random()}", silent=silent)

    def _rename_guild(self, silent: bool) -> None:
        self._change.rename_guild(self._of_guild.id, f"Renamed {self._chance.random()}", silent=silent)

    def _hide(self, silent: bool) -> None:
        seen = [channel for channel in self._of_guild.channels.values() if str(channel.id) not in self.hidden]
        if len(self.hidden) < _MOST_HIDDEN and seen:
            channel = self._chance.choice(seen)
            self.hidden[str(channel.id)] = self._change.world.ids.take()
            self._change.hide_channel(channel.id, bot_keeps=self._chance.random() < 0.5, silent=silent)
