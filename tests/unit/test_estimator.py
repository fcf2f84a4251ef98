"""Estimates: exact where messages come evenly, none where nothing tells."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.records import AuthorKind, MessageRecord, ReactionTotalRecord
from bot.sync import Progress
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.estimator import SyncEstimator

PAGE = 100
START = datetime(2024, 1, 1, tzinfo=UTC)
THUMBS = (
    ReactionTotalRecord(emoji_key="👍", burst=False, emoji="👍", count=130),
    ReactionTotalRecord(emoji_key="👍", burst=True, emoji="👍", count=20),
)


def page(first: int, count: int, *, reactions: tuple[ReactionTotalRecord, ...] = ()) -> list[MessageRecord]:
    """Messages a minute apart."""
    return [
        MessageRecord(
            platform_id=str(n),
            author_hash=None,
            author_kind=AuthorKind.USER,
            content="",
            type="default",
            sent_at=START + timedelta(minutes=n),
            edited_at=None,
            reply_to_channel_platform_id=None,
            reply_to_message_platform_id=None,
            reply_to_author_hash=None,
            metadata={},
            reaction_totals=reactions,
        )
        for n in range(first, first + count)
    ]


def channel(messages: int, counted: int | None = None) -> ChannelEstimator:
    return ChannelEstimator(page_size=PAGE, since=START, head_at=START + timedelta(minutes=messages), counted=counted)


def begin(estimator: SyncEstimator, *channels: ChannelEstimator, backlog: int = 0) -> None:
    """Count channels in and start; they are read from here on."""
    for one in channels:
        estimator.expect(one)
    estimator.begin(backlog, page_size=PAGE)
    for one in channels:
        estimator.start(one)


class Time:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_made_up_before_anything_was_read() -> None:
    estimator = SyncEstimator(Time())
    assert estimator.fraction() is None
    begin(estimator, channel(1000))
    assert (estimator.fraction(), estimator.seconds_left()) == (None, None)


def test_where_nothing_is_to_be_read_all_is_done() -> None:
    estimator = SyncEstimator(Time())
    begin(estimator)
    assert (estimator.fraction(), estimator.seconds_left()) == (1.0, (0.0, 0.0))


def test_density_goes_on() -> None:
    time = Time()
    estimator, long = SyncEstimator(time), channel(1000)
    begin(estimator, long)
    long.add(page(0, 100), time())
    time.now = 10.0
    long.add(page(100, 100), time())
    assert long.left == pytest.approx(800, rel=0.01)
    assert estimator.fraction() == pytest.approx(0.2, rel=0.01)
    seconds = estimator.seconds_left()
    assert seconds is not None
    assert seconds[0] == pytest.approx(40, rel=0.01)


def test_the_platforms_own_count_is_better_ground() -> None:
    counted = channel(1000, counted=120)
    assert counted.left == 120
    counted.add(page(0, 100), 0.0)
    assert counted.left == 20


def test_a_count_that_is_passed_does_not_count_any_more() -> None:
    counted = channel(400, counted=50)
    counted.add(page(0, 100), 0.0)
    assert counted.left == pytest.approx(300, rel=0.02)


def test_the_longest_channel_decides_where_the_others_are_short() -> None:
    time = Time()
    estimator = SyncEstimator(time)
    long, short = channel(10_000), channel(200)
    begin(estimator, long, short)
    long.add(page(0, 100), 0.0)
    short.add(page(0, 100), 0.0)
    time.now = 1.0
    long.add(page(100, 100), 1.0)
    short.add(page(100, 100), 1.0)
    short.is_done = True
    seconds = estimator.seconds_left()
    assert seconds is not None
    assert seconds[0] == pytest.approx(49, rel=0.02)


def test_channels_not_begun_are_like_those_that_were_once_there_are_enough() -> None:
    time = Time()
    estimator = SyncEstimator(time)
    begun, waiting = [channel(200) for _ in range(5)], channel(1000)
    begin(estimator, *begun, waiting)
    for n, one in enumerate(begun):
        assert estimator.fraction() is None, n
        one.add(page(0, 100), 0.0)
    assert estimator.fraction() == pytest.approx(500 / 2000, rel=0.02)


def test_reactions_are_part_of_what_is_left() -> None:
    time = Time()
    estimator, one = SyncEstimator(time), channel(200)
    begin(estimator, one)
    one.add(page(0, 100, reactions=THUMBS), 0.0)
    assert one.user_lists == 300  # two pages of 130 normal ones and one of 20 bursts a message
    time.now = 2.0
    seconds = estimator.seconds_left()
    assert seconds is not None
    assert seconds[0] == pytest.approx(2, rel=0.05)
    assert seconds[1] == pytest.approx(2 + 600 * 2, rel=0.05)
    estimator.begin_reactions(600)
    assert estimator.seconds_left() is None
    estimator.lists_done = 150
    time.now = 4.0
    assert estimator.seconds_left() == (0.0, pytest.approx(6))
    assert estimator.fraction() == round(151 / 601, 4)  # the page of messages among them


def test_what_is_read_again_is_part_of_what_is_left() -> None:
    time = Time()
    estimator = SyncEstimator(time)
    begin(estimator)
    assert estimator.fraction(0, 10) == 0.0
    assert estimator.job_seconds_left(0, 10) is None
    time.now = 4.0
    assert estimator.job_seconds_left(2, 8) == pytest.approx(16)
    assert estimator.fraction(2, 8) == 0.2


def test_what_earlier_attempts_did_is_done() -> None:
    estimator = SyncEstimator(Time(), earlier_messages=300, earlier_lists=2)
    begin(estimator, channel(100, counted=100), backlog=4)
    assert estimator.fraction() == 0.5


def test_a_channel_that_gave_up_is_left_but_not_waited_for() -> None:
    time = Time()
    estimator, given_up, other = SyncEstimator(time), channel(1000, counted=1000), channel(200, counted=200)
    begin(estimator, given_up, other)
    for one in (given_up, other):
        one.add(page(0, 100), 0.0)
    estimator.end(given_up)
    time.now = 10.0
    assert estimator.fraction() == pytest.approx(200 / 1200, abs=0.001)
    seconds = estimator.seconds_left()
    assert seconds is not None
    assert seconds[0] == pytest.approx(10)


class Unseen(ChannelEstimator):
    """A channel at which nobody looks while it waits."""

    looks = 0

    @property
    def left(self) -> float | None:
        Unseen.looks += 1
        return super().left


def test_an_estimate_looks_only_at_the_channels_that_are_being_read() -> None:
    """There can be a hundred thousand of the others, and a heartbeat estimates each two seconds."""
    time = Time()
    estimator, counts = SyncEstimator(time), [100, 200, 300, 400]
    channels = [Unseen(page_size=PAGE, since=START, head_at=None, counted=count) for count in counts]
    for one in channels:
        estimator.expect(one)
    estimator.begin(0, page_size=PAGE)
    for one in channels[:2]:
        estimator.start(one)
        one.add(page(0, 100), 0.0)
    channels[0].is_done = True
    estimator.end(channels[0])
    Unseen.looks, time.now = 0, 10.0
    assert estimator.fraction() == 0.2
    assert estimator.seconds_left() == (40.0, 40.0)
    assert Unseen.looks <= 4  # at the one that is being read


def test_what_waits_is_taken_out_to_the_last_message() -> None:
    """Also where one count cannot be true: beside it a float would lose all others."""
    estimator, counts = SyncEstimator(Time()), [2**63, 150]
    channels = [ChannelEstimator(page_size=PAGE, since=START, head_at=None, counted=count) for count in counts]
    begin(estimator, *channels)
    channels[0].is_done = True
    estimator.end(channels[0])
    channels[1].add(page(0, 50), 0.0)
    assert estimator.fraction() == pytest.approx(50 / 150, abs=0.001)


def test_a_job_that_has_not_ended_is_never_wholly_done() -> None:
    progress = Progress(earlier={"messages": 5, "duration_seconds": 2.5, "reactions_pending": 9, "requests": "many"})
    begin(progress.estimator)
    assert progress.snapshot(START)["fraction"] == 0.9999
    assert progress.at_end(has_succeeded=True)["fraction"] == 1.0
    assert progress.at_end(has_succeeded=False)["fraction"] == 0.9999
    progress.messages, progress.reactions_pending = 7, 1
    totals = progress.at_end(has_succeeded=True)
    assert (totals["fraction"], totals["messages"], totals["reactions_pending"]) == (0.9999, 12, 1)
    assert totals["requests"] == 0
    assert isinstance(totals["duration_seconds"], float)
    assert totals["duration_seconds"] >= 2.5


def test_a_count_that_cannot_be_true_is_no_ground() -> None:
    """The heartbeat adds the estimate to the time, and a date has an end."""
    now = [0.0]
    progress = Progress(estimator=SyncEstimator(now=lambda: now[0]))
    channel = ChannelEstimator(page_size=PAGE, since=START, head_at=START, counted=2**63 - 1)
    begin(progress.estimator, channel)
    channel.add(page(0, PAGE), 0.0)
    now[0] = 10.0
    assert progress.snapshot(START)["estimated_completion_at"] is None
