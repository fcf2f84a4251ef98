"""A community that was there before the bot: every message of every channel and thread."""

import pytest

from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import talk

pytestmark = pytest.mark.slow


async def test_everything_is_there_after_the_first_sync(stage: Stage, database_url: str) -> None:
    talk(stage)
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()
        assert job["progress"]["reactions_pending"] == 0
        assert (stage.user_requests == 0) == stage.traits.sends_users_along, "no second pass"
