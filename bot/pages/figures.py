"""A tenant's figures as the bars of a chart, and as the rows of a table that says the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bot.pages.charts import Bars
from storage.reading import Statistics

_MOST_BARS = 92  # days; a longer time is drawn by weeks


class Chart(StrEnum):
    """What is drawn."""

    DAYS = "days"
    HOURS = "hours"
    CHANNELS = "channels"
    REACTIONS = "reactions"


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is about, its figures, and where more of it is."""

    name: str
    figures: Sequence[int]
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below their heads, the first of which is of the rows' names."""

    caption: str
    heads: Sequence[str]
    rows: Iterable[Row]


def bars_of(chart: Chart, figures: Statistics, until: date, days: int) -> Bars:
    """Return what a chart of the ``days`` up to ``until`` draws."""
    if chart is Chart.DAYS:
        return _by_day(figures, until, days)
    if chart is Chart.HOURS:
        return [(f"{hour:02}", many) for hour, many in enumerate(figures.hours)]
    if chart is Chart.CHANNELS:
        return [(channel.name or channel.channel_platform_id, channel.messages) for channel in figures.channels]
    return [(emoji_as_text(reaction.emoji), reaction.count) for reaction in figures.reactions]


def _by_day(figures: Statistics, until: date, days: int) -> Bars:
    """Return the messages of each day, also of those without any; of a long time those of each week."""
    counted = {day.day: day.messages for day in figures.days}
    every = [(until - timedelta(days=days - 1 - number)).isoformat() for number in range(days)]
    step = 1 if days <= _MOST_BARS else 7
    parts = [every[start : start + step] for start in range(0, days, step)]
    return [(part[0], sum(counted.get(day, 0) for day in part)) for part in parts]


def tables_of(tenant_id: str, figures: Statistics) -> list[Table]:
    """Return the tables that say what the charts show."""
    places = [
        Row(
            channel.name or channel.channel_platform_id,
            (channel.messages, channel.authors),
            f"/tenants/{tenant_id}/channels/{channel.channel_platform_id}",
        )
        for channel in figures.channels
    ]
    given = [Row(emoji_as_text(reaction.emoji), (reaction.count,)) for reaction in figures.reactions]
    days = [Row(day.day, (day.messages, day.authors)) for day in reversed(figures.days)]
    hours = [Row(f"{hour:02}:00", (many,)) for hour, many in enumerate(figures.hours)]
    return [
        Table("The most active channels", ("Channel", "Messages", "Authors"), places),
        Table("The most used reactions", ("Reaction", "Given"), given),
        Table("Messages by day", ("Day", "Messages", "Authors"), days),
        Table("Messages by hour of the day (UTC)", ("Hour", "Messages"), hours),
    ]


def emoji_as_text(emoji: str) -> str:
    """Return an emoji as text: the character, or the name of a custom one between colons."""
    return f":{emoji.strip('<>').split(':')[1]}:" if emoji.startswith("<") and emoji.count(":") > 1 else emoji
