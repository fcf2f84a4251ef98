"""What can befall the daemon. Each is a trouble that begins, lasts for a time that the seed draws, and ends."""

import asyncio
import sqlite3
from contextlib import closing

from adapters.discord.simulator import Fault
from adapters.discord.simulator.limits import Scope
from adapters.discord.simulator.model import MESSAGE_CONTENT_FLAG
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY, VIEW_CHANNEL
from adapters.discord.simulator.truth_scrub import hash_with
from adapters.errors import CredentialRefused
from tests.simulation.clocks import wall_clock
from tests.simulation.stage import Stage, cut_off, delay, provoke, request_sync

_DEAF_SECONDS = 75


async def drop(on: Stage) -> None:
    """The connection is closed; the session goes on."""
    on.sim.gateway.close(on.chance.choice((4000, 1001, 1006)))


async def invalidate(on: Stage) -> None:
    """The session is over."""
    on.sim.gateway.invalidate()


async def refuse_resume(on: Stage) -> None:
    """The connection is closed, and the session cannot be resumed."""
    on.sim.gateway.resumable = False
    on.sim.gateway.close(4000)
    await on.last(1, 20)
    on.sim.gateway.resumable = on.sim.gateway.close_on_identify is None  # else it refuses every session


async def reconnect(on: Stage) -> None:
    """Discord asks to connect anew."""
    on.sim.gateway.reconnect()


async def part(on: Stage) -> None:
    """The network is cut for a while; what was sent arrives later, such as changes of what is stored."""
    await on.be_read()
    assert on.machine.host is not None
    on.world.net.partition([on.machine.host], [None])
    for _ in range(on.chance.randint(0, 6)):
        on.life.stir_anywhere()
    await on.last(0.5, 40)
    on.world.net.heal()


async def reset(on: Stage) -> None:
    """Every connection breaks."""
    assert on.machine.host is not None
    on.world.net.reset_connections(on.machine.host, None)


async def errors(on: Stage) -> None:
    """Some answers are errors, cut off or broken."""
    on.sim.faults.scatter(one_in=on.chance.choice((4, 10, 30)), seed=on.chance.randrange(1000))
    await on.last(5, 40)
    on.sim.faults.scatter(one_in=1, among=())


async def slow(on: Stage) -> None:
    """Some answers are late, so that events and answers cross."""
    added = delay(on, most_seconds=9)
    await on.last(5, 40)
    on.sim.faults.remove(added)


async def limit(on: Stage) -> None:
    """Discord refuses for some seconds."""
    scope: Scope = on.chance.choice(("user", "shared", "global"))
    seconds = on.chance.uniform(1, 20)
    on.life.least_wait = min(on.life.least_wait, seconds)
    on.sim.faults.put_first(Fault("rate_limit", after=on.chance.randint(0, 3), retry_after=seconds, scope=scope))
    await request_sync(on)
    for _ in range(on.chance.randint(1, 3)):  # an operator goes on asking
        await on.last(0.6, 2)
        await request_sync(on)


async def withhold_history(on: Stage) -> None:
    """The bot may not read a channel's history for a while: its pages are empty."""
    channel = on.a_channel()
    on.life.close(channel)
    await on.permit(channel, allow=VIEW_CHANNEL, deny=READ_MESSAGE_HISTORY)
    await provoke(on)
    await on.last(0.5, 20)
    await on.permit(channel, allow=VIEW_CHANNEL)
    on.life.open(channel)


async def withhold_history_unheard(on: Stage) -> None:
    """The same, while the gateway is away."""
    cut_off(on, on.chance.uniform(0, 20))
    await withhold_history(on)


async def bar(on: Stage) -> None:
    """The bot may not see a channel for a moment."""
    channel = on.a_channel()
    on.life.close(channel)
    await on.permit(channel, deny=VIEW_CHANNEL)
    await provoke(on)
    await on.last(0.2, 10)
    await on.permit(channel)
    on.life.open(channel)


async def withhold_content(on: Stage) -> None:
    """Discord sends blanks for a while."""
    on.sim.world.application_flags = 0
    await provoke(on)
    await on.last(1, 25)
    on.sim.world.application_flags = MESSAGE_CONTENT_FLAG
    if isinstance(on.machine.error, CredentialRefused):  # a new session was refused: that takes a person
        on.machine.start()


async def kick(on: Stage) -> None:
    """The bot is removed, and invited again."""
    if on.life.is_away:
        return
    on.life.is_away = True
    on.life.close(*on.guild.channels)
    await provoke(on)
    guild = on.sim.change.leave_guild(on.guild.id)
    await on.last(0.5, 20)
    on.sim.change.join_guild(guild)
    on.life.open(*on.guild.channels)
    on.life.is_away = False


async def outage(on: Stage) -> None:
    """Discord has an outage in the guild."""
    if on.life.is_away:
        return
    on.life.is_away = True
    on.sim.change.set_guild_unavailable(on.guild.id)
    await on.last(0.5, 20)
    on.sim.change.set_guild_available(on.guild.id)
    on.life.is_away = False


async def lock(on: Stage) -> None:
    """Somebody's tool holds the write lock of the archive."""
    with closing(sqlite3.connect(on.machine.archive, isolation_level=None, timeout=0)) as tool:
        for _ in range(200):
            try:
                tool.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:
                await asyncio.sleep(0.007)
        await on.last(1, 45)


async def stall(on: Stage) -> None:
    """The disk stands still."""
    seconds = on.chance.uniform(1, 30)
    on.disk.stalled_until = asyncio.get_running_loop().time() + seconds
    await asyncio.sleep(seconds)


async def move_clock(on: Stage) -> None:
    """The machine's clock jumps, forward or back, and is put right later."""
    on.life.has_moved_clock = True
    wall_clock().error_seconds = on.chance.choice((-3600, -60, -5, 5, 60, 3600))
    await on.last(5, 40)
    wall_clock().error_seconds = 0.0


async def kill(on: Stage) -> None:
    """The process is killed, and started again."""
    on.machine.kill()
    await on.last(0.1, 15)
    on.machine.start()


async def restart(on: Stage) -> None:
    """The process is told to stop, and started again."""
    await on.machine.stop()
    await on.last(0.1, 15)
    on.machine.start()


async def forget(on: Stage) -> None:
    """A person has their traces removed, and goes on writing."""
    user_id = on.chance.choice(list(on.guild.users)[:8])
    body, status, left = {"platform": "discord", "user_id": str(user_id)}, 0, 30
    while not status and (left := left - 1):  # without an answer it may have been done; again, it changes nothing
        status, _ = await on.machine.ask("POST", "/api/forgotten-users", json=body)
        await on.last(0, 1)
    if status in (200, 202):
        on.life.forgotten[hash_with(None)(str(user_id))] = wall_clock().true_time()
        for _ in range(on.chance.randint(0, 3)):
            await on.last(0, 3)
            on.life.write(by=user_id)


async def garble(on: Stage) -> None:
    """The gateway sends what is no frame."""
    on.sim.gateway.garble()


async def late_guild(on: Stage) -> None:
    """The guild arrives some seconds after a new session."""
    if not on.life.is_away:
        on.sim.gateway.invalidate()
        await outage(on)


async def hollow(on: Stage) -> None:
    """Some listings are answered with nothing."""
    for route in ("/guilds/{guild_id}/roles", "/guilds/{guild_id}/channels"):
        on.sim.faults.add(Fault("empty", route=route, times=on.chance.randint(1, 3), after=on.chance.randint(0, 2)))


async def refuse_gateway(on: Stage) -> None:
    """The gateway takes no session for a while; then the daemon must not call itself ready."""
    if (gateway := on.sim.gateway).close_on_identify is not None:
        return
    gateway.resumable, gateway.close_on_identify = False, 4000
    gateway.close(4000)
    await asyncio.sleep(_DEAF_SECONDS)
    status, _ = await on.machine.ask("GET", "/readyz")
    gateway.resumable, gateway.close_on_identify = True, None
    assert status != 200, f"the gateway refuses for {_DEAF_SECONDS} s, and the daemon is ready"


async def operate(on: Stage) -> None:
    """An operator asks for syncs and audits, cancels them, and looks."""
    tenant = f"/api/tenants/discord-{on.guild.id}"
    body = {"kind": on.chance.choice(("manual", "manual", "audit"))}
    status, job = await on.machine.ask("POST", f"{tenant}/sync", json=body)
    assert status < 500 or status == 503, job
    if on.chance.random() < 0.3 and status in (200, 202):
        await on.last(0, 3)
        await on.machine.ask("DELETE", f"/api/jobs/{job['job_id']}")
