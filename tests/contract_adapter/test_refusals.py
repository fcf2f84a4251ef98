"""What a platform refuses, withholds or says wrongly: nothing is lost, and nothing is claimed that is not so."""

from typing import Any

import pytest

from adapters.errors import CredentialRefused
from adapters.ids import RecordRefused
from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import talk
from tests.support.daemon import ON_SQLITE, codes_of, end_of
from tests.support.post_office import PostOffice

pytestmark = pytest.mark.slow


@ON_SQLITE
async def test_a_limit_ends_the_job_and_the_next_one_goes_on(stage: Stage, database_url: str) -> None:
    one, _, _ = talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            stage.say(one, "missed")
        stage.limit_next(1)
        job = await archive.sync()
        assert end_of(job) == ("rate_limited", "rate_limited")
        assert job["error"]["retry_after_seconds"] == 1
        assert archive.rows().items() <= stage.truth().items()
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_what_was_never_read_is_told_of(stage: Stage, database_url: str) -> None:
    """Also where no listing says whether there is anything in it."""
    one, other, _ = talk(stage)
    stage.limit_next(1)
    async with archiving(stage, database_url) as archive:
        coverage = f"/api/tenants/{stage.tenant_id}/coverage"
        unread = {each["platform_id"] for each in (await archive.daemon.get(coverage))["incomplete"]}
        without = {one, other} - {place for place, _ in archive.rows()}
        assert without
        assert without <= unread
        assert (await archive.sync())["status"] == "succeeded"
        assert (await archive.daemon.get(coverage))["incomplete"] == []


@ON_SQLITE
@pytest.mark.parametrize("fault", ["empty", "unmoved"])
async def test_a_page_that_is_not_true_deletes_nothing(stage: Stage, database_url: str, fault: str) -> None:
    one, _, ids = talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            stage.edit(one, ids[-1], "edited unheard")
        stage.spoil_next(one, fault)
        await archive.sync()
        assert archive.rows().keys() == stage.truth().keys()
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_a_channel_that_is_no_longer_public_stays_as_it_was(stage: Stage, database_url: str) -> None:
    one, other, _ = talk(stage)
    async with archiving(stage, database_url) as archive:
        stage.close_channel(other)
        stage.say(other, "not for everyone")
        stage.say(one, "for everyone")
        await archive.becomes_true()
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()
        assert "not for everyone" not in str(archive.rows_of_all())
        assert "elsewhere 0" in str(archive.rows_of_all())


@ON_SQLITE
async def test_a_community_that_the_bot_has_left_is_kept(stage: Stage, database_url: str) -> None:
    talk(stage)
    async with archiving(stage, database_url) as archive:
        before = archive.rows()
        stage.leave()
        await archive.sync()
        assert archive.rows() == before


@ON_SQLITE
async def test_a_token_that_is_refused_concerns_its_community_alone(stage: Stage, database_url: str) -> None:
    if not stage.traits.has_own_tokens:
        pytest.skip("one token for all of them")
    talk(stage)
    async with archiving(stage, database_url) as archive:
        stage.change_token()
        job = await archive.sync()
        assert end_of(job) == ("failed", "tenant_credential_refused")
        assert "token anew" in job["error"]["remedy"]
        assert stage.platforms[stage.platform].token_setting(stage.tenant_platform_id) in job["error"]["remedy"]
        assert (await archive.daemon.get("/healthz")) is not None


@ON_SQLITE
async def test_an_answer_that_is_lost_ends_its_channel_alone(stage: Stage, database_url: str) -> None:
    """Here one with an id that is no number, which is refused as a record is made."""
    if not stage.traits.sends_odd_ids:
        pytest.skip("its adapter has tests of its own for what is no answer of Discord's")
    one, other, _ = talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            stage.say(one, "missed")
            stage.say(other, "missed, too")
        stage.spoil_next(one, "odd_id")
        job = await archive.sync()
        assert codes_of(job) == ("partial", ["record_refused"])
        assert "not 4 characters, 3 of them digits" in job["error"]["channels"][0]["message"]
        assert archive.rows().items() <= stage.truth().items()
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_a_listing_that_is_refused_as_a_record_ends_one_job(stage: Stage, database_url: str) -> None:
    if not stage.traits.sends_odd_ids:
        pytest.skip("its adapter has tests of its own for what is no answer of Discord's")
    one, _, _ = talk(stage)
    async with archiving(stage, database_url) as archive:
        stage.spoil_next(one, "odd_head")
        job = await archive.sync()
        assert end_of(job) == ("failed", "record_refused")
        assert "a message's id is a decimal number" in job["error"]["message"]
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_a_token_that_is_refused_ends_one_job_of_its_platform(stage: Stage, database_url: str) -> None:
    """The connection may stay as it is: the next job waits all the same, and other platforms go on."""
    if stage.traits.has_own_tokens:
        pytest.skip("each community has its own token")
    talk(stage)
    async with archiving(stage, database_url, beside={"post": PostOffice(20)}) as archive:
        stage.change_token()
        assert end_of(await archive.sync()) == ("failed", "credential_refused")
        waiting = f"/api/tenants/{stage.tenant_id}/sync"
        await archive.daemon.ask("POST", waiting)
        _, job = await archive.daemon.ask("POST", "/api/tenants/post-T0VILLAGE/sync")
        assert (await archive.daemon.job_ended(job["job_id"]))["status"] == "succeeded"
        assert (await archive.daemon.get(waiting))["job"]["status"] == "queued"


@ON_SQLITE
async def test_a_platform_that_is_refused_holds_up_no_other(stage: Stage, database_url: str) -> None:
    """Its own jobs wait, /readyz says why, and the others are synced."""
    talk(stage)
    refusing = PostOffice(20)

    async def refuse(_: str | None) -> None:
        refusing.unready_reason = "its credential is refused"
        raise CredentialRefused("Post no longer accepts the token")

    refusing.before_page = refuse
    async with archiving(stage, database_url, beside={"post": refusing}) as archive:
        ends = await archive.daemon.until(lambda: archive.ends_of("post-T0VILLAGE"), bool)
        assert ends == [("failed", "credential_refused")]
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()
        status, problem = await archive.daemon.ask("GET", "/readyz")
        assert (status, problem["reasons"]["post"]) == (503, "its credential is refused")


class Failing(PostOffice):
    """One whose connection fails each time by what nobody expects."""

    runs = 0

    async def run(self, *_: Any) -> None:
        self.runs += 1
        raise RecordRefused("a message's id is a decimal number, and not this one")


@ON_SQLITE
async def test_a_connection_that_fails_begins_anew_and_ends_no_other(stage: Stage, database_url: str) -> None:
    talk(stage)
    failing = Failing(20)
    async with archiving(stage, database_url, beside={"post": failing}) as archive:
        await archive.daemon.sees(lambda: failing.runs > 1)
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()
