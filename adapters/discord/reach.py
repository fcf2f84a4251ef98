"""How many users the bot reaches: from there on Discord reviews whether it may go on reading messages."""

import asyncio
import logging
from typing import Any

from discord.http import HTTPClient

from adapters.discord.convert import as_int, as_objects
from adapters.reach import Reach

log = logging.getLogger(__name__)

_THRESHOLD = 10_000  # https://github.com/discord/discord-api-docs/pull/8394
_NEAR = 8_000
_PAGE = 200  # the most that Discord gives: a request for every 200 guilds
_SECONDS = 20.0
_GUIDE = "docs/discord-review.md has an answer to each question of its form"


async def reach_of(http: HTTPClient) -> Reach | None:
    """Add up the members of the bot's guilds, as Discord estimates them; None where it cannot be asked.

    Source: https://docs.discord.com/developers/resources/user#get-current-user-guilds
    """
    users = guilds = 0
    after: Any = None
    try:
        async with asyncio.timeout(_SECONDS):
            while page := as_objects(await http.get_guilds(_PAGE, after=after, with_counts=True)):
                users += sum(max(as_int(guild.get("approximate_member_count")) or 0, 0) for guild in page)
                guilds += len(page)
                if len(page) < _PAGE or page[-1].get("id") == after:
                    break
                after = page[-1].get("id")
    except Exception as e:  # noqa: BLE001 (an odd answer may raise anything in the library)
        log.info("how many users the bot reaches cannot be asked", extra={"cause": type(e).__name__})
        return None
    meaning, needs_action = _meaning(users)
    return Reach(users=users, communities=guilds, meaning=meaning, needs_action=needs_action)


def _meaning(users: int) -> tuple[str, bool]:
    if users >= _THRESHOLD:
        return (
            f"from {_THRESHOLD:,} on Discord reviews once a year whether a bot may read messages; without its consent "
            f"they come without content: apply in the Developer Portal; {_GUIDE}",
            True,
        )
    if users >= _NEAR:
        return f"at {_THRESHOLD:,} Discord reviews whether a bot may read messages: prepare for it; {_GUIDE}", True
    return f"below {_THRESHOLD:,} Discord asks for no review: the switch in the Developer Portal is enough", False
