"""The channels of a job are counted, though only those that something is to be done for are kept one by one."""

from bot.sync.outcomes import ChannelOutcome, Outcomes

WAITING, DONE, FAILED, SKIPPED = ChannelOutcome


def counts(outcomes: Outcomes) -> list[int]:
    return [outcomes.count(outcome) for outcome in ChannelOutcome]


def test_what_was_read_before_is_a_number() -> None:
    outcomes = Outcomes()
    outcomes.expect(["1", "2"])
    outcomes.recount(archived=100_000, skipped=7)
    assert counts(outcomes) == [2, 99_998, 0, 7]
    outcomes["1"] = DONE
    outcomes["2"] = FAILED
    assert counts(outcomes) == [0, 99_999, 1, 7]


def test_one_of_the_others_that_fails_or_goes_is_counted_once() -> None:
    outcomes = Outcomes()
    outcomes.recount(archived=3, skipped=0)
    outcomes["8"] = FAILED
    outcomes["9"] = SKIPPED
    outcomes["9"] = SKIPPED
    assert counts(outcomes) == [0, 1, 1, 1]
    assert outcomes.get("8") is FAILED
    assert outcomes.get("7") is None


def test_what_failed_while_it_was_listed_stays_failed_unless_it_is_skipped_by_now() -> None:
    outcomes = Outcomes({"1": FAILED, "2": FAILED, "3": SKIPPED})
    outcomes.expect(["1", "4"])
    outcomes.recount(archived=3, skipped=2, archived_ids={"1", "4"})
    assert counts(outcomes) == [1, 1, 1, 2]


def test_channels_that_turn_up_later_are_added_to_those_that_are_counted() -> None:
    outcomes = Outcomes()
    outcomes.expect(["1", "2"])
    outcomes.recount(archived=5, skipped=1)
    outcomes["1"] = DONE
    outcomes["2"] = SKIPPED
    outcomes.expect(["1", "3"])
    assert counts(outcomes) == [1, 4, 0, 2]
    outcomes.recount(archived=7, skipped=2)
    assert counts(outcomes) == [1, 6, 0, 2]
    assert outcomes.get("1") is DONE
