"""``check`` beside a daemon: it takes no event away, and says in the platform's words why channels are left out."""

import re

import pytest

from adapters.records import SkipReason
from bot.check import Check
from bot.config import load
from tests.support.contract.archives import archiving
from tests.support.contract.stage import HASHER, Stage
from tests.support.contract.talk import talk
from tests.support.daemon import ON_SQLITE

pytestmark = pytest.mark.slow


@ON_SQLITE
async def test_it_takes_no_event_of_the_process_that_is_connected(
    stage: Stage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, _ = talk(stage)
    stage.close_channel(other)
    monkeypatch.setattr("bot.check.report.PLATFORMS", stage.platforms)
    config = load(None, {"PLATFORM_SYNC_DATABASE__URL": database_url}, stage.platforms)
    async with archiving(stage, database_url) as archive:
        found = []
        async for finding in Check(config, HASHER, {stage.platform: stage.another_adapter()}).findings():
            found.append(finding.text)
            stage.say(one, f"while it looks, after {len(found)}")
        await archive.becomes_true()
    text = "\n".join(found)
    assert "communities the bot is in: 1" in text
    skipped = re.search(r"skipped as (\w+): 1 \((.*)\): ", text)
    assert skipped
    assert stage.platforms[stage.platform].words.skipped_channels[SkipReason(skipped[1])] == skipped[2]
