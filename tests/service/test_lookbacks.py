"""How far back a gap is repaired may differ by platform."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.events import TenantsReady
from adapters.options import PlatformOptions
from adapters.platform import Platform
from adapters.registry import PLATFORMS
from adapters.words import NO_WORDS
from bot.config import ConfigError, load
from tests.support.daemon import HASTY, ON_SQLITE
from tests.support.delivering import PigeonLoft, delivering
from tests.support.post_office import VILLAGE, PostOffice

MINUTES = 240


def entry(office: type[PostOffice]) -> Platform:
    return Platform(
        options=PlatformOptions,
        token_variable=f"{office.name.upper()}_TOKEN",
        id_pattern=office.id_pattern,
        user_id_pattern=office.user_id_pattern,
        words=NO_WORDS,
        make=office,
        message_url=lambda *ids: "/".join(ids),
    )


PLATFORMS_OF_BOTH = {**PLATFORMS, "post": entry(PostOffice), "pigeon": entry(PigeonLoft)}


def test_a_platform_has_its_own_or_the_one_of_all(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[sync]\nrepair_lookback = '3 d'\n[post]\nrepair_lookback = '12 h'\n")
    config = load(file, {"PLATFORM_SYNC_PIGEON__REPAIR_LOOKBACK": "0 s"}, PLATFORMS_OF_BOTH)
    sync = config.sync.with_lookbacks(config.repair_lookbacks)
    found = [sync.lookback_of(f"{platform}-T0VILLAGE") for platform in ("post", "pigeon", "discord")]
    assert found == [timedelta(hours=12), timedelta(0), timedelta(days=3)]
    assert "lookbacks" not in sync.model_dump()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("'400 d'", "post.repair_lookback: must be from 0 s to 365 d, not 400 d"),
        ("'soon'", "post.repair_lookback: must be a length of time with its unit"),
    ],
)
def test_a_wrong_one_is_named(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[post]\nrepair_lookback = {written}\n")
    with pytest.raises(ConfigError, match=said):
        load(file, {}, PLATFORMS_OF_BOTH)


@ON_SQLITE
async def test_after_a_gap_each_platform_is_read_again_as_far_back_as_it_wants(database_url: str) -> None:
    start = datetime.now(UTC) - timedelta(minutes=MINUTES)
    offices = {"post": PostOffice(MINUTES, start), "pigeon": PigeonLoft(MINUTES, start)}
    settings = {**HASTY, "PLATFORM_SYNC_POST__REPAIR_LOOKBACK": "30 min"}
    async with delivering(database_url, offices, settings, platforms=PLATFORMS_OF_BOTH) as daemon:
        await daemon.idle(2)
        for name, office in offices.items():
            office.asked_after.clear()
            assert office.tell is not None
            await office.tell(TenantsReady((VILLAGE,)))
            _, job = await daemon.ask("POST", f"/api/tenants/{name}-T0VILLAGE/sync")
            assert (await daemon.job_ended(job["job_id"]))["status"] == "succeeded"
    earliest = {name: min(int(after or 0) for after in office.asked_after) for name, office in offices.items()}
    assert MINUTES - 35 <= earliest["post"] < MINUTES
    assert earliest["pigeon"] == 0, "seven days, as no one said otherwise"
