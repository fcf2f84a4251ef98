"""Channels left out by the operator: not read, not followed, told with the reason; made up for when let in again."""

from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.privacy import UserHasher
from bot.check import Check, Mark
from bot.config import load
from tests.support.adapter import make_adapter
from tests.support.archive import archived, assert_current
from tests.support.daemon import VERIFYING, running_daemon
from tests.support.small_world import CATEGORY, FORUM, GUILD, POST, QUIET, TEXT, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


def left_out(url: str) -> set[str]:
    """The ids of what is skipped as excluded."""
    rows = archived(url, "channels", GUILD).values()
    return {row["platform_id"] for row in rows if row["skip_reason"] == "excluded"}


def held(url: str, channel: int) -> int:
    """How many messages of a channel are archived."""
    return sum(key[0] == str(channel) for key in archived(url, "messages", GUILD))


async def test_what_is_left_out_is_not_read_and_what_is_let_in_again_is_made_up_for(tmp_path: Path) -> None:
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", small_world()
    world.guilds[GUILD].channels[QUIET].parent_id = CATEGORY
    chosen: dict[str, tuple[str, ...]] = {"exclude": (str(FORUM), str(CATEGORY))}
    async with Simulator(world) as sim:
        async with running_daemon(sim, url, VERIFYING, pace=chosen) as daemon:
            await daemon.idle()
            sim.change.post(QUIET, "not to be kept")
            sim.change.post(POST, "neither")
            sim.change.post(TEXT, "to be kept")
            assert (await daemon.sync(GUILD))["status"] == "succeeded"
            assert left_out(url) == {str(FORUM), str(POST), str(QUIET)}
            assert (held(url, QUIET), held(url, POST)) == (0, 0)
            told = (await daemon.get(f"/api/tenants/discord-{GUILD}/channels"))["channels"]
            (quiet,) = [one for one in told if one["platform_id"] == str(QUIET)]
            assert quiet["explanation"].startswith("The operator left it out")
        async with running_daemon(sim, url, VERIFYING) as daemon:
            await daemon.idle()
            await daemon.sync(GUILD)
            assert not left_out(url)
            assert_current(url, truth(world, GUILD), GUILD)
            was_held = held(url, QUIET)
            assert was_held > 0
        chosen = {"include": (str(TEXT),)}
        async with running_daemon(sim, url, VERIFYING, pace=chosen) as daemon:
            await daemon.idle()
            sim.change.post(QUIET, "not to be kept either")
            await daemon.sync(GUILD)
            assert {str(FORUM), str(POST), str(QUIET)} <= left_out(url)
            assert str(TEXT) not in left_out(url)
            assert held(url, QUIET) == was_held, "what was archived stays, and nothing is added"
        await told_by_check(sim, url)


async def told_by_check(sim: Simulator, url: str) -> None:
    """Ids that name no channel, and tenants that there are not, are warned of."""
    file = Path(url.removeprefix("sqlite+aiosqlite:///")).with_name("config.toml")
    file.write_text(
        f"[discord]\nexclude = ['{QUIET}', '77']\ninclude = ['{CATEGORY}']\n[tenants.discord-8]\n"
        f"[tenants.discord-{GUILD}]\ninterval = '2 h'\n"
    )
    config = load(file, {"PLATFORM_SYNC_DATABASE__URL": url})
    options: Any = config.platforms["discord"].options
    adapter = make_adapter(sim, include=options.include, exclude=options.exclude)
    findings = [finding async for finding in Check(config, UserHasher(), {"discord": adapter}).findings()]
    warnings = {finding.text.partition(":")[0]: finding.text for finding in findings if finding.mark is Mark.WARNING}
    assert warnings["discord.exclude"] == "discord.exclude: 77 is no channel or category of any community the bot is in"
    assert 'tenants."discord-8"' in warnings
    assert f'tenants."discord-{GUILD}"' not in warnings
    assert any("skipped as excluded" in finding.text for finding in findings if finding.mark is Mark.NOTE)
