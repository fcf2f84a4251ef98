"""``check`` denies nothing that it could not see: guilds of other shards, or of a platform not reached."""

from pathlib import Path

import pytest

from adapters.base import PlatformAdapter
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import Simulator
from adapters.privacy import UserHasher
from adapters.records import TenantRecord
from bot.app import utc_now
from bot.check import Check, Finding, Mark
from bot.config import load
from storage import tenants
from storage.database import open_database
from tests.support.adapter import FAST
from tests.support.small_world import GUILD, OTHER_GUILD, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

SHARD = 1 << 22  # ids that differ by so much are of neighbouring shards
STRANGE, ELSEWHERE = 12 * SHARD, 13 * SHARD
if GUILD // SHARD % 2:
    STRANGE, ELSEWHERE = ELSEWHERE, STRANGE


def adapter_of(rest_url: str, gateway_url: str, token: str, **shards: object) -> DiscordAdapter:
    options = DiscordOptions.model_validate(
        {
            "rest_url": rest_url,
            "gateway_url": gateway_url,
            "requests_per_second": FAST,
            "channel_requests_per_second": FAST,
            **shards,
        }
    )
    return DiscordAdapter(
        token=token, options=options, hasher=UserHasher(), guild_ready_timeout_seconds=0.05, identify_delay_seconds=0
    )


async def strange(adapter: PlatformAdapter, folder: Path, seconds: float) -> list[Finding]:
    """What is wrong, of an archive of both guilds and a configuration that names others."""
    url = f"sqlite+aiosqlite:///{folder}/archive.db"
    db = await open_database(url, hash_choice=UserHasher().choice)
    for guild in (GUILD, OTHER_GUILD):
        await tenants.save_tenant(
            db, "discord", TenantRecord(platform_id=str(guild), name=None), connected=True, now=utc_now()
        )
    await db.close()
    file = folder / "config.toml"
    file.write_text(f"[discord]\nexclude = ['77']\n[tenants.discord-{STRANGE}]\n[tenants.discord-{ELSEWHERE}]\n")
    check = Check(
        load(file, {"PLATFORM_SYNC_DATABASE__URL": url}), UserHasher(), {"discord": adapter}, connect_seconds=seconds
    )
    return [finding async for finding in check.findings() if finding.mark in (Mark.WARNING, Mark.PROBLEM)]


async def test_of_the_guilds_of_other_shards_nothing_is_said(tmp_path: Path) -> None:
    async with Simulator(small_world()) as sim:
        one = {"shards": str(GUILD // SHARD % 2), "shard_count": 2}
        adapter = adapter_of(sim.rest_url, sim.gateway_url, sim.world.token, **one)
        findings = await strange(adapter, tmp_path, seconds=20.0)
    assert [finding.text.partition(":")[0] for finding in findings if finding.about == "configuration"] == [
        f'tenants."discord-{STRANGE}"',
    ]
    assert not [finding for finding in findings if "77" in finding.text or finding.mark is Mark.PROBLEM]


async def test_where_processes_divide_the_shards_all_are_looked_at(tmp_path: Path) -> None:
    async with Simulator(small_world()) as sim:
        sim.gateway.shards = 2
        adapter = adapter_of(sim.rest_url, sim.gateway_url, sim.world.token, shards="auto")
        findings = await strange(adapter, tmp_path, seconds=20.0)
    assert {finding.text.partition(":")[0] for finding in findings if finding.about == "configuration"} >= {
        f'tenants."discord-{STRANGE}"',
        f'tenants."discord-{ELSEWHERE}"',
    }
    assert not [finding for finding in findings if finding.mark is Mark.PROBLEM]


async def test_of_a_platform_that_is_not_reached_nothing_is_said(tmp_path: Path) -> None:
    nowhere = adapter_of("http://127.0.0.1:9/api", "ws://127.0.0.1:9/", "x")
    findings = await strange(nowhere, tmp_path, seconds=0.3)
    assert [finding.about for finding in findings] == ["discord"]
