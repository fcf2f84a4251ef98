"""Which channels are followed: everything that begins it, and everything that ends it."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.events import Stream
from bot.live import Listing
from bot.live.followed import FollowedChannels

TENANT, NOW = "discord-1", datetime(2026, 1, 1, tzinfo=UTC)


class Followed:
    """The followed channels of one tenant, and the stream of its events."""

    def __init__(self) -> None:
        self.stream: Stream | None = Stream("first", 0)
        self.channels = FollowedChannels(lambda _: self.stream, lambda: NOW)
        self.channels.current(TENANT)

    def listing(self, began: float | None = None) -> Listing:
        return Listing(stream=self.stream, began=time.monotonic() if began is None else began, began_at=NOW)

    def begin(self, *unread: str, listing: Listing | None = None) -> None:
        self.channels.begin(TENANT, listing or self.listing(), unread=set(unread), seen_at=time.monotonic())

    def follow(self, channel: str, read_since: float | None = None) -> bool:
        since = time.monotonic() if read_since is None else read_since
        return self.channels.follow(TENANT, channel, self.stream, read_since=since)

    def has(self, channel: str) -> bool:
        return self.channels.is_followed(TENANT, channel)


@pytest.fixture
def followed() -> Followed:
    return Followed()


def test_after_a_listing_what_has_nothing_to_be_read_is_followed_and_the_rest_once_it_was_read(
    followed: Followed,
) -> None:
    assert not followed.has("5")
    followed.begin("6")
    assert (followed.has("5"), followed.has("6")) == (True, False)
    assert followed.follow("6")
    assert followed.has("6")


def test_what_was_read_before_the_listing_ended_is_followed_from_its_end(followed: Followed) -> None:
    seen_at = time.monotonic()
    assert not followed.follow("6"), "nothing is followed yet"
    followed.channels.begin(TENANT, followed.listing(), unread={"6", "7"}, seen_at=seen_at)
    assert (followed.has("6"), followed.has("7")) == (True, False)


@pytest.mark.parametrize("after", [Stream("second", 0), None])
def test_a_new_stream_follows_nothing_of_the_one_before(followed: Followed, after: Stream | None) -> None:
    followed.begin()
    before = followed.listing()
    followed.channels.settle(TENANT, before)
    assert followed.channels.is_settled(TENANT)
    followed.stream = after
    assert not followed.has("5")
    assert not followed.channels.is_settled(TENANT)
    followed.begin(listing=before)
    assert not followed.channels.follow(TENANT, "5", before.stream, read_since=time.monotonic())
    assert not followed.has("5")
    assert followed.channels.proven(TENANT) == (None, None)


def test_a_connection_that_is_resumed_goes_on_with_what_was_missed_meanwhile(followed: Followed) -> None:
    followed.begin()
    stream, followed.stream = followed.stream, None
    followed.channels.missed(TENANT, "5")
    followed.channels.stored_early(TENANT, "6", ("9", NOW))
    followed.stream = stream
    assert (followed.has("5"), followed.has("6")) == (False, True)
    assert followed.channels.take_early(TENANT) == {"6": ("9", NOW)}


def test_a_message_that_was_not_stored_ends_it_until_the_channel_was_read_from_well_behind_it(
    followed: Followed,
) -> None:
    followed.begin()
    followed.channels.missed(TENANT, "5")
    assert not followed.has("5")
    assert followed.channels.unread(TENANT) == {"5"}
    assert not followed.follow("5"), "a page that is requested so soon may not show it"
    assert followed.follow("5", read_since=time.monotonic() + 60)
    assert followed.has("5")
    followed.channels.missed(TENANT, "6")
    followed.begin()
    assert not followed.has("6")


def test_a_contradiction_ends_it_for_all_until_a_later_listing_agrees(followed: Followed) -> None:
    followed.begin()
    followed.channels.settle(TENANT, listing := followed.listing())
    assert followed.channels.unproven(str.isascii) == {TENANT: NOW}
    followed.channels.contradicted(TENANT)
    assert not followed.has("5")
    followed.channels.settle(TENANT, listing)
    assert not followed.channels.is_settled(TENANT), "it began before"
    followed.begin()
    assert not followed.has("5"), "that is the comparison"
    followed.begin()
    assert followed.has("5")


def test_a_listing_from_before_another_process_led_says_nothing(followed: Followed) -> None:
    before = followed.listing()
    followed.channels.forget(TENANT.__eq__)
    followed.channels.current(TENANT)
    followed.begin(listing=before)
    assert not followed.has("5")
    followed.begin()
    assert followed.has("5")


def test_everything_is_listed_again_where_an_event_said_too_little_or_after_a_time(followed: Followed) -> None:
    followed.begin()
    followed.channels.settle(TENANT, followed.listing())
    assert followed.channels.is_settled(TENANT, within_seconds=60)
    assert not followed.channels.is_settled(TENANT, within_seconds=0)
    assert followed.stream is not None
    followed.stream = replace(followed.stream, unsettled=1)
    assert not followed.channels.is_settled(TENANT)
    assert followed.has("5"), "messages go on"
    followed.channels.settle(TENANT, followed.listing())
    assert followed.channels.is_settled(TENANT)
    followed.channels.unsettle(TENANT)
    assert not followed.channels.is_settled(TENANT)


def test_what_is_stored_early_is_kept_until_it_can_be_caught_up_with(followed: Followed) -> None:
    for number in ("9", "10", "8"):
        followed.channels.stored_early(TENANT, "5", (number, NOW))
    assert followed.channels.take_early(TENANT) == {}, "nothing is followed yet"
    followed.begin("5")
    assert followed.channels.take_early(TENANT) == {}, "it has to be read first"
    followed.channels.read_first(TENANT, ["7"])
    followed.follow("5")
    assert followed.channels.is_early(TENANT, "5")
    assert followed.channels.take_early(TENANT) == {"5": ("10", NOW)}


def test_a_channel_of_which_messages_came_before_it_was_read_is_read_first_whatever_its_head_says(
    followed: Followed,
) -> None:
    """What was missed before the stream began lies between its checkpoint and those."""
    for channel in ("5", "6"):
        followed.channels.stored_early(TENANT, channel, ("9", NOW))
    assert followed.channels.unread(TENANT) == {"5", "6"}
    followed.follow("6")
    assert followed.channels.unread(TENANT) == {"5"}
    followed.begin()
    assert (followed.has("5"), followed.has("6"), followed.has("7")) == (False, True, True)
    assert followed.channels.take_early(TENANT) == {"6": ("9", NOW)}
    assert followed.follow("5")


def test_what_was_read_in_this_stream_stays_read_until_something_is_missed(followed: Followed) -> None:
    assert not followed.channels.is_read(TENANT, "5")
    followed.follow("5")
    assert followed.channels.is_read(TENANT, "5")
    followed.channels.missed(TENANT, "5")
    assert not followed.channels.is_read(TENANT, "5")
    followed.begin("5", "6")
    assert [followed.channels.is_read(TENANT, i) for i in ("5", "6", "7")] == [False, False, True]
    followed.stream = Stream("second", 0)
    assert not followed.channels.is_read(TENANT, "7")
