"""The guild of a seed: small, of many kinds, alive, and on the simulated clock."""

import random
from datetime import datetime, timedelta

from adapters.discord.simulator import Simulator, World, uniform_world
from adapters.discord.simulator.ids import WORLD_NOW, IdSource
from adapters.discord.simulator.lazy import LazyStore
from adapters.discord.simulator.model import Channel, Guild
from adapters.discord.simulator.store import ListStore
from adapters.discord.simulator.uniform import add_thread
from tests.simulation.clocks import wall_clock
from tests.support.unrest import Unrest

NOW = WORLD_NOW.timestamp()
_REACTED_ONE_IN = 12
_EMOJI = ("👍", "❤️", "🔥", "123456789012345678")


class _Ids(IdSource):
    """Ids of the simulated time, whatever the daemon's machine believes it to be."""

    def advance(self, step: timedelta) -> datetime:
        """Go with the clock, and at least one millisecond."""
        self._now_ms = max(self._now_ms + 1, int(wall_clock().true_time() * 1000))
        return self.now


def community(seed: int) -> World:
    """Return a world with one guild of some hundred messages."""
    chance = random.Random(f"community {seed}")
    world = uniform_world(chance.randint(2, 4), 1, seed=1 + seed % 5)
    guild = guild_of(world)
    for channel in guild.channels.values():
        size = chance.choice((0, 3, 60, 100, 130, 210))
        channel.messages = LazyStore(world.seed, channel.id, size, WORLD_NOW - timedelta(seconds=31 * size))
    for index in range(chance.randint(0, 6)):
        add_thread(world, guild, chance.choice(list(guild.channels)), index, archived=chance.random() < 0.5)
    for place in (*guild.channels.values(), *guild.threads.values()):
        _settle(place)
    world.ids = _Ids(WORLD_NOW)
    return world


def small_community() -> World:
    """Return a world whose one guild is read in a few dozen commits."""
    world = uniform_world(2, 1)
    guild = guild_of(world)
    for channel, size in zip(guild.channels.values(), (110, 8), strict=True):
        channel.messages = LazyStore(world.seed, channel.id, size, WORLD_NOW - timedelta(seconds=31 * size))
    for index, is_archived in enumerate((True, False)):
        add_thread(world, guild, next(iter(guild.channels)), index, archived=is_archived)
    for place in (*guild.channels.values(), *guild.threads.values()):
        _settle(place)
    world.ids = _Ids(WORLD_NOW)
    return world


def guild_of(world: World) -> Guild:
    """Return the only guild."""
    return next(iter(world.guilds.values()))


def _settle(place: Channel) -> None:
    """Turn messages that are arithmetic into ones that are kept, with fewer reactions."""
    made = place.messages
    assert isinstance(made, LazyStore)
    kept = ListStore()
    for index, payload in enumerate(made):
        if index % _REACTED_ONE_IN:
            kept.put({key: value for key, value in payload.items() if key != "reactions"})
        else:
            kept.adopt(payload, made._reactors(index))
    place.messages, place.last_message_id = kept, kept.last_id


class Life(Unrest):
    """What people do. Who swaps a reaction while nobody listens cannot be seen afterwards, so nobody ever does."""

    def __init__(self, sim: Simulator, guild: Guild, seed: int) -> None:
        super().__init__(sim, guild, seed)
        self.began = wall_clock().true_time()
        self.private_since: dict[int, tuple[float, int]] = {}
        """Channels that are hidden from @everyone: since when, and their last message by then."""
        self.troubled_at = self.began
        """When something last kept the daemon from hearing or writing at once; infinite while it does."""
        self.least_wait = float("inf")
        """The shortest time for which Discord has wanted no requests, in seconds."""
        self.forgotten: dict[str, float] = {}
        """Whose traces were removed, by hash, and when."""
        self.is_away = False
        """Whether the bot is not in the guild, or Discord has an outage there."""
        self.headless: set[int] = set()
        self.closed: list[int] = []
        """Channels that the bot may not read at present."""
        self.touched: dict[int, float] = {}
        """When a channel's permissions last changed, by the true time."""

    def touch(self, *channel_ids: int) -> None:
        """Note that the permissions of these channels change."""
        for channel_id in channel_ids:
            self.touched[channel_id] = wall_clock().true_time()

    def close(self, *channel_ids: int) -> None:
        """Note that the bot may no longer read these channels."""
        self.touch(*channel_ids)
        self.closed.extend(channel_ids)

    def open(self, *channel_ids: int) -> None:
        """Note that it may again."""
        self.touch(*channel_ids)
        for channel_id in channel_ids:
            self.closed.remove(channel_id)

    def _reaction(self, trend: str, silent: bool) -> None:
        found = self._message()
        emoji, burst = self._chance.choice(("👍", "❤️", "🔥", "party:123456789012345678")), self._chance.random() < 0.2
        key = emoji.rpartition(":")[2]
        if found is None or self._trend.setdefault((found[1], key, burst), trend) != trend:
            return
        act = self._change.react if trend == "more" else self._change.unreact
        act(*found, emoji, self._someone(), burst=burst, silent=silent)

    def _clear(self, silent: bool) -> None:
        if found := self._message():
            for key in _EMOJI:
                for burst in (False, True):
                    self._trend[found[1], key, burst] = "cleared"
            self._change.clear_reactions(*found, None, silent=silent)

    def _hide(self, silent: bool) -> None:
        if len(self._hidden) < 2:
            super()._hide(silent)
            hidden = self._guild.channels[self._hidden[-1]]
            self.close(hidden.id)
            family = (hidden, *self._guild.children(hidden.id))
            newest = max(place.messages.last_id or 0 for place in family)
            self.private_since[hidden.id] = wall_clock().true_time(), newest

    def _show(self, silent: bool) -> None:
        if self._hidden:
            self.open(self._hidden[0])
            del self.private_since[self._hidden[0]]
        super()._show(silent)
