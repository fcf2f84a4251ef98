"""Read Message History is taken while the gateway tells nothing: Discord then shows channels as empty, with a 200."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Simulator, World, uniform_world
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY
from adapters.discord.simulator.truth import truth
from adapters.pages import Access, MessagePage
from tests.support.archive import archived, assert_current, assert_equal_to_truth
from tests.support.daemon import Daemon, codes_of, running_daemon
from tests.support.delivering import delivering
from tests.support.guilds import guild_of
from tests.support.post_office import Counter, PostOffice

T = TypeVar("T")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
HOLD = Fault("hold", route=MESSAGES, times=None)


class Place:
    """A guild of one channel, and its archive."""

    def __init__(self, url: str, messages: int) -> None:
        self.url = url
        self.world: World = uniform_world(1, messages)
        self.guild_id = guild_of(self.world)
        (self.channel,) = self.world.guilds[self.guild_id].channels
        self.sim = Simulator(self.world)

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[Daemon]:
        async with self.sim, running_daemon(self.sim, self.url) as daemon:
            yield daemon

    def permit(self, *, is_given: bool) -> None:
        deny = 0 if is_given else READ_MESSAGE_HISTORY
        self.sim.change.set_bot_permissions(self.channel, deny=deny, silent=True)

    async def held(self, daemon: Daemon) -> None:
        await daemon.sees(lambda: self.sim.requests.count(MESSAGES, status=0) == 1)

    async def synced(self, daemon: Daemon) -> None:
        """Sync anew: what is under way may have begun before."""
        for _ in range(2):
            _, job = await daemon.ask("POST", f"/api/tenants/discord-{self.guild_id}/sync")
            job = await daemon.job_ended(job["job_id"])
        assert job["status"] == "succeeded"

    async def row(self, daemon: Daemon) -> Any:
        (row,) = (await daemon.get(f"/api/tenants/discord-{self.guild_id}/channels"))["channels"]
        return row

    def ids(self) -> list[int]:
        """Every message, the newest first."""
        store = self.world.guilds[self.guild_id].channels[self.channel].messages
        newest = [int(one["id"]) for one in store.page(limit=100)]
        return newest + [int(one["id"]) for one in store.page(before=newest[-1], limit=100)]

    def assert_equal(self) -> None:
        found = truth(self.world, self.guild_id)
        assert_equal_to_truth(self.url, found, self.guild_id)
        assert_current(self.url, found, self.guild_id)


async def until_the_next_sync(place: Place, daemon: Daemon) -> None:
    """The permission stays away."""
    place.sim.faults.clear()


async def for_one_page(place: Place, daemon: Daemon) -> None:
    """The permission is back when the next request leaves."""
    place.sim.faults.clear()
    place.sim.faults.add(HOLD)
    await place.held(daemon)
    place.permit(is_given=True)
    place.sim.faults.clear()


@pytest.fixture
def url(tmp_path: Any) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/archive.db"


HowLong = Callable[[Place, Daemon], Awaitable[None]]


@pytest.mark.parametrize("how_long", [until_the_next_sync, for_one_page])
async def test_a_first_sync_does_not_take_an_empty_page_for_the_end(url: str, how_long: HowLong) -> None:
    place = Place(url, 250)
    place.sim.faults.add(Fault("hold", route=MESSAGES, after=1, times=None))
    async with place.daemon() as daemon:
        await place.held(daemon)
        place.permit(is_given=False)
        await how_long(place, daemon)
        first = (await daemon.get("/api/jobs"))["jobs"][-1]
        first = await daemon.job_ended(first["job_id"])
        if how_long is until_the_next_sync:
            assert codes_of(first) == ("partial", ["channel_unreadable"])
            row = await place.row(daemon)
            assert (row["state"], (row["last_error"] or {}).get("code")) == ("failed", "channel_unreadable")
            place.permit(is_given=True)
            await place.synced(daemon)
        assert (await place.row(daemon))["state"] == "complete"
    place.assert_equal()


@pytest.mark.parametrize("how_long", [until_the_next_sync, for_one_page])
@pytest.mark.parametrize("passed", [0, 2])
async def test_an_audit_marks_nothing_as_deleted_that_it_may_not_see(url: str, how_long: HowLong, passed: int) -> None:
    place = Place(url, 250)
    async with place.daemon() as daemon:
        await daemon.idle()
        place.sim.faults.add(Fault("hold", route=MESSAGES, after=passed, times=None))
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{place.guild_id}/sync", json={"kind": "audit"})
        await place.held(daemon)
        place.permit(is_given=False)
        await how_long(place, daemon)
        job = await daemon.job_ended(asked["job_id"])
        assert job["progress"]["deleted"] == 0
        if how_long is until_the_next_sync:
            assert codes_of(job) == ("partial", ["channel_unreadable"])
            place.permit(is_given=True)
            assert (await daemon.sync(place.guild_id))["status"] == "succeeded"
        coverage = await daemon.get(f"/api/tenants/discord-{place.guild_id}/coverage")
        assert (coverage["stored"], coverage["of"], coverage["deleted"]) == (250, 250, 0)
    place.assert_equal()


@pytest.mark.parametrize("kind", ["initial", "audit"])
async def test_a_channel_that_is_twice_sent_as_empty_is_not_believed_to_be(url: str, kind: str) -> None:
    """No permission was ever missing, so that both evaluations say that the bot may read there."""
    place = Place(url, 60)
    faults = Fault("empty", route=MESSAGES, times=2)
    if kind == "initial":
        place.sim.faults.add(faults)
    async with place.daemon() as daemon:
        await daemon.idle()
        job = (await daemon.get("/api/jobs"))["jobs"][-1]
        if kind == "audit":
            place.sim.faults.add(faults)
            _, asked = await daemon.ask("POST", f"/api/tenants/discord-{place.guild_id}/sync", json={"kind": kind})
            job = await daemon.job_ended(asked["job_id"])
        assert (*codes_of(job), job["progress"]["deleted"]) == ("partial", ["unproven_end"], 0)
        await place.synced(daemon)
    place.assert_equal()


@pytest.mark.parametrize("gone", ["the newest", "all", "all but the first"])
async def test_what_is_really_gone_is_found_gone(url: str, gone: str) -> None:
    place = Place(url, 200)
    ids = place.ids()
    chosen = {"the newest": ids[:1], "all": ids, "all but the first": ids[:-1]}[gone]
    async with place.daemon() as daemon:
        await daemon.idle()
        for message_id in chosen:
            place.sim.change.delete(place.channel, message_id, silent=True)
        _, asked = await daemon.ask("POST", f"/api/tenants/discord-{place.guild_id}/sync", json={"kind": "audit"})
        job = await daemon.job_ended(asked["job_id"])
        assert (job["status"], job["progress"]["deleted"]) == ("succeeded", len(chosen))
        assert_current(url, truth(place.world, place.guild_id), place.guild_id)
        assert len(archived(url, "messages", place.guild_id)) == 200


async def test_empty_channels_are_asked_again_side_by_side(url: str) -> None:
    world = uniform_world(4, 0)
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route=MESSAGES, after=4, times=None))
        async with running_daemon(sim, url) as daemon:
            await daemon.sees(lambda: sim.requests.count(MESSAGES, status=0) == 4)
            sim.faults.clear()
            (job,) = await daemon.idle()
            assert (job["status"], sim.requests.count(MESSAGES)) == ("succeeded", 8)


class Shut(Counter):
    """Shows no letters; who may read them depends on how often they were asked for."""

    def __init__(self, office: PostOffice, verdicts: dict[int, bool]) -> None:
        super().__init__(office)
        self._verdicts = verdicts

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        self.requests += 1
        return MessagePage(messages=(), reached=None, is_full=False)

    async def access(self) -> Access:
        return Access(frozenset({"C0OPEN"} if self._verdicts[self.requests] else ()))


class Flickering(PostOffice):
    def __init__(self, verdicts: dict[int, bool]) -> None:
        super().__init__(20)
        self._verdicts = verdicts

    async def sync(
        self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]], on_rate_limit: object = None
    ) -> T:
        return await body(Shut(self, self._verdicts))


@pytest.mark.parametrize("verdicts", [{2: True, 3: False}, {2: False, 3: True}], ids=["before", "after"])
async def test_an_evaluation_on_one_side_of_an_empty_page_proves_nothing(url: str, verdicts: dict[int, bool]) -> None:
    """The permission is taken, or given back, just between the page and the evaluation."""
    async with delivering(url, {"post": Flickering(verdicts)}) as daemon:
        found = await daemon.until(
            lambda: daemon.get("/api/jobs"), lambda it: it["jobs"] and it["jobs"][-1]["finished_at"]
        )
        job = found["jobs"][-1]
        assert codes_of(job) == ("partial", ["channel_unreadable"])
