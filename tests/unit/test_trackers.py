"""Which messages changed while they were read: each reading knows for itself."""

from bot.live.tracker import ChangeTrackers


def test_readings_side_by_side_hear_the_same_and_end_apart() -> None:
    trackers, place = ChangeTrackers(), ("discord-1", "5")
    with trackers.tracking(*place) as first:
        begun = first.mark()
        with trackers.tracking(*place) as second:
            trackers.note([(*place, "7")])
            assert first.changed_since(begun, ["7", "8"]) == second.changed_since(begun, ["7", "8"]) == {"7"}
        trackers.note([(*place, "8"), ("discord-1", "6", "9")])
        assert first.changed_since(begun, ["7", "8", "9"]) == {"7", "8"}
        assert second.changed_since(begun, ["7", "8"]) == {"7"}
    trackers.note([(*place, "10")])
    assert first.changed_since(begun, ["10"]) == set()


def test_the_channels_of_a_tenant_are_tracked_while_they_are_listed() -> None:
    trackers = ChangeTrackers()
    with trackers.tracking("discord-1", None) as tracker:
        trackers.note([("discord-1", None, "5"), ("discord-2", None, "6"), ("discord-1", "5", "7")])
        assert set(tracker.changed()) == {"5"}


def test_what_may_be_about_a_thread_is_noted_of_all_that_is_read_of_its_tenant() -> None:
    trackers = ChangeTrackers()
    with (
        trackers.tracking("parlour-W1", "R0") as channel,
        trackers.tracking("parlour-W1", "R0-1") as thread,
        trackers.tracking("parlour-W1", None) as listing,
        trackers.tracking("parlour-W2", "R0-1") as elsewhere,
    ):
        trackers.note([("parlour-W1", "R0", "7")], includes_threads=True)
        trackers.note([("parlour-W1", "R0", "8")])
        assert set(channel.changed()) == {"7", "8"}
        assert set(thread.changed()) == {"7"}
        assert not listing.changed()
        assert not elsewhere.changed()
