"""Whatever goes wrong in one tenant's job ends that job; the worker, the process and the other tenants go on."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.events import ChannelRef, MessageEdited
from tests.support.archive import archived
from tests.support.daemon import codes_of, end_of
from tests.support.delivering import PigeonLoft, delivering
from tests.support.post_office import PostOffice, letter

POST, PIGEON = "post-T0VILLAGE", "pigeon-T0VILLAGE"

FAULTS: list[BaseException] = [
    KeyError("X-RateLimit-Reset"),  # in the library, where a header is missing
    OverflowError("date value out of range"),
    RuntimeError("Session is closed"),
    RecursionError(),
    MemoryError(),
    ExceptionGroup("several", [ValueError("one"), KeyError("two")]),
    asyncio.CancelledError(),  # that nobody has asked for
    TimeoutError(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.slow
async def test_a_fault_ends_its_job_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: BaseException
) -> None:
    offices = {"post": PostOffice(150), "pigeon": PigeonLoft(20)}

    async def stumble(_: str | None) -> None:
        raise fault

    offices["post"].before_page = stumble
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", offices) as daemon:
        found = await daemon.until(
            lambda: daemon.get("/api/jobs"), lambda found: POST in ended(found) and PIGEON in ended(found)
        )
        job = ended(found)[POST]
        assert (*end_of(job), job["metrics"]["messages"]) == ("failed", "internal_error", 0)
        assert (job["progress"]["fraction"] or 0) < 1
        assert ended(found)[PIGEON]["status"] == "succeeded"
        assert any("fault of the program" in record.getMessage() and record.exc_info for record in caplog.records)
        offices["post"].before_page = PostOffice(1).before_page
        whole = await daemon.until(
            lambda: daemon.get(f"/api/tenants/{POST}"), lambda it: it["totals"]["messages"] == 150
        )
        assert whole["sync_status"] in ("ok", "syncing")


POISON: Any = None
UNHEARD_OF: Any = {"stamp": object()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("odd", "code", "messages"),
    [
        ({"type": POISON}, "message_set_aside", 18),  # refused by the database
        ({"metadata": UNHEARD_OF}, "value_refused", 0),  # the program fails at it
    ],
    ids=["refused", "failing"],
)
async def test_what_cannot_be_stored_is_its_channel_s_fault(
    tmp_path: Path, odd: dict[str, Any], code: str, messages: int
) -> None:
    office = PostOffice(21)
    for index in (3, 7, 9):
        office.letters[index] = replace(office.letters[index], **odd)
    async with delivering(f"sqlite+aiosqlite:///{tmp_path}/archive.db", {"post": office}) as daemon:
        found = await daemon.until(lambda: daemon.get("/api/jobs"), lambda found: POST in ended(found))
        job = ended(found)[POST]
        assert (*codes_of(job), job["metrics"]["messages"]) == ("partial", [code], messages)
        channels = (await daemon.get(f"/api/tenants/{POST}/channels"))["channels"]
        assert [channel["last_error"]["code"] for channel in channels if channel["last_error"]] == [code]
        left_out = ["4", "8", "10"] if code == "message_set_aside" else []
        coverage = await daemon.get(f"/api/tenants/{POST}/coverage")
        for shown in (channels, coverage["incomplete"]):
            assert [message for channel in shown for message in channel["set_aside"]] == left_out


def ended(found: Any) -> dict[str, Any]:
    """The first job of each tenant that has ended."""
    return {job["tenant_id"]: job for job in found["jobs"] if job["finished_at"]}


@pytest.mark.slow
async def test_one_platform_that_is_not_ready_holds_up_no_other(tmp_path: Path) -> None:
    """Neither its jobs nor its live events."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office, loft = PostOffice(150), PigeonLoft(20)
    loft.unready_reason, loft.is_silent = "not connected", True
    async with delivering(url, {"post": office, "pigeon": loft}) as daemon:
        await daemon.idle()
        assert office.tell_live is not None
        place = ChannelRef(tenant_platform_id="T0VILLAGE", platform_id="C0OPEN")
        office.tell_live(MessageEdited(channel=place, message=replace(letter(7), content="edited")))
        await daemon.sees(lambda: archived(url, "messages", "T0VILLAGE")["C0OPEN", "7"]["content"] == "edited")
        status, detail = await daemon.ask("GET", "/readyz")
        assert status == 503
        assert "pigeon: not connected" in str(detail)


@pytest.mark.slow
async def test_a_poisoned_event_holds_up_no_other(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    office = PostOffice(20)
    async with delivering(url, {"post": office}) as daemon:
        await daemon.idle()
        assert office.tell_live is not None
        place = ChannelRef(tenant_platform_id="T0VILLAGE", platform_id="C0OPEN")
        poison: Any = None  # what no row of a message can hold
        for number in range(1, 20):
            kind = poison if number == 11 else "letter"
            edited = replace(letter(number), content="edited", type=kind)
            office.tell_live(MessageEdited(channel=place, message=edited))

        def changed() -> set[str]:
            rows = archived(url, "messages", "T0VILLAGE")
            return {message for (_, message), row in rows.items() if row["content"] == "edited"}

        await daemon.sees(lambda: changed() == {str(n) for n in range(1, 20) if n != 11})
        status, _ = await daemon.ask("GET", "/healthz")
        assert status == 200
