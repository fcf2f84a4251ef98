"""Charts: what they draw, and that names in them stay text."""

from datetime import date
from xml.etree import ElementTree

import pytest

from bot.pages.charts import draw_columns, draw_rows
from bot.pages.figures import Chart, bars_of, emoji_as_text, tables_of
from storage.reading import ChannelActivity, DayActivity, ReactionUse, Statistics

FIGURES = Statistics(
    messages=7,
    authors=2,
    days=(
        DayActivity(day="2026-11-20", messages=3, authors=1),
        DayActivity(day="2026-11-26", messages=4, authors=2),
    ),
    hours=(0,) * 23 + (7,),
    channels=(ChannelActivity(channel_platform_id="5", name=None, messages=7, authors=2),),
    reactions=(ReactionUse(emoji_key="9", emoji="<a:spin:9>", count=2),),
)
UNTIL = date(2026, 11, 26)


def test_days_without_messages_are_drawn_too_and_many_days_by_weeks() -> None:
    assert bars_of(Chart.DAYS, FIGURES, UNTIL, 3) == [("2026-11-24", 0), ("2026-11-25", 0), ("2026-11-26", 4)]
    weeks = bars_of(Chart.DAYS, FIGURES, UNTIL, 364)
    assert (len(weeks), weeks[-1]) == (52, ("2026-11-20", 7))


def test_tables_say_what_charts_show() -> None:
    tables = {table.caption: list(table.rows) for table in tables_of("discord-1", FIGURES)}
    assert [row.figures for row in tables["Messages by day"]] == [(4, 2), (3, 1)]
    (place,) = tables["The most active channels"]
    assert (place.name, place.address) == ("5", "/tenants/discord-1/channels/5")
    assert [row.name for row in tables["The most used reactions"]] == [":spin:"]
    assert bars_of(Chart.HOURS, FIGURES, UNTIL, 3)[23] == ("23", 7)


@pytest.mark.parametrize("emoji", ["👍", "<", "<:>", ":", ""])
def test_what_is_no_custom_emoji_stays_as_it_is(emoji: str) -> None:
    assert emoji_as_text(emoji) == emoji


@pytest.mark.slow
def test_whatever_a_channel_is_called_its_name_is_text_and_the_picture_can_be_read() -> None:
    names = ["<script>alert(1)</script>", "]]>\x00\x08\ud800\u202e&amp;", "x" * 5_000, ""]
    for drawn in (draw_rows([(name, 3) for name in names]), draw_columns([]), draw_columns([("a", 0)] * 365)):
        root = ElementTree.fromstring(drawn)  # noqa: S314 (our own)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "image", "foreignObject", "a"}
        assert len(drawn) < 300_000
