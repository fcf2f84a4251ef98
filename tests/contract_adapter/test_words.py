"""The words of a platform: whoever reads why a channel is not archived reads what that platform calls its things."""

import pytest

from adapters.records import SkipReason
from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import talk


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
