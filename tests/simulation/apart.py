"""Troubles that are drawn for themselves, so that the seeds without them stay as they were."""

from adapters.discord.simulator import Fault
from tests.simulation.stage import MESSAGES, Stage, request_sync


async def lose_events(on: Stage) -> None:
    """Events are numbered and not sent: a RESUME brings them, or nothing does."""
    gateway = on.sim.gateway
    await on.be_read()
    gateway.drop(on.chance.randint(1, 4), for_good=on.chance.random() < 0.5)
    for _ in range(on.chance.randint(2, 5)):
        on.life.change_once(silent=False) if on.chance.random() < 0.5 else on.life.stir_anywhere()
        await on.last(0, 0.5)
    gateway.drop(0)
    gateway.send_raw("USER_UPDATE", {"id": str(on.sim.world.bot.id)})  # its number shows that others are missing


async def empty_news(on: Stage) -> None:
    """Channels are hidden and shown again, and the first page of what was written meanwhile is sent empty."""
    await on.be_read()
    for channel in [i for i in on.guild.channels if i not in on.life.emptied and i not in on.life.closed]:
        on.life.emptied.add(channel)
        on.life.hide(channel, is_kept=True)
        for _ in range(on.chance.randint(1, 4)):
            await on.last(0, 0.5)
            on.life.write(on.guild.channels[channel])
        on.sim.faults.put_first(Fault("empty", MESSAGES, channel, times=on.chance.choice((1, 2))))
        on.life.show(channel)
        await request_sync(on, "manual", patience_seconds=8)
