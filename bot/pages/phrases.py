"""Figures and times as people read them: the filters of the templates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from bot.pages.signs import kind_in_words
from bot.wording import counted, people, pseudonym

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def number(value: float) -> str:
    """Write a whole number with its thousands apart."""
    return f"{value:,.0f}"


def percent(fraction: float) -> str:
    """Write a fraction as a percentage; what is not quite everything never reads as everything."""
    whole = min(fraction, 1.0) * 100
    return "100 %" if whole == 100 else f"{min(whole, 99.9):.1f} %" if whole > 99 else f"{whole:.0f} %"


def length(span: timedelta | float) -> str:
    """Write a length of time, or seconds, in its largest unit, and in two where that says much more."""
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    for index, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            many, rest = divmod(seconds, size)
            smaller = _UNITS[index + 1] if index + 1 < len(_UNITS) else None
            more = f" {rest // smaller[0]} {smaller[1]}" if smaller and many < 3 and rest // smaller[0] else ""
            return f"{many} {unit}{more}"
    return "0 s"


def relative(at: datetime, now: datetime) -> str:
    """Say how long ago a time is, or in how long it will be."""
    ago = now - at
    if abs(ago) < timedelta(seconds=2):
        return "just now"
    return f"{length(ago)} ago" if ago > timedelta() else f"in {length(-ago)}"


def exact(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment(at: datetime) -> Markup:
    """Write a time to the minute, for people and for programs."""
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(at.isoformat(), at.astimezone(UTC))


def ago(at: datetime, now: datetime) -> Markup:
    """Write a time by its distance from now; exactly, where one points at it or listens."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), exact(at), relative(at, now))


FILTERS: Mapping[str, Callable[..., str]] = {
    "ago": ago,
    "counted": counted,
    "exact": exact,
    "kind": kind_in_words,
    "lasting": length,
    "moment": moment,
    "number": number,
    "people": people,
    "percent": percent,
    "pseudonym": pseudonym,
}
"""By the names that templates use."""
