"""Which troubles a seed draws from, each as often as it is named."""

from collections.abc import Awaitable, Callable

from tests.simulation import aimed, troubles
from tests.simulation.stage import Stage

Trouble = Callable[[Stage], Awaitable[None]]

ALL: tuple[Trouble, ...] = (
    troubles.drop, troubles.invalidate, troubles.refuse_resume, troubles.reconnect, troubles.part, troubles.part,
    troubles.reset, troubles.garble, troubles.refuse_gateway, troubles.errors, troubles.slow, troubles.limit,
    troubles.limit, troubles.hollow, troubles.withhold_history, troubles.withhold_history_unheard, troubles.bar,
    troubles.withhold_content, troubles.withhold_content, troubles.kick, troubles.outage, troubles.late_guild,
    troubles.lock, troubles.stall, troubles.move_clock, troubles.kill, troubles.restart, troubles.behead,
    troubles.operate, troubles.operate, troubles.forget, troubles.forget,
    aimed.cross, aimed.cross, aimed.cross, aimed.hide_in_mid_read, aimed.hide_in_mid_read, aimed.flicker, aimed.flicker,
    aimed.deny_in_mid_read, aimed.deny_in_mid_read, aimed.deny_in_mid_read_unheard, aimed.deny_in_mid_read_unheard,
    aimed.deny_behind_listing, aimed.empty_pages, aimed.empty_pages, aimed.unmoved, aimed.failing, aimed.failing,
    aimed.kill_between_commits, aimed.kill_with_changes, aimed.deafen, aimed.odd_numbers,
)  # fmt: skip
EXCLUSIVE = (troubles.kill, troubles.restart, aimed.kill_between_commits, aimed.kill_with_changes)
"""They come one at a time."""
HARMLESS = (
    troubles.slow, troubles.hollow, troubles.limit, troubles.withhold_history, troubles.bar, troubles.withhold_content,
    troubles.behead, troubles.operate, troubles.forget, aimed.cross, aimed.hide_in_mid_read, aimed.flicker,
    aimed.deny_in_mid_read, aimed.empty_pages, aimed.unmoved, aimed.failing, aimed.odd_numbers,
)  # fmt: skip
"""Under these everything is heard and written at once."""
