"""What a platform declares for the settings and calls: how far back its gaps are repaired, and how its ids look."""

from datetime import timedelta

import pytest

from tests.support.contract.archives import archiving
from tests.support.contract.stage import HASHER, Stage
from tests.support.contract.talk import talk
from tests.support.daemon import ON_SQLITE
from tests.support.parlour.stage import ParlourStage

pytestmark = pytest.mark.slow


@ON_SQLITE
async def test_a_gap_is_repaired_as_far_back_as_the_section_of_its_platform_says(
    stage: Stage, database_url: str
) -> None:
    one, _, ids = talk(stage)
    own = {f"PLATFORM_SYNC_{stage.platform.upper()}__REPAIR_LOOKBACK": "0 s"}
    async with archiving(stage, database_url, own) as archive:
        before = archive.rows()
        with stage.unheard():
            stage.edit(one, ids[2], "changed long after it was sent")
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == before, "nothing before the gap is read again"
        assert (await archive.sync("audit"))["status"] == "succeeded"
        assert archive.rows() == stage.truth()


@ON_SQLITE
@pytest.mark.parametrize(("pages", "ranges"), [(0.5, 1), (1.5, 2)])
async def test_what_is_older_than_a_day_is_read_apart_where_it_is_more_than_an_answer_of_its_platform(
    database_url: str, pages: float, ranges: int
) -> None:
    stage = ParlourStage()
    channel = stage.open_channel("one")
    stage.set_back(timedelta(days=2))
    for number in range(int(pages * stage.page_size)):
        stage.say(channel, f"two days ago {number}")
    stage.set_back(timedelta())
    stage.say(channel, "just now")
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            pass
        job = await archive.sync()
        assert (job["status"], job["progress"]["repairs_done"]) == ("succeeded", ranges), job["error"]


@ON_SQLITE
async def test_people_and_communities_have_ids_of_their_own_form(stage: Stage, database_url: str) -> None:
    talk(stage)
    entry = stage.platforms[stage.platform]
    async with archiving(stage, database_url) as archive:
        person, community = stage.user_id(3), stage.tenant_platform_id
        for path, key, own, other in (
            ("/api/forgotten-users", "user_id", person, community),
            ("/api/tenants", "platform_id", community, person),
        ):
            body = {"platform": stage.platform, key: "of no platform"}
            status, problem = await archive.daemon.ask("POST", path, json=body)
            assert status == 422, problem
            if entry.id_pattern != entry.user_id_pattern:
                status, problem = await archive.daemon.ask("POST", path, json=body | {key: other})
                assert (status, key in str(problem)) == (422, True), "the other one's form"
            status, answer = await archive.daemon.ask("POST", path, json=body | {key: own})
            assert status in (200, 202), answer
        await archive.daemon.until(lambda: archive.daemon.get("/api/forgotten-users"), _is_fulfilled)
        assert HASHER.of(person) not in {author for _, author, _, _ in archive.rows().values()}


def _is_fulfilled(listed: dict[str, list[dict[str, object]]]) -> bool:
    return all(request["status"] == "completed" for request in listed["requests"])
