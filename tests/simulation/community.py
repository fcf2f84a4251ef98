"""The guild of a seed: small, of many kinds, alive, and on the simulated clock."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from adapters.discord.simulator import Simulator, World, uniform_world
from adapters.discord.simulator.ids import WORLD_NOW
from adapters.discord.simulator.lazy import LazyStore
from adapters.discord.simulator.model import Channel, Guild
from adapters.discord.simulator.store import ListStore
from adapters.discord.simulator.uniform import add_thread
from tests.simulation.clocks import wall_clock
from tests.support.unrest import Unrest

NOW = WORLD_NOW.timestamp()
_REACTED_ONE_IN = 12
_EMOJI = ("👍", "❤️", "🔥", "123456789012345678")


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
    return world


def true_now() -> datetime:
    """Return the simulated time, whatever the daemon's machine believes it to be."""
    return datetime.fromtimestamp(wall_clock().true_time(), UTC)


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
        self._world = sim.world
        self._sessions = sim.gateway._sessions
        self._kept_hidden: set[int] = set()
        self._among: tuple[int, Sequence[int]] | None = None
        self.began = wall_clock().true_time()
        self.private_since: dict[int, tuple[float, int]] = {}
        """Channels that are hidden from @everyone, where that was told: since when, and their last message by then."""
        self.troubled_at = 0.0
        """When something last kept the daemon from hearing or writing at once; infinite while it does."""
        self.least_wait = float("inf")
        """The shortest time for which Discord has wanted no requests, in seconds."""
        self.forgotten: dict[str, float] = {}
        """Whose traces were removed, by hash, and when."""
        self.is_away = False
        """Whether the bot is not in the guild, or Discord has an outage there."""
        self.has_moved_clock = False
        self.emptied: set[int] = set()
        """Channels of which a page was sent empty."""
        self.headless: set[int] = set()  # channels and threads of which the last message was left out for a while
        self.is_unmoved = False  # whether cursors were ignored for a while
        self.closed: list[int] = []
        """Channels that the bot may not read at present."""
        self.touched: dict[int, float] = {}
        """When a channel's permissions last changed, by the true time."""
        self.changed: dict[tuple[int, int], float] = {}
        """Messages by channel and id that may have been edited or deleted, when that was last, by the true time."""

    @property
    def is_there(self) -> bool:
        """Whether the bot is in the guild."""
        return self._guild.id in self._world.guilds

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

    def write(self, place: Channel | None = None, *, by: int | None = None) -> None:
        """Let somebody write in a place, or in any."""
        if self.is_there:
            self._change.post((place or self._place()).id, f"said {self._chance.random()}", by or self._someone())

    def stir_anywhere(self) -> None:
        """Let any message be changed, or a reaction be taken back."""
        place = self._place()
        self.stir(place, [int(message["id"]) for message in place.messages.page(after=0, limit=100)])
        if self.is_there:
            self._unreact(False)

    def stir(self, place: Channel, message_ids: Sequence[int]) -> None:
        """Let one of these messages be changed. In an archived thread nobody can do that."""
        left = [message_id for message_id in message_ids if place.messages.get(message_id)]
        if left and not place.archived and self.is_there:
            self._among = place.id, left
            act = self._chance.choices((self._edit, self._delete, self._react, self._unreact), (6, 2, 2, 2))[0]
            act(False)
            self._among = None

    def hide(self, channel_id: int, *, is_kept: bool = False) -> None:
        """Hide a channel from @everyone, and not from the bot; where it is kept so, people do not show it again."""
        self._hidden.append(channel_id)
        self._kept_hidden |= {channel_id} if is_kept else set()
        self._change.hide_channel(channel_id, bot_keeps=True)
        self.close(channel_id)
        if any(session.connection for session in self._sessions.values()):
            family = (self._guild.channels[channel_id], *self._guild.children(channel_id))
            newest = max(place.messages.last_id or 0 for place in family)
            self.private_since[channel_id] = wall_clock().true_time(), newest

    def show(self, channel_id: int) -> None:
        """Show a hidden channel again, if nobody has."""
        if channel_id in self._hidden:
            self._hidden.remove(channel_id)
            self._kept_hidden.discard(channel_id)
            self._change.show_channel(channel_id)
            self.open(channel_id)
            self.private_since.pop(channel_id, None)

    def _message(self) -> tuple[int, int] | None:
        found = super()._message() if self._among is None else (self._among[0], self._chance.choice(self._among[1]))
        if found is not None:
            self.changed[found] = wall_clock().true_time()
        return found

    def _edit(self, silent: bool) -> None:
        if (found := self._message()) and self._is_written(*found):
            # Of too few digits to be taken for an id, so that it is stored as it is.
            self._change.edit(*found, f"edited {self._chance.random():.9f}", silent=silent)

    def _bulk_delete(self, silent: bool) -> None:
        place = self._place()
        gone = [int(message["id"]) for message in place.messages.page(limit=8)[:4]]
        self.changed |= {(place.id, message_id): wall_clock().true_time() for message_id in gone}
        self._change.bulk_delete(place.id, gone, silent=silent)

    def _react(self, silent: bool) -> None:
        found = self._message()
        emoji, burst = self._chance.choice(("👍", "❤️", "🔥", "party:123456789012345678")), self._chance.random() < 0.2
        if found and self._may("more", found[1], emoji.rpartition(":")[2], burst):
            self._change.react(*found, emoji, self._someone(), burst=burst, silent=silent)

    def _unreact(self, silent: bool) -> None:
        place_id, among = self._among or (self._place().id, None)
        place = self._guild.channels.get(place_id) or self._guild.threads[place_id]
        given = list(_given(place, among))
        if given:
            message_id, key, emoji, burst, user_id = self._chance.choice(given)
            if self._may("fewer", message_id, key, burst):
                self._change.unreact(place_id, message_id, emoji, user_id, burst=burst, silent=silent)

    def _may(self, trend: str, message_id: int, key: str, burst: bool) -> bool:
        return self._trend.setdefault((message_id, key, burst), trend) == trend

    def _clear(self, silent: bool) -> None:
        if found := self._message():
            for key in _EMOJI:
                for burst in (False, True):
                    self._trend[found[1], key, burst] = "cleared"
            self._change.clear_reactions(*found, None, silent=silent)

    def _hide(self, silent: bool) -> None:
        if len(self._hidden) < 2:
            self.hide(self._chance.choice([i for i in self._guild.channels if i not in self._hidden]))

    def _show(self, silent: bool) -> None:
        if shown := [channel_id for channel_id in self._hidden if channel_id not in self._kept_hidden]:
            self.show(shown[0])


def _given(place: Channel, among: Sequence[int] | None) -> Iterator[tuple[int, str, str, bool, int]]:
    """Yield message, key, emoji, kind and user of the reactions that there are."""
    store = place.messages
    assert isinstance(store, ListStore)
    for message_id, by_emoji in store._reactors.items():
        if message_id in (store._payloads if among is None else among):
            for key, one in by_emoji.items():
                name = f"{one.emoji['name']}:{one.emoji['id']}" if one.emoji.get("id") else one.emoji["name"]
                for burst in (False, True):
                    for user_id in one.users[burst]:
                        yield message_id, key, name, burst, user_id
