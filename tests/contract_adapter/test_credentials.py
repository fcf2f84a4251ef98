"""What a platform declares to be secret: one token, or one of each community, whose refusal concerns it alone."""

import pytest

from adapters.registry import PLATFORMS
from bot.config import load
from bot.platforms import make_adapters
from bot.redaction import LogRedactor
from tests.support.contract.stage import HASHER, Stage
from tests.support.daemon import HASTY, ON_SQLITE, Daemon, end_of
from tests.support.delivering import delivering
from tests.support.parlour.house import House, Workspace
from tests.support.parlour.platform import parlour_platform


def test_each_secret_that_a_platform_declares_is_kept_out_of_the_log(stage: Stage) -> None:
    entry = stage.platforms[stage.platform]
    communities = [stage.tenant_platform_id, "W2"] if entry.has_tenant_tokens else [stage.tenant_platform_id]
    tokens = {entry.token_setting(one): f"xp-the-secret-of-{one}" for one in communities}
    redactor = LogRedactor(load(None, tokens, stage.platforms).secrets)
    for token in tokens.values():
        assert token not in redactor.text(f"refused: {token}, it said", is_ours=True)


@pytest.mark.slow
@ON_SQLITE
@pytest.mark.usefixtures("restored_addresses")
async def test_a_community_whose_token_is_refused_holds_up_no_other_of_its_platform(database_url: str) -> None:
    house = House()
    one, other = (house.open(name, name) for name in ("W1", "W2"))
    for workspace in (one, other):
        house.say(workspace, house.add_room(workspace, "R0", "talk"), "U1", "hello")
    platforms = {**PLATFORMS, "parlour": parlour_platform(house)}
    tokens = {f"PARLOUR_TOKEN__{workspace.id}": workspace.token for workspace in (one, other)}
    adapters = make_adapters(load(None, tokens, platforms).platforms, platforms, HASHER)
    async with delivering(database_url, adapters, HASTY) as daemon:
        assert [end_of(job) for job in await daemon.idle(2)] == 2 * [("succeeded", None)]
        other.token = "made-anew"
        assert await end_of_sync(daemon, other) == ("failed", "tenant_credential_refused")
        house.say(one, one.rooms["R0"], "U1", "still heard")
        await daemon.until(lambda: messages_of(daemon, one), lambda count: count == 2)
        assert await end_of_sync(daemon, one) == ("succeeded", None)
        other.token = tokens["PARLOUR_TOKEN__W2"]
        assert await end_of_sync(daemon, other) == ("succeeded", None)


async def end_of_sync(daemon: Daemon, workspace: Workspace) -> tuple[str, str | None]:
    _, job = await daemon.ask("POST", f"/api/tenants/parlour-{workspace.id}/sync")
    return end_of(await daemon.job_ended(job["job_id"]))


async def messages_of(daemon: Daemon, workspace: Workspace) -> int:
    (channel,) = (await daemon.get(f"/api/tenants/parlour-{workspace.id}/channels"))["channels"]
    return int(channel["messages"])
