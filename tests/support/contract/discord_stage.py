"""Discord's simulator as a stage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, ClassVar

from adapters.base import PlatformAdapter
from adapters.discord.simulator import Changes, Fault, Simulator
from adapters.discord.simulator.truth import truth
from tests.support.adapter import make_adapter
from tests.support.contract.stage import HASHER, Place, Said, Stage, Traits
from tests.support.small_world import FANS, GUILD, OTHER_GUILD, small_world

_PAGES = "/channels/{channel_id}/messages"
_USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"


class DiscordStage(Stage):
    """A guild."""

    options: ClassVar[dict[str, Any]] = {}

    platform = "discord"
    tenant_platform_id = str(GUILD)
    traits = Traits(
        names_heads=True,
        sends_users_along=False,
        hides_history=False,
        sends_odd_ids=False,
        has_own_tokens=False,
        tells_all_users_at_once=False,
        archives_threads=True,
    )

    def __init__(self) -> None:
        self._world = small_world(0)
        guild = self._world.guilds[GUILD]
        del self._world.guilds[OTHER_GUILD]
        guild.channels.clear()
        guild.threads.clear()
        guild.users |= {fan.id: fan for fan in FANS[:10]}
        self._sim = Simulator(self._world)
        self._change = Changes(self._world, self._tell)
        self._is_silent = False
        self._forgotten = 0
        self._numbers = count()

    def _tell(self, *event: Any) -> None:
        self.carry(partial(self._sim.gateway.dispatch, *deepcopy(event)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PlatformAdapter]:
        """Run the simulator."""
        async with self._sim:
            yield self.another_adapter()

    def another_adapter(self) -> PlatformAdapter:
        """Make a bot that connects for itself."""
        return make_adapter(self._sim, hasher=HASHER, **self.options)

    def user_id(self, user: int) -> str:
        """Return a member's id."""
        return str(FANS[user].id)

    def open_channel(self, name: str) -> Place:
        """Make a text channel."""
        return str(self._change.create_channel(GUILD, name, silent=self._is_silent).id)

    def close_channel(self, channel: Place) -> None:
        """Take View Channel away."""
        self._change.hide_channel(int(channel), silent=self._is_silent)

    def say(self, place: Place, text: str, user: int = 0) -> str:
        """Post."""
        return str(self._change.post(int(place), text, FANS[user].id, silent=self._is_silent)["id"])

    def open_thread(self, channel: Place, message_id: str, text: str, user: int = 0) -> tuple[Place, str]:
        """Make a thread of a message."""
        made = self._change.create_thread(int(channel), "beside", from_message=int(message_id), silent=self._is_silent)
        return str(made.id), self.say(str(made.id), text, user)

    def archive_thread(self, thread: Place) -> None:
        """Archive."""
        self._change.archive_thread(int(thread), silent=self._is_silent)

    def edit(self, place: Place, message_id: str, text: str) -> None:
        """Edit."""
        self._change.edit(int(place), int(message_id), text, silent=self._is_silent)

    def delete(self, place: Place, message_id: str) -> None:
        """Delete."""
        self._change.delete(int(place), int(message_id), silent=self._is_silent)

    def react(self, place: Place, message_id: str, emoji: str, user: int, *, back: bool = False) -> None:
        """Give a reaction, or take it back."""
        change = self._change.unreact if back else self._change.react
        change(int(place), int(message_id), emoji, FANS[user].id, silent=self._is_silent)

    def fall_silent(self) -> None:
        """Dispatch nothing."""
        self._is_silent = True

    def begin_anew(self) -> None:
        """End the session for good."""
        self._is_silent = False
        self._sim.gateway.invalidate()

    def limit_next(self, seconds: float) -> None:
        """Answer 429."""
        self._sim.faults.add(Fault("rate_limit", route=_PAGES, retry_after=seconds))

    def spoil_next(self, channel: Place, fault: str) -> None:
        """Answer wrongly once."""
        wrong = Fault("empty") if fault == "empty" else Fault("unmoved")
        self._sim.faults.add(replace(wrong, route=_PAGES, channel_id=int(channel)))

    def change_token(self) -> None:
        """Refuse every request; the gateway stays as it is."""
        self._sim.faults.add(Fault("status", status=401))

    def leave(self) -> None:
        """Leave the guild."""
        self._change.leave_guild(GUILD)

    def truth(self) -> dict[tuple[Place, str], Said]:
        """Return what the simulator tells."""
        told = truth(self._world, GUILD)
        reactions: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for row in told.reactions():
            key = row["channel_platform_id"], row["message_platform_id"]
            reactions.setdefault(key, set()).add((row["emoji"], row["user_hash"]))
        return {
            (key := (row["channel_platform_id"], row["platform_id"])): (
                row["content"],
                row["author_hash"],
                row["edited_at"] is not None,
                frozenset(reactions.get(key, ())),
            )
            for row in told.messages()
        }

    @property
    def requests(self) -> int:
        """All REST requests."""
        return self._sim.requests.count() - self._forgotten

    @property
    def user_requests(self) -> int:
        """Those of one emoji each."""
        return self._sim.requests.count(_USERS)

    def send_few_users_along(self) -> None:
        """No page ever holds any."""

    page_size = 100

    def limit_users(self, seconds: float) -> None:
        """Answer 429."""
        self._sim.faults.add(Fault("rate_limit", route=_USERS, retry_after=seconds))

    @property
    def look_ups(self) -> int:
        """Those of one channel or thread."""
        return self._sim.requests.count("/channels/{channel_id}")

    def forget_requests(self) -> None:
        """Begin to count anew."""
        self._forgotten = self._sim.requests.count()


class SharedDiscordStage(DiscordStage):
    """One whose shards the bot's processes divide."""

    options: ClassVar[dict[str, Any]] = {"shards": "auto"}
