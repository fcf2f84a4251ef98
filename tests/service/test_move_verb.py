"""The archive is moved by the verb, and the daemon goes on in PostgreSQL as if it had always been there."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import bot.cli_move  # noqa: F401 # adds the verb
from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_equal_to_truth
from tests.support.daemon import running_daemon
from tests.support.postgres import Postgres
from tests.support.process import NO_REPAIRS, sqlite_url
from tests.support.small_world import GUILD, small_world
from tests.support.verbs import restored_mask, typed

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses", "restored_logging")]

KEY = "a key of many characters"


@pytest.fixture(autouse=True)
def _same_mask() -> Iterator[None]:
    with restored_mask():
        yield


async def test_the_daemon_goes_on_in_postgres_where_it_was(
    tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, target = sqlite_url(tmp_path), postgres.create_database(migrated=False)
    secret = target.replace("postgres@", "postgres:hush-hush@")
    for name, value in {"DATABASE__URL": url, "MOVE_TO": secret, "HASH_KEY": KEY}.items():
        monkeypatch.setenv(f"PLATFORM_SYNC_{name}", value)
    world = small_world()
    async with Simulator(world) as sim:
        async with running_daemon(sim, url, NO_REPAIRS, key=KEY.encode()) as daemon:
            await daemon.idle(2)
            refused = await typed("move")
            assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
            assert "Another process works on this" in refused.stderr
        before = await _one_sync(sim, url)
        moved = await typed("move")
        assert moved.exit_code == 0, moved.output
        said = ("equal", "Set database.url", "PLATFORM_SYNC_HASH_KEY must stay", "hush")
        assert [words for words in said if words not in moved.output] == ["hush"]
        assert await _one_sync(sim, target) == before
        assert before.total() < 20
    assert_equal_to_truth(target, truth(world, GUILD, key=KEY.encode()), GUILD)
    again = await typed(f"move --to {secret}")
    assert (again.exit_code, again.stderr.count("\n")) == (1, 1), again.stderr
    assert "is not empty" in again.stderr
    nonsense = await typed("move --to somewhere")
    assert (nonsense.exit_code, nonsense.stderr.count("\n")) == (78, 1)


async def _one_sync(sim: Simulator, url: str) -> Counter[str]:
    """Run the daemon for one more sync. Returns how often which messages and reactions were requested."""
    async with running_daemon(sim, url, NO_REPAIRS, key=KEY.encode()) as daemon:
        sim.requests.clear()
        assert (await daemon.sync(GUILD))["status"] == "succeeded"
    return Counter(entry.template for entry in sim.requests.entries() if "messages" in entry.template)
