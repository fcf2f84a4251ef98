"""What is done where events of a session are missing."""

import asyncio

from adapters.discord.gateway.missing import MissingEvents, Remedy
from tests.support.virtual_time import run

RESUME, NEW_SESSION, NONE = Remedy.RESUME, Remedy.NEW_SESSION, Remedy.NONE


def test_a_resume_is_tried_first_and_three_sessions_begin_within_an_hour() -> None:
    async def remedies() -> list[Remedy]:
        missing, found = MissingEvents(), list[Remedy]()
        for _ in range(3):
            found += [missing.remedy(1), missing.remedy(1)]  # behind READY, in every session
            missing.begin_session()
        found += [missing.remedy(1), missing.remedy(1)]
        assert missing.is_unsettled
        return [*found, missing.remedy(7)]

    assert run(remedies) == [RESUME, NEW_SESSION] * 3 + [RESUME, NONE, NONE]


def test_after_an_hour_a_session_is_begun_again() -> None:
    async def remedies() -> list[Remedy]:
        missing, found = MissingEvents(), list[Remedy]()
        for _ in range(4):
            found += [missing.remedy(1), missing.remedy(1)]
            missing.begin_session() if found[-1] is NEW_SESSION else None
        await asyncio.sleep(3601)
        found.append(missing.remedy(9))
        missing.begin_session()
        assert not missing.is_unsettled
        return found[-2:]

    assert run(remedies) == [NONE, NEW_SESSION]


def test_what_a_resume_brings_costs_no_session() -> None:
    async def remedies() -> set[Remedy]:
        missing = MissingEvents()
        return {missing.remedy(behind) for behind in range(50)}

    assert run(remedies) == {RESUME}
