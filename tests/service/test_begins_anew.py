"""A tenant that is archived anew in the same process: nothing that was known of its earlier archive counts."""

import logging

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import archived, assert_equal_to_truth
from tests.support.daemon import running_daemon
from tests.support.small_world import GUILD, OTHER_GUILD, QUIET, TEXT, small_world

pytestmark = pytest.mark.slow


async def test_a_tenant_that_was_purged_and_is_created_again_is_archived_as_if_for_the_first_time(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = small_world()
    del world.guilds[OTHER_GUILD]
    path = f"/api/tenants/discord-{GUILD}"
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        await daemon.sync(GUILD)
        followed = (await daemon.get(f"{path}/coverage"))["live"]["channels_followed"]
        assert followed
        assert (await daemon.ask("DELETE", f"{path}?purge=true"))[0] == 200
        sim.change.post(TEXT, "while it was not archived")
        caplog.clear()
        caplog.set_level(logging.WARNING)
        status, tenant = await daemon.ask(
            "POST", "/api/tenants", json={"platform": "discord", "platform_id": str(GUILD)}
        )
        assert (status, tenant["job"]["kind"]) == (201, "initial")
        assert (await daemon.job_ended(tenant["job"]["job_id"]))["status"] == "succeeded"
        assert_equal_to_truth(database_url, truth(world, GUILD), GUILD)
        coverage = await daemon.get(f"{path}/coverage")
        # The channel of a message that came before and was not stored is read once more, lest its page came too soon.
        assert coverage["gaps"] == []
        assert coverage["live"]["channels_followed"] in (followed - 1, followed)
        assert [record.getMessage() for record in caplog.records] == []
        new = sim.change.post(QUIET, "live again")["id"]
        await daemon.sees(lambda: (str(QUIET), str(new)) in archived(database_url, "messages", GUILD))
        assert (await daemon.sync(GUILD))["metrics"]["requests"] <= 3
    assert_equal_to_truth(database_url, truth(world, GUILD), GUILD)
