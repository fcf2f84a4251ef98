"""Opting out: nothing of what a person says from then on is stored, on any road, and opting in brings none of it back.

A message of the builders is sent as many seconds after the beginning as its id says: those below 1740 before the
opt-out, those from 3060 on after its end.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from adapters.records import MessageRecord
from storage.channels import differing, save_channels
from storage.database import Database
from storage.live import apply_changes
from storage.privacy import (
    MARGIN,
    Erased,
    OptedOutEverywhere,
    OptOut,
    erase_user,
    fulfil_opt_out,
    list_opt_outs,
    opt_in,
    opt_out,
)
from storage.repair import PageOutcome, Sample, differences
from storage.tables import channels, messages, reactions
from tests.support.builders import MINUTE, NOW, SECOND, attachment, change, message, reaction, thread, total
from tests.support.erasure_steps import OTHER, WHO, another, channel_ref_of, copying, fill, give, holdings, naming
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of

OUT, IN = NOW - 30 * MINUTE, NOW - 10 * MINUTE
WORDS = "my very own words"
EMPTIED = {"forgotten": True, "opted_out": True}


async def carried_out(db: Database, asked: OptOut) -> OptOut:
    return await fulfil_opt_out(db, asked, clock=lambda: LATER, window=3)


def theirs(number: int, **changes: Any) -> MessageRecord:
    return message(number, **{"author_hash": WHO, "content": WORDS} | changes)


def reply(number: int, to: int, **changes: Any) -> MessageRecord:
    answered = {"reply_to_channel_platform_id": "5", "reply_to_message_platform_id": str(to)}
    return message(number, **{"author_hash": OTHER, "reply_to_author_hash": WHO} | answered | changes)


def forward(number: int, of: int) -> MessageRecord:
    reference = {"type": 1, "guild_id": "100", "channel_id": "5", "message_id": str(of)}
    metadata = {"reference": reference, "forward": {"content": WORDS}}
    return copying(message(number, author_hash=OTHER, content="look", metadata=metadata))


def said() -> list[MessageRecord]:
    """Everything in which a person's words and name stand that are from between the opt-out and its end."""
    quote = {"description": WORDS, "url": "https://discord.com/channels/100/5/2001"}
    return [
        theirs(1, edited_at=OUT),
        theirs(2001, attachments=(attachment("1"),), metadata={"poll": WORDS}, reaction_totals=(total("👍", 2),)),
        theirs(2002, edited_at=NOW),
        forward(2003, of=2001),
        forward(3101, of=2001),
        copying(message(3102, author_hash=OTHER, metadata={"embeds": [quote]})),
        message(2004, content=f"<@{WHO}>", metadata={"mentions": [WHO]}, attachments=(attachment("2", filename=WHO),)),
        message(2, content=f"<@{WHO}>", edited_at=OUT),
        reply(2005, to=2),
        reply(3103, to=2001),
    ]


async def rows(db: Database) -> dict[str, dict[str, Any]]:
    return {row["platform_id"]: row for row in await rows_of(db, messages)}


async def is_withheld(db: Database) -> bool:
    """Find out whether none of what was said in the time is stored anywhere."""
    held = await holdings(db, "opt_outs")
    return WORDS not in str(held) and not [row for row in held["messages"] if WHO in str(row)]


async def events(way: Way, records: Sequence[MessageRecord]) -> None:
    created = [change(way.tenant.id, "5", r.platform_id, created=r) for r in records]
    await apply_changes(way.db, created, NOW)
    edited = [change(way.tenant.id, "5", r.platform_id, edited=replace(r, edited_at=r.edited_at)) for r in records]
    await apply_changes(way.db, edited, NOW)


@pytest.mark.parametrize("asked", ["before", "afterwards", "ended"])
@pytest.mark.slow
async def test_nothing_of_the_time_is_stored_on_any_road(db: Database, way: Way, asked: str) -> None:
    """Whether it comes after the opt-out was recorded, or had come before, as at a race; nor after its end."""
    if asked == "afterwards":
        await way.store(*said())
    request = await opt_out(db, WHO, tenant_id=None, now=OUT)
    if asked == "ended":
        (request,) = await opt_in(db, WHO, tenant_id=None, now=IN)
    found = await carried_out(db, request)
    assert found.removed == (Erased(messages=3, attachments=1, mentions=8) if asked == "afterwards" else Erased())
    assert found.completed_at == LATER
    if asked == "afterwards":
        assert await is_withheld(db)
    for record in said()[::-1]:  # copies and answers before their originals
        await way.store(record)
    assert await is_withheld(db)
    held = await holdings(db)
    await events(way, said())
    assert await holdings(db) == held
    assert await way.save(await way.audit(), *said()) == PageOutcome(seen=len(said()))
    sample = Sample(channel_id=way.channel.id, message_ids=tuple(sorted(r.platform_id for r in said())))
    assert await differences(db, way.tenant.id, sample, said(), "9999") == set()
    assert await is_withheld(db)
    stored = await rows(db)
    assert len(stored) == len(said())
    emptied = [n for n, row in stored.items() if row["metadata"] == EMPTIED and row["author_hash"] is None]
    assert sorted(emptied) == ["1", "2001", "2002"]
    assert stored["2001"]["sent_at"] == message(2001).sent_at


@pytest.mark.slow
async def test_what_is_of_another_time_is_stored(db: Database, way: Way) -> None:
    await save_channels(db, way.tenant.id, channel_ref_of(WHO), NOW)
    await way.store(*(replace(record, edited_at=None) for record in naming(WHO)))
    await give(way, WHO, OTHER)
    before = await rows(db)
    await carried_out(db, await opt_out(db, WHO, tenant_id=way.tenant.id, now=OUT))
    assert await rows(db) == before
    assert {row["user_hash"] for row in await rows_of(db, reactions)} == {OTHER}, "when they were given is not known"
    room, talk = await rows_of(db, channels)
    assert (room["name"], talk["metadata"]["owner_hash"]) == ("room of <@forgotten>", "forgotten")
    assert await differing(db, way.tenant.id, channel_ref_of(WHO)) == []
    late = theirs(2001, reaction_totals=(total("👍", 1),))
    await way.store(late)
    await opt_in(db, WHO, tenant_id=None, now=IN)
    new = theirs(3060, content="back", edited_at=NOW, reaction_totals=(total("👍", 1),))
    again = theirs(7, edited_at=NOW)  # sent before, and edited after
    answers = [reply(3061, to=3060), reply(3062, to=7), reply(3063, to=2001), reply(3064, to=9)]
    await way.store(new, again)
    await way.store(*answers)
    stored = await rows(db)
    assert [stored[n]["author_hash"] for n in ("3060", "7", "2001")] == [WHO, WHO, None]
    assert [stored[n]["content"] for n in ("3060", "7", "2001")] == ["back", WORDS, ""]
    named = [stored[r.platform_id]["reply_to_author_hash"] for r in answers]
    assert named == [WHO, WHO, None, None], "it is not said who wrote what is withheld, or may be"
    await give(way, WHO)
    given = [change(way.tenant.id, "5", n, reactions=[reaction(WHO, emoji="🎉")]) for n in ("3", "3060")]
    await apply_changes(db, given, NOW)
    kept = {row["message_platform_id"] for row in await rows_of(db, reactions) if row["user_hash"] == WHO}
    assert kept == {"3060"}
    begun = [
        thread(str(n), "5", name=WORDS, metadata={"owner_hash": WHO}, created_at=message(n).sent_at)
        for n in (3059, 3065)
    ]
    await save_channels(db, way.tenant.id, begun, NOW)
    assert [row["name"] for row in await rows_of(db, channels) if row["platform_id"] in ("3059", "3065")] == [
        "forgotten",
        WORDS,
    ]


@pytest.mark.slow
async def test_with_erase_what_was_before_goes_too_and_they_can_come_back(db: Database, way: Way) -> None:
    await fill(way, WHO)
    asked = await opt_out(db, WHO, tenant_id=way.tenant.id, now=OUT)
    with killed_before(db, "UPDATE attachments"), pytest.raises(Killed):
        await carried_out(db, await opt_out(db, WHO, tenant_id=way.tenant.id, now=NOW, erase=True))
    (unfinished,) = await list_opt_outs(db, unfinished=True)
    assert (unfinished.id, unfinished.requested_at, unfinished.withheld_from) == (asked.id, OUT, None)
    found = await carried_out(db, unfinished)
    assert found.removed == Erased(messages=1, attachments=2, reactions=2, mentions=6)
    assert WHO not in str(await holdings(db, "opt_outs"))
    assert await list_opt_outs(db, unfinished=True) == []
    again = await opt_out(db, WHO, tenant_id=way.tenant.id, now=NOW)
    assert again == replace(found, removed=Erased()), "what it removed is counted anew, the rest stays"
    await opt_in(db, WHO, tenant_id=way.tenant.id, now=IN)
    await way.store(theirs(1), theirs(3060))
    assert {n: row["author_hash"] for n, row in (await rows(db)).items() if n in ("1", "3060")} == {
        "1": None,
        "3060": WHO,
    }
    await erase_user(db, WHO, tenant_id=None, now=LATER)
    assert await way.save(await way.audit(), theirs(1), theirs(3060)) == PageOutcome(seen=2, deleted=5)
    assert WHO not in str(await holdings(db, "opt_outs", "erased_users"))


async def test_it_is_of_one_tenant_or_of_all_and_ends_there(db: Database, way: Way) -> None:
    other = await another(way)
    here = await opt_out(db, WHO, tenant_id=way.tenant.id, now=OUT)
    for each in (way, other):
        await each.store(theirs(2001))
    assert [row["content"] for row in await rows_of(db, messages)] == ["", WORDS]
    everywhere = await opt_out(db, WHO, tenant_id=None, now=OUT + SECOND)
    await opt_out(db, OTHER, tenant_id=None, now=OUT)
    for each in (way, other):
        with pytest.raises(OptedOutEverywhere):
            await opt_in(db, WHO, tenant_id=each.tenant.id, now=IN)
    ended = await opt_in(db, WHO, tenant_id=None, now=IN)
    assert {(o.id, o.withheld_until) for o in ended} == {(o.id, IN + MARGIN) for o in (here, everywhere)}
    first, everywhere = everywhere, await opt_out(db, WHO, tenant_id=None, now=NOW - SECOND)
    again = await opt_out(db, WHO, tenant_id=way.tenant.id, now=NOW)
    assert [o.id for o in await opt_in(db, WHO, tenant_id=None, now=LATER)] in (
        [everywhere.id, again.id],
        [again.id, everywhere.id],
    )
    assert [o.id for o in await list_opt_outs(db, WHO)] == [
        here.id,
        first.id,
        everywhere.id,
        again.id,
    ]
    assert len({o.id for o in await list_opt_outs(db)}) == 5
    with pytest.raises(ValueError):
        await opt_out(db, "1", tenant_id=None, now=NOW)


async def test_a_copy_in_a_tenant_where_nobody_opted_out_does_not_come_back(db: Database, way: Way) -> None:
    """It was emptied with its original, and would be filled and emptied by each audit of the two in turn."""
    other = await another(way)
    await opt_out(db, WHO, tenant_id=way.tenant.id, now=OUT)
    copy = forward(3101, of=2001)
    await other.store(copy)
    await way.store(theirs(2001))
    assert WORDS not in str(await holdings(db))
    held = await rows(db)
    await other.store(copy)
    assert await rows(db) == held
