"""Random changes of every kind in a guild, the same ones for the same seed."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.model import Channel, Guild

_EMOJI = ("👍", "❤️", "🔥", "party:123456789012345678")
KINDS = {
    "post": 30,
    "edit": 18,
    "react": 22,
    "unreact": 8,
    "delete": 8,
    "bulk_delete": 1,
    "clear": 1,
    "pin": 2,
    "unfurl": 2,
    "thread": 3,
    "archive": 2,
    "unarchive": 2,
    "rename": 1,
    "hide": 1,
    "show": 2,
}


class Unrest:
    """Make things happen in a guild.

    While no daemon listens, the users behind one emoji only grow or only shrink: two who swap in the same gap leave
    the total as it was, which is all that can be seen of it afterwards.
    """

    kinds: Mapping[str, float] = KINDS

    def __init__(self, sim: Simulator, guild: Guild, seed: int) -> None:
        self._change = sim.change
        self._guild = guild
        self._chance = random.Random(seed)
        self._users = list(guild.users)[:40]
        self._hidden: list[int] = []
        self._trend: dict[tuple[int, str, bool], str] = {}
        self.done: dict[str, int] = {}
        self.history: dict[int, list[str]] = {}
        self.now = ""

    def listened_to(self) -> None:
        """Begin anew: what happened so far has been read."""
        self._trend.clear()

    async def happen(self, times: int, *, silent: bool) -> None:
        """Make so many changes, among all else that goes on."""
        for number in range(times):
            if number % 5 == 0:
                await asyncio.sleep(0.002)
            self.change_once(silent=silent)

    def change_once(self, *, silent: bool) -> None:
        """Make one change."""
        kind = self._chance.choices(list(self.kinds), list(self.kinds.values()))[0]
        act: Callable[[bool], None] = getattr(self, f"_{kind}")
        self.now = f"{kind}{' silently' if silent else ''}"
        act(silent)
        self.done[kind] = self.done.get(kind, 0) + 1

    def _place(self) -> Channel:
        """Return a channel or thread where people can still write."""
        threads = [thread for thread in self._guild.threads.values() if not thread.archived]
        everywhere = [*self._guild.channels.values(), *threads]
        return self._chance.choice([channel for channel in everywhere if channel.type in (0, 2, 5, 10, 11)])

    def _is_written(self, channel_id: int, message_id: int) -> bool:
        place = self._guild.channels.get(channel_id) or self._guild.threads[channel_id]
        (message,) = place.messages.page(after=message_id - 1, limit=1)
        return message["type"] in (0, 19)

    def _message(self) -> tuple[int, int] | None:
        place = self._place()
        newest = self._chance.random() < 0.7
        page = place.messages.page(limit=50) if newest else place.messages.page(after=0, limit=50)
        if not page:
            return None
        message_id = int(self._chance.choice(page)["id"])
        self.history.setdefault(message_id, []).append(f"{time.time() % 10000:.3f} {self.now}")
        return place.id, message_id

    def _someone(self) -> int:
        return self._chance.choice(self._users)

    def _post(self, silent: bool) -> None:
        original = self._message() if self._chance.random() < 0.3 else None
        place = original[0] if original else self._place().id
        text = f"said {self._chance.random()}"
        self._change.post(place, text, self._someone(), reply_to=original[1] if original else None, silent=silent)

    def _edit(self, silent: bool) -> None:
        """Edit a message; what Discord itself writes, such as a notice of a pin, cannot be edited."""
        if (found := self._message()) and self._is_written(*found):
            self._change.edit(*found, f"edited {self._chance.random()}", silent=silent)

    def _unfurl(self, silent: bool) -> None:
        if found := self._message():
            embed = {"type": "link", "url": "https://example.org/a", "title": f"preview {self._chance.random()}"}
            self._change.unfurl(*found, [embed], silent=silent)

    def _pin(self, silent: bool) -> None:
        if found := self._message():
            self._change.pin(*found, silent=silent)

    def _delete(self, silent: bool) -> None:
        if found := self._message():
            self._change.delete(*found, silent=silent)

    def _bulk_delete(self, silent: bool) -> None:
        place = self._place()
        page = place.messages.page(limit=8)
        self._change.bulk_delete(place.id, [int(message["id"]) for message in page[:4]], silent=silent)

    def _react(self, silent: bool) -> None:
        self._reaction("more", silent)

    def _unreact(self, silent: bool) -> None:
        self._reaction("fewer", silent)

    def _reaction(self, trend: str, silent: bool) -> None:
        found = self._message()
        emoji, burst = self._chance.choice(_EMOJI), self._chance.random() < 0.2
        if found is None or (silent and self._trend.setdefault((found[1], emoji, burst), trend) != trend):
            return
        act = self._change.react if trend == "more" else self._change.unreact
        act(*found, emoji, self._someone(), burst=burst, silent=silent)

    def _clear(self, silent: bool) -> None:
        found = self._message()
        if found is not None and not silent:
            self._change.clear_reactions(*found, self._chance.choice([None, *_EMOJI]), silent=silent)

    def _thread(self, silent: bool) -> None:
        texts = [channel for channel in self._guild.channels.values() if channel.type == 0]
        self._change.create_thread(self._chance.choice(texts).id, "a thread", "so", self._someone(), silent=silent)

    def _archive(self, silent: bool) -> None:
        if threads := [thread.id for thread in self._guild.threads.values() if not thread.archived]:
            self._change.archive_thread(self._chance.choice(threads), silent=silent)

    def _unarchive(self, silent: bool) -> None:
        if threads := [thread.id for thread in self._guild.threads.values() if thread.archived]:
            self._change.unarchive_thread(self._chance.choice(threads), silent=silent)

    def _rename(self, silent: bool) -> None:
        self._change.rename_channel(self._chance.choice(list(self._guild.channels)), "renamed", silent=silent)

    def _hide(self, silent: bool) -> None:
        shown = [i for i in self._guild.channels if i not in self._hidden]
        if len(self._hidden) < 5 and shown:
            self._hidden.append(self._chance.choice(shown))
            self._change.hide_channel(self._hidden[-1], bot_keeps=True, silent=silent)

    def _show(self, silent: bool) -> None:
        if self._hidden:
            self._change.show_channel(self._hidden.pop(0), silent=silent)
