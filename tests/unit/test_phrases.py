"""Figures, times and people in words."""

from datetime import UTC, datetime, timedelta

from bot.pages.phrases import ago, length, percent, relative
from bot.wording import people

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
HASH = "0123456789abcdef" * 4


def test_lengths_and_distances() -> None:
    spans = {0: "0 s", 59: "59 s", 60: "1 min", 61: "1 min 1 s", 3_599: "59 min", 7_300: "2 h 1 min", 900_000: "10 d"}
    assert {seconds: length(seconds) for seconds in spans} == spans
    assert relative(NOW - timedelta(minutes=3), NOW) == "3 min ago"
    assert relative(NOW + timedelta(hours=5), NOW) == "in 5 h"
    assert relative(NOW, NOW) == "just now"
    assert ago(NOW, NOW) == '<time datetime="2026-11-27T12:00:00+00:00" title="2026-11-27 12:00:00 UTC">just now</time>'


def test_what_is_not_all_never_reads_as_all() -> None:
    assert [percent(f) for f in (0, 0.004, 0.5, 0.9951, 0.99999, 1, 2)] == [
        *("0 %", "0 %", "50 %", "99.5 %", "99.9 %", "100 %", "100 %"),
    ]


def test_people_are_named_by_the_first_digits_of_their_pseudonyms() -> None:
    assert people(f"<@{HASH}> and {HASH}, {HASH}0, <@{HASH[:8]}>") == f"@01234567 and 01234567, {HASH}0, <@01234567>"
