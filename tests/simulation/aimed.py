"""Troubles that meet what the daemon is doing: they wait for one of its requests or commits, and come just then."""

import asyncio

from adapters.discord.simulator import Fault
from adapters.discord.simulator.faults import FaultKind
from adapters.discord.simulator.message_payloads import attachment
from adapters.discord.simulator.model import Channel
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY, VIEW_CHANNEL
from tests.simulation.stage import CHANNELS, LISTING, MESSAGES, Stage, cut_off, request_sync

_MOST_REFUSALS = 24  # of one channel's pages: more than any number of attempts


async def _meet_page(on: Stage, kind: FaultKind, seconds: float) -> tuple[Channel, list[int]] | None:
    """Wait until a page is asked for, mostly of something new, and keep it on its way.

    Returns:
        Its channel and the messages on it.
    """
    for _ in range(on.chance.randint(1, 3)):
        on.life.write()
    await request_sync(on)
    asked = await on.arrivals.next(MESSAGES, Fault(kind, route=MESSAGES, seconds=seconds))
    place = _place(on, asked.channel_id) if asked and asked.channel_id else None
    if asked is None or place is None:
        return None
    after = asked.query.get("after")
    page = place.messages.page(after=int(after) if after else None, limit=100)
    return place, [int(message["id"]) for message in page]


def _place(on: Stage, channel_id: int) -> Channel | None:
    return on.guild.channels.get(channel_id) or on.guild.threads.get(channel_id)


def _newest(place: Channel) -> int:
    return place.messages.last_id or 0


def _ruling(on: Stage, place: Channel) -> int:
    """Return the channel whose permissions count."""
    parent = place.parent_id if place.is_thread else None
    return parent or place.id


async def cross(on: Stage) -> None:
    """Messages change while the page that shows them as they were is on its way."""
    seconds = on.chance.uniform(0.3, 4)
    met = await _meet_page(on, on.chance.choice(("late", "late", "slow")), seconds)
    for _ in range(on.chance.randint(1, 4)):
        await on.last(0, seconds / 5)
        if met:
            on.life.stir(met[0], met[1])


async def hide_in_mid_read(on: Stage) -> None:
    """A channel is hidden while a page of it is on its way, and what is written in private is on that page."""
    if len(on.life._hidden) > 1:
        return
    met = await _meet_page(on, "slow", on.chance.uniform(1.5, 2.5))
    if met and (channel := _ruling(on, met[0])) not in on.life.closed:
        await on.be_there()
        on.life.hide(channel, is_kept=True)
        await on.last(1.05, 1.4)
        for _ in range(on.chance.randint(1, 3)):
            on.life.write(met[0])
        await on.last(2, 12)
        await on.be_there()
        on.life.show(channel)


async def flicker(on: Stage) -> None:
    """A channel is hidden, changed and shown again, mostly before that could be written."""
    await on.last(1, 15)  # it is read by then
    channel = on.guild.channels[on.a_channel()]
    if channel.id in on.life.closed or len(channel.messages) == 0:
        return
    await on.be_there()
    on.life.hide(channel.id)
    for _ in range(on.chance.randint(1, 3)):
        on.life.stir(channel, [int(message["id"]) for message in channel.messages.page(limit=50)])
        await on.last(0, 0.05)
    await on.be_there()
    on.life.show(channel.id)


async def deny_in_mid_read(on: Stage) -> None:
    """The bot may not read a channel's history for the moment at which a page of it is made."""
    seconds = on.chance.uniform(0.2, 1)
    if met := await _meet_page(on, "slow", seconds):
        await _deny(on, [_ruling(on, met[0])], seconds + on.chance.choice((0.05, 0.5, 8)))


async def deny_in_mid_read_unheard(on: Stage) -> None:
    """The same, while the gateway is away."""
    seconds = on.chance.uniform(0.2, 1)
    if met := await _meet_page(on, "slow", seconds):
        lasting = seconds + on.chance.choice((0.05, 0.05, 0.5, 8))
        cut_off(on, lasting + on.chance.uniform(-0.2, 5))
        await _deny(on, [_ruling(on, met[0])], lasting)


async def deny_behind_listing(on: Stage) -> None:
    """The bot may not read some channels' history from the moment at which they have been listed; it may not know."""
    on.life.write()
    await request_sync(on)
    if await on.arrivals.next(CHANNELS, Fault("late", route=CHANNELS, seconds=0.1)):
        seconds = on.chance.uniform(0.2, 15)
        cut_off(on, seconds * on.chance.uniform(0.2, 1.5))
        channels = list(on.guild.channels)
        await _deny(on, on.chance.sample(channels, on.chance.randint(1, len(channels))), seconds)


async def _deny(on: Stage, channels: list[int], seconds: float) -> None:
    channels = [channel for channel in channels if channel not in on.life.closed]
    await on.be_there()
    on.life.close(*channels)
    for channel in channels:
        await on.permit(channel, allow=VIEW_CHANNEL, deny=READ_MESSAGE_HISTORY)
    await asyncio.sleep(seconds)
    for channel in channels:
        await on.permit(channel, allow=VIEW_CHANNEL)
    on.life.open(*channels)


async def empty_pages(on: Stage) -> None:
    """A page that is not empty is sent empty, and mostly the next one, too; never three of a channel.

    Nor of a channel that is listed without a last message: nothing would show that it is not empty.
    """
    await on.be_read()
    places = [place for place in (*on.guild.channels.values(), *on.guild.threads.values()) if len(place.messages)]
    channels = [place.id for place in sorted(places, key=_newest) if place.id not in on.life.emptied | on.life.headless]
    if channels:  # a quiet one is requested by the audit alone
        channel = on.chance.choice((channels[0], on.chance.choice(channels)))
        on.life.emptied.add(channel)
        times, after = on.chance.choice((1, 2, 2)), on.chance.choice((0, 0, 1))
        on.sim.faults.put_first(Fault("empty", MESSAGES, channel, times=times, after=after))
        await request_sync(on, "audit", patience_seconds=8)


async def unmoved(on: Stage) -> None:
    """Pages lead nowhere: their cursor is ignored for a while, or a listing says that there is more and has nothing.

    Once a story: of a cursor that is ignored, heeded and ignored again nothing can be proven.
    """
    if on.life.is_unmoved:
        return
    on.life.is_unmoved = True
    times = on.chance.randint(1, 6)
    on.sim.faults.add(Fault("unmoved", MESSAGES, times=times, after=on.chance.randint(0, 3)))
    on.sim.faults.add(Fault(on.chance.choice(("unmoved", "hollow")), LISTING, times=on.chance.randint(1, 8)))
    await request_sync(on)


async def failing(on: Stage) -> None:
    """A channel's pages fail until it is given up."""
    await on.be_read()
    channel = on.a_channel()
    on.life.write(on.guild.channels[channel])
    await on.last(0.3, 0.6)
    fault = Fault("status", MESSAGES, channel, times=on.chance.randint(3, _MOST_REFUSALS), status=500)
    on.sim.faults.put_first(fault)
    await request_sync(on)


async def odd_numbers(on: Stage) -> None:
    """Somebody writes with files of sizes that no file has."""
    for _ in range(on.chance.randint(1, 3)):
        place, size = on.a_channel(), on.chance.choice((2**63, 2**63 - 1, -1, 10**30))
        await on.be_there()
        file = attachment(place, on.sim.world.ids.take(), "odd.bin", size)
        on.sim.change.post(place, "with a file", next(iter(on.guild.users)), attachments=[file])
    await request_sync(on)


async def kill_between_commits(on: Stage) -> None:
    """The process is killed right after a commit."""
    left, is_time = on.chance.randint(1, 12), asyncio.Event()
    await request_sync(on)

    def committed() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            on.machine.kill()
            is_time.set()

    on.on_commit = committed
    try:
        async with asyncio.timeout(20):
            await is_time.wait()
    except TimeoutError:
        left = 0
        on.machine.kill()
    await on.last(0.1, 5)
    on.machine.start()


async def kill_with_changes(on: Stage) -> None:
    """The process is killed right after it was sent some changes, before they are written."""
    await on.be_there()
    for _ in range(on.chance.randint(1, 6)):
        on.life.change_once(silent=False)
    await on.last(0, 0.08)
    on.machine.kill()
    await on.last(0.1, 5)
    on.machine.start()


async def miss(on: Stage) -> None:
    """The session is over, and much changes before the next one."""
    await on.be_read()
    gateway, seconds = on.sim.gateway, on.chance.uniform(0.5, 5)
    gateway.resumable = False
    cut_off(on, seconds)
    await asyncio.sleep(seconds / 2)  # what is sent at once may still be received
    for _ in range(on.chance.randint(4, 16)):
        on.life.stir_anywhere()
    await on.last(seconds / 2 + 2, seconds / 2 + 6)
    gateway.resumable = True


async def deafen(on: Stage) -> None:
    """A shard gets no answer to its heartbeats: it may be deaf, and the daemon must not call itself ready."""
    gateway = on.sim.gateway
    await on.be_read()
    if gateway.silent_shards:  # by the same trouble, which goes on
        return
    gateway.silent_shards = {on.chance.randrange(gateway.shards)}
    is_named, span = False, int(2 * gateway.heartbeat_seconds) + 15
    for second in range(2 * span):  # another trouble may end the connection, and the new one's first is answered
        if second >= span and is_named:
            break
        await asyncio.sleep(1)
        status, said = await on.machine.ask("GET", "/readyz")
        is_named |= status != 200 and (not said or "discord" in said.get("reasons", {"discord"}))
    deaf, gateway.silent_shards = gateway.silent_shards, set()
    assert is_named, f"the heartbeats of shard {deaf} have no answer, and the daemon says nothing of that"
