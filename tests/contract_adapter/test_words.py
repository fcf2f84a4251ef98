"""The words of a platform: whoever reads why a channel is not archived reads what that platform calls its things."""

import aiohttp
import pytest

from adapters.records import SkipReason
from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import talk
from tests.support.daemon import HASTY, ON_SQLITE
from tests.support.delivering import delivering


@pytest.mark.slow
async def test_why_a_channel_is_not_archived_is_said_in_the_words_of_its_platform(
    stage: Stage, database_url: str
) -> None:
    _, other, _ = talk(stage)
    stage.close_channel(other)
    async with archiving(stage, database_url) as archive:
        words = stage.another_adapter().words.skip_reasons
        path = f"/api/tenants/{stage.tenant_id}"
        listed = (await archive.daemon.get(f"{path}/channels"))["channels"]
        found = await archive.daemon.get(f"{path}/search?q=unheardof")
        for places in (listed, found["nothing"]["unread_channels"]):
            (closed,) = (each for each in places if each["platform_id"] == other)
            assert closed["explanation"] == words[SkipReason(closed["skip_reason"])]


@ON_SQLITE
async def test_what_the_bot_has_to_be_given_is_said_where_no_community_is_there_yet(
    stage: Stage, database_url: str
) -> None:
    stage.leave()
    async with (
        stage.running() as adapter,
        delivering(database_url, {stage.platform: adapter}, HASTY, platforms=stage.platforms) as daemon,
        aiohttp.ClientSession() as browser,
        browser.get(daemon.url) as page,
    ):
        assert f"with {adapter.words.needs}" in await page.text()
