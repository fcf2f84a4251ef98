"""Which troubles a seed draws from, and how often."""

from collections.abc import Awaitable, Callable

from tests.simulation import aimed, apart, oddities, troubles
from tests.simulation.stage import Stage

Trouble = Callable[[Stage], Awaitable[None]]

_OFTEN: dict[Trouble, int] = {
    troubles.part: 2,
    troubles.limit: 3,
    troubles.withhold_content: 2,
    troubles.operate: 2,
    troubles.forget: 2,
    aimed.cross: 6,
    aimed.hide_in_mid_read: 3,
    aimed.flicker: 4,
    aimed.deny_in_mid_read_unheard: 6,
    aimed.deny_behind_listing: 3,
    aimed.empty_pages: 2,
    aimed.failing: 2,
    aimed.miss: 4,
    aimed.deafen: 3,
    aimed.kill_with_changes: 2,
}
_ONCE: tuple[Trouble, ...] = (
    *(troubles.drop, troubles.invalidate, troubles.refuse_resume, troubles.reconnect, troubles.reset, troubles.garble),
    *(troubles.refuse_gateway, troubles.errors, troubles.slow, troubles.hollow, troubles.withhold_history),
    *(troubles.withhold_history_unheard, troubles.bar, troubles.kick, troubles.outage, troubles.late_guild),
    *(troubles.lock, troubles.stall, troubles.move_clock, troubles.kill, troubles.restart, oddities.behead),
    *(aimed.deny_in_mid_read, aimed.unmoved, aimed.kill_between_commits, aimed.odd_numbers),
)
ALL: tuple[Trouble, ...] = (*_ONCE, *(trouble for trouble, times in _OFTEN.items() for _ in range(times)))
APART: tuple[Trouble, ...] = (apart.lose_events, apart.empty_news)
"""Drawn for themselves, so that the seeds without them stay as they were."""
EXCLUSIVE = (troubles.kill, troubles.restart, aimed.kill_between_commits, aimed.kill_with_changes)
"""They come one at a time."""
HARMLESS: tuple[Trouble, ...] = (
    *(troubles.slow, troubles.hollow, troubles.limit, troubles.withhold_history, troubles.bar, oddities.behead),
    *(troubles.withhold_content, troubles.operate, troubles.forget, aimed.cross, aimed.hide_in_mid_read),
    *(aimed.flicker, aimed.deny_in_mid_read, aimed.empty_pages, aimed.unmoved, aimed.failing, aimed.odd_numbers),
)
"""Under these everything is heard and written at once."""
